//! Orders that come late or twice (S2.8).

use std::collections::BTreeSet;

use fanmail_domain::{Retry, Schedule, StatusReason, Timestamp};
use fanmail_engine::control::{Controlled, Order, cancel, pause, resume, retry, schedule, start, unschedule};
use fanmail_engine::ports::PortError;
use fanmail_testkit::{CAMPAIGN, World};

async fn paused() -> World {
    let world = World::new(12, 6);
    world.start().await;
    world.step().await.unwrap();
    world.pause(StatusReason::User, None).await;
    world
}

/// Every order there is, in the name of somebody who saw this version.
async fn order_everything(world: &World, version: u32) -> Vec<Result<Controlled, PortError>> {
    let order = &Order { version: Some(version), ..world.order() };
    let (failed, nobody) = (Retry::class("failed:*").unwrap(), BTreeSet::new());
    let at = Schedule { send_at: Timestamp(0), not_after: Timestamp(0) };
    vec![
        start(world, world, world, order).await,
        pause(world, world, order, StatusReason::User, Some(Timestamp(9))).await,
        resume(world, world, world, order).await,
        cancel(world, world, world, order).await,
        retry(world, world, world, order, &failed, &nobody).await,
        schedule(world, world, order, at).await,
        unschedule(world, world, order).await,
    ]
}

#[tokio::test]
async fn an_order_of_somebody_who_saw_another_version_changes_nothing() {
    let world = paused().await;
    let (before, journal, tasks) = (world.campaign_now(CAMPAIGN), world.journal(), world.queue_length());
    for version in [0, 1, 3] {
        for (place, answer) in order_everything(&world, version).await.into_iter().enumerate() {
            assert_eq!(
                answer.unwrap(),
                Controlled::Stale(before.clone()),
                "order {place}, version {version}"
            );
        }
    }
    assert_eq!(world.campaign_now(CAMPAIGN), before);
    assert_eq!((world.journal(), world.queue_length()), (journal, tasks));
}

#[tokio::test]
async fn an_order_that_comes_twice_is_carried_out_once() {
    let world = paused().await;
    let order = Order { version: Some(world.campaign_now(CAMPAIGN).state.version), ..world.order() };
    let first = resume(&world, &world, &world, &order).await.unwrap();
    let second = resume(&world, &world, &world, &order).await.unwrap();
    assert!(matches!((&first, &second), (Controlled::Done(_), Controlled::Stale(_))), "{second:?}");
    // Late: when the campaign is paused again.
    world.pause(StatusReason::User, None).await;
    let late = resume(&world, &world, &world, &order).await.unwrap();
    assert!(matches!(late, Controlled::Stale(_)), "{late:?}");
    world.resume().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn there_is_nothing_to_order_for_a_campaign_that_does_not_exist() {
    let world = World::new(1, 1);
    let order = Order { campaign: fanmail_domain::CampaignId(77), ..world.order() };
    let answer = cancel(&world, &world, &world, &order).await.unwrap();
    assert_eq!(answer, Controlled::Unknown);
}
