//! Sweeping (S4.6, S4.8, S4.9): what was left behind is found, once, and named.

use std::time::Duration;

use fanmail_domain::CampaignStatus;
use fanmail_engine::ports::Clock;
use fanmail_engine::sweep::SweepReport;
use fanmail_testkit::{Fault, Strike, World};

use crate::support::{STRIKES, faulty, nth_call, run, with_a_dead_sender};

async fn sweep(world: &World) -> SweepReport {
    world.sweep().await.unwrap().unwrap()
}

fn lines_with(world: &World, part: &str) -> Vec<String> {
    let all = world.journal().into_iter().filter(|(actor, _)| actor == "sweeper");
    all.map(|(_, text)| text).filter(|text| text.contains(part)).collect()
}

/// The same for a queue that lost everything, long enough after for the lease to be over.
async fn with_a_dead_sender_and_no_tasks() -> World {
    let world = with_a_dead_sender().await;
    world.purge_queue();
    world.pass_ms(40_000);
    world
}

#[tokio::test]
async fn a_lease_that_ran_out_is_journalled_and_counted() {
    let world = with_a_dead_sender().await;
    world.pass_ms(31_000);
    assert_eq!(sweep(&world).await, SweepReport::default(), "the lease has a second left");
    world.pass_ms(2_000);
    let report = sweep(&world).await;
    assert_eq!((report.leases_expired, report.put_in_doubt), (1, 4));
    let text = "the lease of batch 1/0/0 ran out: 4 submitting are in doubt, 2 pending are tried again";
    assert_eq!(lines_with(&world, "ran out"), [text]);
    world.drive().await;
    assert_eq!(world.check().count("in_doubt"), 4);
}

#[tokio::test]
async fn two_sweeps_at_once_change_nothing_twice() {
    let undisturbed = with_a_dead_sender_and_no_tasks().await;
    let before = undisturbed.calls().len();
    sweep(&undisturbed).await;
    for at_call in before..undisturbed.calls().len() {
        let world = with_a_dead_sender_and_no_tasks().await.interrupted(at_call, |world| {
            Box::pin(async {
                // Within one millisecond both write the very same, and none of them loses the race.
                world.pass_ms(1);
                world.sweep().await.unwrap();
                world.pass_ms(1);
            })
        });
        sweep(&world).await;
        let sum = |count: fn(&SweepReport) -> u32| world.sweeps().iter().map(count).sum::<u32>();
        let struck = world.struck();
        assert_eq!(sum(|report| report.leases_expired), 1, "{struck:?}, call {at_call}");
        assert_eq!(sum(|report| report.put_in_doubt), 4, "{struck:?}, call {at_call}");
        assert!(sum(|report| report.lanes_rewound) <= 1, "{struck:?}, call {at_call}");
        assert_eq!(lines_with(&world, "ran out").len(), 1, "{struck:?}, call {at_call}");
        world.drive().await;
        let outcome = world.check();
        assert_eq!((outcome.count("in_doubt"), outcome.count("accepted")), (4, 8), "{struck:?}, {at_call}");
        assert_eq!(world.count_calls("submit"), 9, "the dead sender's call, and eight");
    }
}

#[tokio::test]
async fn whatever_happens_at_any_call_of_a_sweep_the_next_one_mends_it() {
    let undisturbed = with_a_dead_sender_and_no_tasks().await;
    let before = undisturbed.calls().len();
    sweep(&undisturbed).await;
    for strike in STRIKES {
        for at_call in before..undisturbed.calls().len() {
            let world = faulty(with_a_dead_sender_and_no_tasks().await, at_call, strike);
            let _ = world.sweep().await;
            world.drive().await;
            let (outcome, struck) = (world.check(), world.struck());
            assert_eq!(outcome.status, CampaignStatus::Finished);
            assert_eq!(
                (outcome.count("in_doubt"), outcome.count("accepted")),
                (4, 8),
                "{struck:?}, {at_call}"
            );
        }
    }
}

#[tokio::test]
async fn batches_that_are_done_are_not_read_again() {
    // Seventy batches, of which sixty are done, at seven on a page.
    let world = World::new(70, 1);
    world.start().await;
    for _ in 0..=60 {
        world.step().await.unwrap();
    }
    let pages = async || {
        let before = world.count_calls("batches");
        assert_eq!(sweep(&world).await, SweepReport::default());
        world.count_calls("batches") - before
    };
    assert_eq!((pages().await, world.lanes_now()[0].plan.low), (10, 60));
    assert_eq!(pages().await, 2, "what is above the mark fits on two pages");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 70);
}

