//! Cancelling (S2.7): everybody ends, nobody gets it any more, and the campaign is closed for good.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, RecipientState, SkipReason};
use fanmail_engine::control::{Controlled, cancel, schedule};
use fanmail_testkit::{CAMPAIGN, World};

use crate::support::{STRIKES, all_in, are_all, faulty, run, with_a_dead_sender};

const CANCELLED: RecipientState = RecipientState::Skipped(SkipReason::Cancelled);
const ENDS: [RecipientState; 2] = [RecipientState::Accepted, CANCELLED];

/// A running campaign of ten batches of three, of which `batches` are done, that is cancelled.
async fn cancelled_after(batches: usize) -> World {
    let world = World::new(30, 3);
    world.start().await;
    for _ in 0..=batches {
        world.step().await.unwrap();
    }
    world.cancel().await;
    world
}

#[tokio::test]
async fn cancelled_at_any_call_everybody_ends_and_nobody_gets_it_later() {
    let undisturbed = World::new(30, 3);
    run(&undisturbed).await;
    let mut planned_after = 0;
    for at_call in 0..undisturbed.calls().len() {
        let world = World::new(30, 3).interrupted(at_call, |world| {
            Box::pin(async {
                let cancelled = cancel(world, world, world, &world.order()).await.unwrap();
                assert!(matches!(cancelled, Controlled::Done(_) | Controlled::Refused(..)));
            })
        });
        let outcome = run(&world).await;
        let campaign = world.campaign_now(CAMPAIGN);
        if outcome.status == CampaignStatus::Finished {
            assert_eq!(outcome.count("accepted"), 30);
            continue;
        }
        assert_eq!((outcome.status, outcome.states.len()), (CampaignStatus::Cancelled, 30), "{at_call}");
        assert!(are_all(&outcome, &ENDS), "call {at_call}: {:?}", outcome.tally);
        assert!(!world.is_active(CAMPAIGN), "call {at_call}: not closed");
        planned_after += usize::from(outcome.count("accepted") == 0);
        let last = world.accepted_at().last().copied().unwrap_or_default();
        assert!(last.since(campaign.updated_at) <= Duration::from_secs(1), "call {at_call}");
    }
    assert!(planned_after > 10, "cancelled only {planned_after} times before the first message");
}

#[tokio::test]
async fn a_cancelled_campaign_is_closed_once_and_not_looked_at_any_more() {
    let world = cancelled_after(2).await;
    assert!(world.is_active(CAMPAIGN), "closed before anybody ended");
    world.work_off().await;
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_closed, 1);
    assert!(!world.is_active(CAMPAIGN));
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_closed, 0);
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), all_in(&outcome, "skipped").len()), (6, 24));
}

#[tokio::test]
async fn tasks_that_come_after_the_cancel_do_nothing() {
    let world = World::new(30, 3);
    world.start().await;
    world.step().await.unwrap();
    world.multiply_queue(2);
    world.cancel().await;
    world.multiply_queue(2);
    world.work_off().await;
    assert_eq!((world.count_calls("submit"), world.count_calls("write_batch")), (0, 0));
    assert_eq!(world.count_calls("amend_batch"), 10, "each batch is closed once");
    assert!(are_all(&world.check(), &[CANCELLED]));
}

#[tokio::test]
async fn whatever_happens_at_any_call_of_closing_it_is_closed() {
    let undisturbed = cancelled_after(3).await;
    undisturbed.drive().await;
    let probe = World::new(30, 3);
    probe.start().await;
    for _ in 0..=3 {
        probe.step().await.unwrap();
    }
    for strike in STRIKES {
        for at_call in probe.calls().len()..undisturbed.calls().len() {
            let world = faulty(World::new(30, 3), at_call, strike);
            world.start().await;
            for _ in 0..=3 {
                world.step().await.unwrap();
            }
            world.cancel().await;
            world.drive().await;
            let struck = world.struck().unwrap();
            let outcome = world.check();
            assert!(!world.is_active(CAMPAIGN), "{strike:?} at {struck}, call {at_call}");
            assert!(are_all(&outcome, &ENDS), "{strike:?} at {struck}, call {at_call}");
            assert_eq!((outcome.count("accepted"), outcome.states.len()), (9, 30), "{struck}, {at_call}");
        }
    }
}

#[tokio::test]
async fn who_was_on_the_way_when_the_sender_died_is_in_doubt_and_not_skipped() {
    let world = with_a_dead_sender().await;
    world.cancel().await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("in_doubt"), outcome.count("skipped"), outcome.count("accepted")), (4, 8, 0));
    assert!(!world.is_active(CAMPAIGN));
}

#[tokio::test]
async fn a_retry_of_the_cancelled_reaches_exactly_those() {
    let world = cancelled_after(3).await;
    world.drive().await;
    let (skipped, had) = (all_in(&world.check(), "skipped"), world.accepted().len());
    assert_eq!((skipped.len(), had), (21, 9));
    world.retry("skipped:cancelled").await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 30));
    let mut reached: Vec<_> = world.accepted()[had..].iter().map(|taken| taken.letter.to).collect();
    reached.sort_unstable();
    assert_eq!(reached, skipped);
}

#[tokio::test]
async fn what_was_paused_can_be_cancelled_and_what_never_ran_is_closed_at_once() {
    let world = World::new(30, 3);
    world.start().await;
    world.step().await.unwrap();
    world.pause(fanmail_domain::StatusReason::User, None).await;
    world.cancel().await;
    world.drive().await;
    assert!(are_all(&world.check(), &[CANCELLED]));

    let world = World::new(30, 3);
    let send_at = world.campaign_now(CAMPAIGN).created_at.after(Duration::from_secs(60));
    let at = fanmail_domain::Schedule { send_at, not_after: send_at };
    assert!(matches!(schedule(&world, &world, &world.order(), at).await.unwrap(), Controlled::Done(_)));
    world.cancel().await;
    assert!(!world.is_active(CAMPAIGN));
    world.pass_ms(120_000);
    world.drive().await;
    assert_eq!((world.check().states.len(), world.campaign_now(CAMPAIGN).state.epoch.0), (0, 0));
}
