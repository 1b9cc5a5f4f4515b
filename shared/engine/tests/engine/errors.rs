//! Too many errors (S1.5): the campaign stops, the failed are kept, and going on means going on.

use fanmail_domain::{CampaignStatus, FailReason, RecipientState, SettingsPatch, StatusReason, SubscriberId};
use fanmail_testkit::{Answer, CAMPAIGN, Outcome, World};

use crate::support::{all_in, run};

const REJECTED: RecipientState = RecipientState::Failed(FailReason::Rejected);

/// Thirty people in batches of five. Those at `bad` are rejected once; `max` failures are too many.
fn world_with(max: u32, bad: &[usize]) -> (World, Vec<SubscriberId>) {
    let world = World::new(30, 5);
    world.set_settings(SettingsPatch {
        batch_size: Some(5),
        message_rate: Some(20),
        max_send_errors: Some(max),
        ..SettingsPatch::default()
    });
    let ids = world.subscriber_ids();
    let bad: Vec<_> = bad.iter().map(|at| ids[*at]).collect();
    for id in &bad {
        world.answer(*id, &[Answer::Reject]);
    }
    (world, bad)
}

fn assert_paused(world: &World, outcome: &Outcome) {
    assert_eq!(outcome.status, CampaignStatus::Paused);
    assert_eq!(world.campaign_now(CAMPAIGN).state.reason, Some(StatusReason::TooManyErrors));
}

async fn go_on(world: &World) -> Outcome {
    world.resume().await;
    world.drive().await;
    world.check()
}

#[tokio::test]
async fn too_many_errors_pause_and_the_failed_are_kept_and_can_be_reached() {
    let (world, bad) = world_with(4, &[0, 3, 4, 7, 13, 28]);
    let outcome = run(&world).await;
    assert_paused(&world, &outcome);
    assert_eq!(all_in(&outcome, "failed"), bad[..4]);
    assert_eq!((outcome.count("accepted"), outcome.count("pending")), (6, 20));

    // Two more fail, which alone are not too many.
    let outcome = go_on(&world).await;
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 24));
    assert!(bad.iter().all(|id| outcome.states[id] == REJECTED));

    world.retry("failed:*").await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 30));
}

#[tokio::test]
async fn going_on_pauses_again_only_when_as_many_more_failed() {
    let (world, bad) = world_with(2, &[0, 3, 6, 11, 16, 21]);
    for failed in [2, 4, 6] {
        let outcome = if failed == 2 { run(&world).await } else { go_on(&world).await };
        assert_paused(&world, &outcome);
        assert_eq!(all_in(&outcome, "failed"), bad[..failed]);
    }
    let outcome = go_on(&world).await;
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 6));
}

#[tokio::test]
async fn who_is_tried_again_counts_again() {
    let (world, bad) = world_with(3, &[0, 1, 6]);
    for id in &bad {
        world.answer(*id, &[Answer::Reject; 2]);
    }
    assert_paused(&world, &run(&world).await);
    world.retry("failed:rejected").await;
    world.drive().await;
    let outcome = world.check();
    assert_paused(&world, &outcome);
    assert_eq!(all_in(&outcome, "failed"), bad);
}

#[tokio::test]
async fn zero_means_that_no_number_of_errors_is_too_many() {
    let all: Vec<usize> = (0..30).collect();
    let (world, _) = world_with(0, &all);
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 30));
}

#[tokio::test]
async fn fewer_errors_than_the_limit_stop_nothing() {
    let (world, _) = world_with(4, &[0, 9, 20]);
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 3));
}
