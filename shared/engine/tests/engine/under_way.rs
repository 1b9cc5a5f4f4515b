//! Retries that meet what is under way.

use std::collections::BTreeSet;

use fanmail_domain::{CampaignStatus, Retry, StatusReason};
use fanmail_engine::control::{Controlled, cancel, pause, retry};
use fanmail_testkit::{Answer, World};

async fn again(world: &World, class: &str) -> Controlled {
    let states = Retry::class(class).unwrap();
    retry(world, world, world, &world.order(), &states, &BTreeSet::new()).await.unwrap()
}

fn refused_as(controlled: &Controlled) -> &'static str {
    match controlled {
        Controlled::Refused(_, illegal) => illegal.state,
        other @ (Controlled::Done(_) | Controlled::Stale(_) | Controlled::Unknown) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cancelled_campaign_is_closed_before_anybody_is_tried_again() {
    let world = World::new(20, 5);
    world.start().await;
    world.step().await.unwrap();
    cancel(&world, &world, &world, &world.order()).await.unwrap();
    assert_eq!(refused_as(&again(&world, "in_doubt").await), "cancelled, and not all closed yet");
    while world.step().await.unwrap() {}
    assert_eq!(world.count_calls("submit"), 0);
    assert!(matches!(again(&world, "skipped:cancelled").await, Controlled::Done(_)));
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 20);
}

#[tokio::test]
async fn a_retry_that_was_paused_on_its_way_is_not_replaced_by_one_of_other_recipients() {
    let world = World::new(20, 5);
    let ids = world.subscriber_ids();
    world.answer(ids[0], &[Answer::FallSilent]);
    world.answer(ids[1], &[Answer::Reject]);
    world.start().await;
    world.drive().await;
    assert!(matches!(again(&world, "in_doubt").await, Controlled::Done(_)));
    pause(&world, &world, &world.order(), StatusReason::User, None).await.unwrap();
    assert_eq!(refused_as(&again(&world, "failed:*").await), "paused in the middle of another retry");
    assert!(matches!(again(&world, "in_doubt").await, Controlled::Done(_)), "the same one again");
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.count("failed")), (19, 1));
    assert!(matches!(again(&world, "failed:*").await, Controlled::Done(_)));
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 20));
}
