//! A queue that loses, repeats and reorders.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, SubscriberId};
use fanmail_engine::ports::{BatchTask, Tasks};
use fanmail_testkit::{Fault, Strike, World};

#[tokio::test]
async fn every_task_delivered_three_times_sends_each_message_once() {
    let world = World::new(60, 6);
    world.start().await;
    world.multiply_queue(3);
    while world.count_calls("write_page") == 0 {
        world.step().await.unwrap();
    }
    world.multiply_queue(3);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn a_task_that_names_its_recipients_spares_the_look_at_the_ledger() {
    let world = World::new(60, 6);
    world.start().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
    assert_eq!(world.count_calls("batch"), 0);
}

#[tokio::test]
async fn a_task_that_names_others_than_the_ledger_sends_to_nobody() {
    let world = World::new(12, 6);
    world.start().await;
    world.step().await.unwrap();
    world.purge_queue();
    let [first, second] = world.batches().try_into().unwrap();
    let names = |batch: &fanmail_domain::Batch| -> Vec<SubscriberId> {
        batch.entries.iter().map(|entry| entry.subscriber).collect()
    };
    let mut reversed = names(&first);
    reversed.reverse();
    for recipients in [names(&second), reversed, names(&first)[1..].to_vec()] {
        let epoch = world.campaign_now(first.id.campaign).state.epoch;
        let task = BatchTask { recipients, ..BatchTask::of(epoch, first.id) };
        world.send_batches(&[task], Duration::ZERO).await.unwrap();
        world.step().await.unwrap();
        assert_eq!((world.count_calls("submit"), world.batches()[0].clone()), (0, first.clone()));
        world.drop_delayed_tasks();
    }
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn a_task_that_names_its_recipients_and_comes_too_late_is_refused_and_then_looks() {
    let world = World::new(12, 6);
    world.start().await;
    world.step().await.unwrap();
    world.purge_queue();
    let [first, second] = world.batches().try_into().unwrap();
    let epoch = world.campaign_now(first.id.campaign).state.epoch;
    let tasks = [&first, &first, &second].map(|batch| BatchTask::knowing(epoch, batch));
    world.send_batches(&tasks, Duration::ZERO).await.unwrap();
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
    assert_eq!(world.count_calls("batch"), 1);
}

#[tokio::test]
async fn a_purged_queue_is_filled_again_from_the_ledger() {
    for steps in [0, 1, 2, 4, 7] {
        let world = World::new(60, 6);
        world.start().await;
        for _ in 0..steps {
            world.step().await.unwrap();
        }
        world.purge_queue();
        world.drive().await;
        let outcome = world.check();
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60), "{steps}");
    }
}

#[tokio::test]
async fn sweeping_in_the_middle_of_normal_work_changes_nothing() {
    let world = World::new(60, 6);
    world.start().await;
    while world.step().await.unwrap() {
        let report = world.sweep().await.unwrap().unwrap();
        assert_eq!(report, fanmail_engine::sweep::SweepReport::default());
    }
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn sweeping_twice_mends_once() {
    let world = World::new(60, 6);
    world.start().await;
    world.step().await.unwrap();
    world.purge_queue();
    let first = world.sweep().await.unwrap().unwrap();
    let second = world.sweep().await.unwrap().unwrap();
    assert_eq!((first.lanes_rewound, second.lanes_rewound), (1, 0));
}

#[tokio::test]
async fn only_unfinished_batches_get_a_task_again() {
    let world = World::new(60, 6);
    world.start().await;
    for _ in 0..8 {
        world.step().await.unwrap();
    }
    world.purge_queue();
    world.sweep().await.unwrap();
    world.step().await.unwrap();
    assert_eq!(world.queue_length(), 3, "seven of ten batches were done");
}

#[tokio::test]
async fn a_lease_that_ran_out_is_ended_by_the_sweeper_without_the_lost_task() {
    let probe = World::new(12, 6);
    probe.start().await;
    probe.drive().await;
    let submit = probe.calls().iter().position(|call| *call == "submit").unwrap();
    let world = World::new(12, 6).with_fault(Fault { at_call: submit, strike: Strike::DeathBefore });
    world.start().await;
    world.step().await.unwrap();
    assert!(world.step().await.is_err(), "the sender was to die");
    // The other batch's task still waits, so the queue does not look lost.
    world.drop_delayed_tasks();
    assert_eq!(world.queue_length(), 1);
    world.pass_ms(40_000);
    let report = world.sweep().await.unwrap().unwrap();
    assert_eq!(report.leases_expired, 1);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("in_doubt"), outcome.count("accepted")), (4, 8));
}