#[tokio::test]
async fn the_mark_does_not_pass_a_batch_that_is_open() {
    let world = World::new(70, 1);
    world.start().await;
    world.step().await.unwrap();
    world.lose_first_task();
    while world.queue_length() > 1 {
        world.step().await.unwrap();
    }
    sweep(&world).await;
    assert_eq!(world.lanes_now()[0].plan.low, 0);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 70);
}

#[tokio::test]
async fn a_retry_looks_below_the_mark() {
    let world = World::new(70, 1);
    let bad = world.subscriber_ids()[3];
    world.make_unrenderable_up_to(bad, 1);
    world.start().await;
    for _ in 0..=60 {
        world.step().await.unwrap();
    }
    sweep(&world).await;
    assert_eq!(world.lanes_now()[0].plan.low, 60);
    world.drive().await;
    world.edit().await.unwrap();
    world.retry("failed:render").await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 70);
}

/// Four lanes of about forty batches; the first is planned, and the tasks of the others are lost.
async fn with_three_lanes_left_behind() -> World {
    let world = World::new(160, 1);
    world.claim_size(10_000);
    world.start().await;
    world.step().await.unwrap();
    world.purge_queue();
    world.pass_ms(11_000);
    world
}

#[tokio::test]
async fn a_sweep_ends_when_its_time_is_up_and_the_next_one_begins_elsewhere() {
    let world = with_three_lanes_left_behind().await;
    world.set_latency_ms(2_500);
    for turn in 0..8 {
        let begun = world.now();
        let swept = world.sweep().await.unwrap();
        assert!(swept.is_some(), "turn {turn}");
        let took = world.now().since(begun);
        // The lane that was begun before no new work is begun any more, after 25 s, is looked through.
        assert!(took <= Duration::from_secs(33), "{took:?} in turn {turn}");
        assert!(took >= Duration::from_secs(20), "{took:?}: nothing was left out in turn {turn}");
        world.pass_ms(61_000);
    }
    world.set_latency_ms(0);
    let lanes = (1..4).map(|no| lines_with(&world, &format!("lane {no} was left behind")).len());
    let resumed: Vec<usize> = lanes.collect();
    assert!(resumed.iter().all(|count| *count > 0), "some were never looked at: {resumed:?}");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 160);
}

#[tokio::test]
async fn lanes_left_behind_are_sent_again_after_a_grace() {
    let world = World::new(160, 1);
    world.claim_size(10_000);
    world.start().await;
    world.purge_queue();
    assert_eq!(sweep(&world).await.lanes_resumed, 0, "the first tasks may still be on their way");
    world.pass_ms(10_000);
    assert_eq!(sweep(&world).await.lanes_resumed, 4);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 160);
}

#[tokio::test]
async fn one_lost_task_is_found_even_if_the_queue_is_never_idle() {
    let world = World::new(12, 6);
    world.start().await;
    world.step().await.unwrap();
    world.lose_first_task();
    for _ in 0..19 {
        world.pass_ms(60_000);
        assert_eq!(sweep(&world).await.lanes_rewound, 0);
    }
    world.pass_ms(60_000);
    assert_eq!(sweep(&world).await.lanes_rewound, 1);
    let text = "nothing moved for too long, but lane 0 has 2 open batches: sent again";
    assert_eq!(lines_with(&world, "sent again"), [text]);
    assert_eq!(sweep(&world).await.lanes_rewound, 0, "the rewound lane's task is under way");
    world.work_off().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 12));
}

#[tokio::test]
async fn a_lane_that_moves_is_not_rewound_however_long_it_takes() {
    let world = World::new(60, 2);
    world.start().await;
    while world.step().await.unwrap() {
        world.pass_ms(600_000);
        assert_eq!(sweep(&world).await.lanes_rewound, 0);
    }
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn whoever_ended_the_last_batch_may_die_before_the_campaign_is_finished() {
    let undisturbed = World::new(12, 6);
    run(&undisturbed).await;
    let at_call = nth_call(&undisturbed, "finish", 0);
    let world = World::new(12, 6).with_fault(Fault { at_call, strike: Strike::DeathBefore });
    world.start().await;
    while world.step().await.unwrap_or(true) {}
    assert_eq!(world.check().status, CampaignStatus::Running);
    assert_eq!((sweep(&world).await.campaigns_finished, sweep(&world).await.campaigns_finished), (1, 0));
    assert_eq!(world.check().status, CampaignStatus::Finished);
}
