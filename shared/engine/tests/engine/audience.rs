//! Who is written to, and who is not.

use fanmail_domain::{CampaignStatus, RecipientState, SkipReason, SubscriberStatus, SubscriptionStatus};
use fanmail_testkit::{LIST, OTHER_LIST, Outcome, World};

async fn run(world: &World) -> Outcome {
    world.start().await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!(outcome.status, CampaignStatus::Finished);
    outcome
}

#[tokio::test]
async fn everybody_gets_it_once() {
    let world = World::new(137, 10);
    let outcome = run(&world).await;
    assert_eq!((outcome.count("accepted"), outcome.states.len()), (137, 137));
}

#[tokio::test]
async fn an_audience_of_nobody_finishes_with_nobody() {
    let outcome = run(&World::new(0, 10)).await;
    assert_eq!(outcome.states.len(), 0);
}

#[tokio::test]
async fn somebody_on_two_lists_is_one_recipient() {
    let world = World::new(40, 7);
    for n in 0..40 {
        world.add_subscriber(n, OTHER_LIST);
    }
    let extra = world.add_subscriber(99, OTHER_LIST);
    let outcome = run(&world).await;
    assert_eq!((outcome.count("accepted"), outcome.states.len()), (41, 41));
    assert_eq!(outcome.states[&extra], RecipientState::Accepted);
}

#[tokio::test]
async fn blocklisted_runs_are_skipped_wherever_they_lie() {
    // S1.1: all, the last batch, the first batch, every other, a long run in the middle.
    let places: [fn(usize) -> bool; 5] =
        [|_| true, |at| at >= 90, |at| at < 10, |at| at % 2 == 0, |at| (20..80).contains(&at)];
    for (case, blocked) in places.into_iter().enumerate() {
        let world = World::new(100, 10);
        let ids = world.subscriber_ids();
        let blocklisted: Vec<_> =
            ids.iter().enumerate().filter(|(at, _)| blocked(*at)).map(|(_, id)| *id).collect();
        for id in &blocklisted {
            world.set_status(*id, SubscriberStatus::Blocklisted);
        }
        let outcome = run(&world).await;
        let skipped = RecipientState::Skipped(SkipReason::Blocklisted);
        assert!(blocklisted.iter().all(|id| outcome.states[id] == skipped), "case {case}");
        assert_eq!(outcome.count("accepted") as usize, 100 - blocklisted.len(), "case {case}");
    }
}

#[tokio::test]
async fn the_unconfirmed_are_skipped_on_a_double_opt_in_list_only() {
    for (double, expected) in [(true, 9), (false, 10)] {
        let world = World::new(10, 4);
        let unconfirmed = world.subscriber_ids()[3];
        world.set_subscription(unconfirmed, LIST, SubscriptionStatus::Unconfirmed);
        if double {
            world.make_double_optin();
        }
        assert_eq!(run(&world).await.count("accepted"), expected, "double opt-in: {double}");
    }
}

#[tokio::test]
async fn the_audience_may_change_while_the_campaign_runs() {
    // S6.7: deleted, unsubscribed and blocked after the plan was made; one joined late.
    let world = World::new(12, 4);
    world.start().await;
    while world.queue_length() > 0 && world.count_calls("write_page") == 0 {
        world.step().await.unwrap();
    }
    let ids = world.subscriber_ids();
    world.delete_subscriber(ids[0]);
    world.unsubscribe(ids[5], LIST);
    world.set_status(ids[11], SubscriberStatus::Blocklisted);
    world.pass_ms(5);
    let late = world.add_subscriber(99, LIST);
    world.drive().await;
    let outcome = world.check();
    let skipped = |reason| RecipientState::Skipped(reason);
    assert_eq!(outcome.states[&ids[0]], skipped(SkipReason::Gone));
    assert_eq!(outcome.states[&ids[5]], skipped(SkipReason::Unsubscribed));
    assert_eq!(outcome.states[&ids[11]], skipped(SkipReason::Blocklisted));
    assert!(!outcome.states.contains_key(&late));
    assert_eq!(outcome.count("accepted"), 9);
}

#[tokio::test]
async fn who_joins_between_the_start_and_the_plan_is_left_out() {
    let world = World::new(12, 4);
    world.start().await;
    world.pass_ms(1);
    let late = world.add_subscriber(99, LIST);
    world.drive().await;
    let outcome = world.check();
    assert!(!outcome.states.contains_key(&late));
    assert_eq!(outcome.count("accepted"), 12);
}

#[tokio::test]
async fn a_row_that_was_just_written_is_not_taken_for_gone() {
    let world = World::new(10, 10);
    for id in &world.subscriber_ids()[3..5] {
        world.hide_from_eventual_reads(*id);
    }
    assert_eq!(run(&world).await.count("accepted"), 10);
}
