//! Starting by the clock (S6.2, S6.9).

use std::time::Duration;

use fanmail_domain::{CampaignStatus, Epoch, Schedule, StatusReason};
use fanmail_engine::control::{Controlled, Due, schedule, start_due, unschedule};
use fanmail_engine::ports::Clock;
use fanmail_testkit::{CAMPAIGN, World};

const HOUR: Duration = Duration::from_secs(3_600);

/// A draft that is to start in an hour, and not after two.
async fn scheduled() -> World {
    let world = World::new(12, 4);
    let send_at = world.now().after(HOUR);
    let at = Schedule { send_at, not_after: send_at.after(HOUR) };
    let done = schedule(&world, &world, &world.order(), at).await.unwrap();
    assert!(matches!(done, Controlled::Done(ref it) if it.state.status == CampaignStatus::Scheduled));
    world
}

fn status(world: &World) -> CampaignStatus {
    world.campaign_now(CAMPAIGN).state.status
}

#[tokio::test]
async fn a_scheduled_campaign_starts_when_its_time_has_come_and_not_before() {
    let world = scheduled().await;
    world.pass_ms(3_599_999);
    world.sweep().await.unwrap();
    assert_eq!((status(&world), world.queue_length()), (CampaignStatus::Scheduled, 0));
    world.pass_ms(1);
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_started, 1);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn two_who_start_it_at_once_start_it_once() {
    let due = async || {
        let world = scheduled().await;
        world.pass_ms(3_600_000);
        world
    };
    let undisturbed = due().await;
    let before = undisturbed.calls().len();
    undisturbed.sweep().await.unwrap();
    for at_call in before..undisturbed.calls().len() {
        for by_schedule in [false, true] {
            let world = due().await.interrupted(
                at_call,
                if by_schedule {
                    |world| {
                        Box::pin(async {
                            start_due(world, world, world, &world.order()).await.unwrap();
                        })
                    }
                } else {
                    |world| {
                        Box::pin(async {
                            world.sweep().await.unwrap();
                        })
                    }
                },
            );
            world.sweep().await.unwrap();
            assert_eq!(world.campaign_now(CAMPAIGN).state.epoch, Epoch(1), "call {at_call}");
            let starts = world.journal_texts().iter().filter(|text| text.starts_with("started")).count();
            assert_eq!(starts, 1, "call {at_call}");
            world.drive().await;
            assert_eq!(world.check().count("accepted"), 12, "call {at_call}");
        }
    }
}

#[tokio::test]
async fn a_start_that_is_too_late_waits_for_a_person() {
    let world = scheduled().await;
    world.pass_ms(7_200_001);
    assert_eq!(world.sweep().await.unwrap().unwrap().schedules_missed, 1);
    let state = world.campaign_now(CAMPAIGN).state;
    assert_eq!((state.status, state.reason), (CampaignStatus::Paused, Some(StatusReason::MissedSchedule)));
    for _ in 0..3 {
        world.pass_ms(60_000);
        world.sweep().await.unwrap();
    }
    assert_eq!((status(&world), world.check().states.len()), (CampaignStatus::Paused, 0));
    world.resume().await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 12));
}

#[tokio::test]
async fn the_last_moment_of_a_schedule_is_not_too_late() {
    let world = scheduled().await;
    world.pass_ms(7_200_000);
    let due = start_due(&world, &world, &world, &world.order()).await.unwrap();
    assert_eq!((due, status(&world)), (Due::Started, CampaignStatus::Running));
}

#[tokio::test]
async fn what_is_not_scheduled_any_more_does_not_start() {
    let world = scheduled().await;
    let draft = unschedule(&world, &world, &world.order()).await.unwrap();
    assert!(matches!(draft, Controlled::Done(ref it) if it.state.status == CampaignStatus::Draft));
    assert!(!world.is_active(CAMPAIGN));
    world.pass_ms(3_600_000);
    world.sweep().await.unwrap();
    let due = start_due(&world, &world, &world, &world.order()).await.unwrap();
    assert_eq!((due, status(&world)), (Due::NotDue, CampaignStatus::Draft));
}
