//! Pausing: when it takes effect, when it ends, and going on at once.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, Epoch, SettingsPatch, StatusReason};
use fanmail_engine::control::{Controlled, pause, resume};
use fanmail_engine::ports::Clock;
use fanmail_testkit::{CAMPAIGN, Strike, World};

use crate::support::{faulty, run, with_a_dead_sender};

fn world_of(recipients: u64, batch_size: u32, message_rate: u32, max_conns: u32) -> World {
    let world = World::new(recipients, batch_size);
    world.set_settings(SettingsPatch {
        batch_size: Some(batch_size),
        message_rate: Some(message_rate),
        max_conns: Some(max_conns),
        ..SettingsPatch::default()
    });
    world
}

#[tokio::test]
async fn nothing_is_accepted_later_than_a_second_after_a_pause_however_slow_the_sender() {
    for (rate, conns) in [(2, 1), (2, 8), (3, 4), (5, 8), (10, 1), (10, 8)] {
        let undisturbed = world_of(20, 20, rate, conns);
        run(&undisturbed).await;
        let mut latest = Duration::ZERO;
        for at_call in 5..undisturbed.calls().len() {
            let world = faulty(world_of(20, 20, rate, conns), at_call, Strike::Paused);
            world.start().await;
            world.drive().await;
            let campaign = world.campaign_now(CAMPAIGN);
            if campaign.state.status == CampaignStatus::Finished {
                continue;
            }
            let last = world.accepted_at().last().copied().unwrap_or_default();
            latest = latest.max(last.since(campaign.updated_at));
            world.resume().await;
            world.drive().await;
            assert_eq!(world.check().count("accepted"), 20, "{rate}/s over {conns}, call {at_call}");
        }
        assert!(latest <= Duration::from_secs(1), "{latest:?} at {rate}/s over {conns}");
    }
}

#[tokio::test]
async fn a_pause_with_an_end_ends_by_itself_once() {
    let world = World::new(30, 6);
    world.start().await;
    world.step().await.unwrap();
    world.pause(StatusReason::User, Some(world.now().after(Duration::from_secs(600)))).await;
    world.pass_ms(599_000);
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_resumed, 0);
    assert_eq!(world.campaign_now(CAMPAIGN).state.status, CampaignStatus::Paused);
    world.pass_ms(1_000);
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_resumed, 1);
    assert_eq!(world.sweep().await.unwrap().unwrap().campaigns_resumed, 0);
    let state = world.campaign_now(CAMPAIGN).state;
    assert_eq!((state.status, state.epoch, state.until), (CampaignStatus::Running, Epoch(2), None));
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 30);
}

async fn over_by(recipients: u64) -> World {
    let world = World::new(recipients, 6);
    world.start().await;
    world.step().await.unwrap();
    world.pause(StatusReason::User, Some(world.now().after(Duration::from_secs(60)))).await;
    world.pass_ms(60_000);
    world
}

#[tokio::test]
async fn two_sweeps_at_once_end_a_pause_once() {
    let undisturbed = over_by(12).await;
    let before = undisturbed.calls().len();
    undisturbed.sweep().await.unwrap();
    for at_call in before..undisturbed.calls().len() {
        let world = over_by(12).await.interrupted(at_call, |world| {
            Box::pin(async {
                // Within one millisecond both write the very same, and none of them lost the race.
                world.pass_ms(1);
                world.sweep().await.unwrap();
            })
        });
        world.sweep().await.unwrap();
        assert_eq!(world.campaign_now(CAMPAIGN).state.epoch, Epoch(2), "call {at_call}");
        let resumed: u32 = world.sweeps().iter().map(|report| report.campaigns_resumed).sum();
        assert_eq!(resumed, 1, "counted twice, call {at_call}");
        world.drive().await;
        assert_eq!(world.check().count("accepted"), 12, "call {at_call}");
    }
}

#[tokio::test]
async fn a_persons_pause_outlasts_one_that_would_end_by_itself() {
    let world = World::new(30, 6);
    world.start().await;
    world.step().await.unwrap();
    let ends = Some(world.now().after(Duration::from_secs(60)));
    world.pause(StatusReason::DailyQuota, ends).await;
    world.pause(StatusReason::User, None).await;
    // And the sender, that meets its quota late, does not take it back.
    world.pause(StatusReason::DailyQuota, ends).await;
    world.pass_ms(3_600_000);
    world.sweep().await.unwrap();
    let state = world.campaign_now(CAMPAIGN).state;
    assert_eq!((state.status, state.reason), (CampaignStatus::Paused, Some(StatusReason::User)));
}

/// Pauses, resumes, and delivers what is due then, while the old run still holds its batch.
async fn pause_and_go_on(world: &World) {
    let order = world.order();
    let paused = pause(world, world, &order, StatusReason::User, None).await.unwrap();
    if matches!(paused, Controlled::Done(_)) {
        let resumed = resume(world, world, world, &order).await.unwrap();
        assert!(matches!(resumed, Controlled::Done(_)), "{resumed:?}");
        while world.step().await.unwrap() {}
    }
}

#[tokio::test]
async fn going_on_at_once_leaves_nothing_behind_and_repeats_nobody() {
    // S2.6. No sweep: the tasks alone have to do.
    let undisturbed = World::new(24, 6);
    run(&undisturbed).await;
    for at_call in 5..undisturbed.calls().len() {
        let world = World::new(24, 6).interrupted(at_call, |world| Box::pin(pause_and_go_on(world)));
        world.start().await;
        world.work_off().await;
        let outcome = world.check();
        let struck = world.struck();
        assert_eq!(outcome.status, CampaignStatus::Finished, "stuck after {struck:?}, call {at_call}");
        assert_eq!((outcome.count("accepted"), world.count_calls("submit")), (24, 24), "call {at_call}");
    }
}

#[tokio::test]
async fn a_batch_that_the_old_run_gives_back_goes_on_at_once() {
    let undisturbed = World::new(24, 24);
    run(&undisturbed).await;
    let submit = crate::support::nth_call(&undisturbed, "submit", 8);
    let world = World::new(24, 24).interrupted(submit, |world| Box::pin(pause_and_go_on(world)));
    world.start().await;
    let begun = world.now();
    world.work_off().await;
    assert_eq!(world.check().count("accepted"), 24);
    let took = world.accepted_at().last().unwrap().since(begun);
    assert!(took < Duration::from_secs(4), "{took:?} for what takes 1.2 s");
}

#[tokio::test]
async fn a_task_that_meets_a_held_batch_comes_again_until_the_lease_is_over() {
    let world = with_a_dead_sender().await;
    pause_and_go_on(&world).await;
    world.work_off().await;
    let outcome = world.check();
    assert_eq!((outcome.count("in_doubt"), outcome.count("accepted")), (4, 8));
    assert_eq!(outcome.status, CampaignStatus::Finished, "only a sweep could end it");
}
