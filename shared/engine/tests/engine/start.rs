//! Starting (S6.1, S6.2).

use fanmail_domain::CampaignStatus;
use fanmail_engine::control::{Controlled, start};
use fanmail_testkit::World;

#[tokio::test]
async fn two_starts_at_once_are_one_start() {
    let world = World::new(30, 5);
    let order = world.order();
    let (one, two) =
        futures::join!(start(&world, &world, &world, &order), start(&world, &world, &world, &order),);
    let (Controlled::Done(one), Controlled::Done(two)) = (one.unwrap(), two.unwrap()) else {
        panic!("one of the starts was refused");
    };
    assert_eq!((one.state.epoch, two.state.epoch), (fanmail_domain::Epoch(1), fanmail_domain::Epoch(1)));
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 30);
}

#[tokio::test]
async fn starting_again_later_changes_nothing() {
    let world = World::new(30, 5);
    world.start().await;
    world.step().await.unwrap();
    world.start().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 30);
    let order = world.order();
    let again = start(&world, &world, &world, &order).await.unwrap();
    assert!(matches!(again, Controlled::Refused(ref it, _) if it.state.status == CampaignStatus::Finished));
}

#[tokio::test]
async fn a_campaign_cannot_finish_before_its_audience_is_sealed() {
    // The first page is full and its batches are done; the rest is not planned yet.
    let world = World::new(30, 1);
    world.start().await;
    let died = world.calls().len();
    let probe = World::new(30, 1);
    probe.start().await;
    while probe.count_calls("write_page") < 1 {
        probe.step().await.unwrap();
    }
    let second_page =
        probe.calls().iter().enumerate().filter(|(_, call)| **call == "write_page").nth(1).unwrap().0;
    assert!(second_page > died);
    let world = world.with_fault(fanmail_testkit::Fault {
        at_call: second_page,
        strike: fanmail_testkit::Strike::DeathBefore,
    });
    assert!(world.step().await.is_err(), "the fan-out was to die");
    while world.step().await.unwrap() {}
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.status), (10, CampaignStatus::Running));
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.status), (30, CampaignStatus::Finished));
}
