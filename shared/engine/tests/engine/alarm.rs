//! The alarm (I8): nothing stays running silently.

use fanmail_domain::{LaneNo, StatusReason};
use fanmail_engine::ports::Clock;
use fanmail_engine::sweep::{Alarm, Cause};
use fanmail_testkit::{CAMPAIGN, World};

async fn alarms(world: &World) -> Vec<Alarm> {
    world.sweep().await.unwrap().unwrap().alarms
}

fn journalled(world: &World) -> Vec<String> {
    world.journal_texts().into_iter().filter(|line| line.starts_with("alarm")).collect()
}

/// Two batches, planned, and their tasks on the queue.
async fn planned() -> World {
    let world = World::new(12, 6);
    world.start().await;
    world.step().await.unwrap();
    world
}

#[tokio::test]
async fn a_campaign_that_stands_still_raises_an_alarm_each_time_and_journals_it_once() {
    let world = planned().await;
    let since = world.now();
    world.pass_ms(599_999);
    assert_eq!(alarms(&world).await, []);
    world.pass_ms(1);
    let alarm = Alarm { campaign: CAMPAIGN, since, cause: Cause::SendersStandStill };
    for _ in 0..3 {
        assert_eq!(alarms(&world).await, [alarm]);
        world.pass_ms(60_000);
    }
    let lines = journalled(&world);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with("there are tasks on the queue, and no recipient comes to an end"));
}

#[tokio::test]
async fn an_alarm_names_what_is_known_of_its_cause() {
    let world = World::new(12, 6);
    world.start().await;
    world.pass_ms(600_000);
    let causes =
        async |world: &World| alarms(world).await.iter().map(|alarm| alarm.cause).collect::<Vec<_>>();
    assert_eq!(causes(&world).await, [Cause::FanOutStopped(LaneNo(0))]);

    let world = planned().await;
    world.purge_queue();
    world.pass_ms(600_000);
    assert_eq!(causes(&world).await, [Cause::TasksLost]);
    assert!(journalled(&world)[0].ends_with("there are open batches, and no tasks on the queue"));
}

#[tokio::test]
async fn every_recipient_that_ends_puts_the_alarm_off() {
    let world = planned().await;
    world.pass_ms(599_000);
    world.step().await.unwrap();
    world.pass_ms(599_000);
    assert_eq!(alarms(&world).await, []);
    world.pass_ms(2_000);
    assert_eq!(alarms(&world).await.len(), 1);
}

#[tokio::test]
async fn a_paused_campaign_stands_still_on_purpose() {
    let world = planned().await;
    world.pause(StatusReason::User, None).await;
    world.pass_ms(6_000_000);
    assert_eq!((alarms(&world).await, journalled(&world)), (vec![], vec![]));
    world.resume().await;
    assert_eq!(alarms(&world).await, [], "it has only just gone on");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn a_finished_campaign_raises_no_alarm() {
    let world = planned().await;
    world.drive().await;
    world.pass_ms(6_000_000);
    assert_eq!(alarms(&world).await, []);
}
