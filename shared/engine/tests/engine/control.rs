//! Pausing, going on, and settings that change on the way.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, SettingsPatch, StatusReason};
use fanmail_engine::control::{Controlled, pause};
use fanmail_engine::ports::Clock;
use fanmail_testkit::{CAMPAIGN, Fault, Strike, World};

fn settings(rate: u32, size: u32) -> SettingsPatch {
    SettingsPatch {
        message_rate: Some(rate),
        batch_size: Some(size),
        max_conns: Some(2),
        ..SettingsPatch::default()
    }
}

async fn paused_after(steps: usize) -> World {
    let world = World::new(60, 6);
    world.start().await;
    for _ in 0..steps {
        world.step().await.unwrap();
    }
    let paused = pause(&world, &world, &world.order(), StatusReason::User, None).await.unwrap();
    assert!(matches!(paused, Controlled::Done(ref it) if it.state.status == CampaignStatus::Paused));
    world
}

#[tokio::test]
async fn nothing_is_sent_while_paused_and_everybody_gets_it_after() {
    for steps in 0..8 {
        let world = paused_after(steps).await;
        let sent = world.count_calls("submit");
        while world.step().await.unwrap() {}
        assert_eq!(world.count_calls("submit"), sent, "sent while paused, after {steps} steps");
        world.resume().await;
        world.drive().await;
        let outcome = world.check();
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60), "{steps}");
    }
}

#[tokio::test]
async fn tasks_of_the_run_before_the_pause_are_void() {
    let world = paused_after(1).await;
    let stale = world.queue_length();
    assert!(stale > 0, "no task is left over from before");
    world.resume().await;
    for _ in 0..stale {
        world.step().await.unwrap();
    }
    assert_eq!(world.count_calls("write_batch"), 0, "a task of the old run was worked on");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn a_pause_at_any_call_takes_effect_within_a_second_and_loses_nobody() {
    let undisturbed = World::new(60, 60);
    undisturbed.start().await;
    undisturbed.drive().await;
    for at_call in 5..undisturbed.calls().len() {
        let world = World::new(60, 60).with_fault(Fault { at_call, strike: Strike::Paused });
        world.start().await;
        world.drive().await;
        let campaign = world.campaign_now(CAMPAIGN);
        if campaign.state.status == CampaignStatus::Finished {
            continue;
        }
        let last = world.accepted_at().last().copied().unwrap_or_default();
        let after = last.since(campaign.updated_at);
        // A second, and the window of 4 that was on its way at 20 messages per second.
        assert!(after <= Duration::from_millis(1_200), "accepted {after:?} after the pause, call {at_call}");
        world.resume().await;
        world.drive().await;
        let outcome = world.check();
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60), "{at_call}");
    }
}

#[tokio::test]
async fn a_sender_stops_before_its_deadline_and_hands_the_rest_on() {
    let world = World::new(60, 60);
    world.set_settings(settings(1, 60));
    world.start().await;
    world.step().await.unwrap();
    let begun = world.now();
    world.step().await.unwrap();
    let (took, sent) = (world.now().since(begun), world.count_calls("submit"));
    assert!(took < Duration::from_secs(30) && (20..40).contains(&sent), "{sent} in {took:?}");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
}

#[tokio::test]
async fn a_fan_out_stops_before_its_deadline_and_hands_the_lane_on() {
    let world = World::new(60, 1);
    world.start().await;
    world.set_latency_ms(1_000);
    let begun = world.now();
    world.step().await.unwrap();
    let took = world.now().since(begun);
    assert!(took < Duration::from_secs(40), "{took:?}");
    world.set_latency_ms(0);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.states.len()), (60, 60));
}

#[tokio::test]
async fn an_audience_that_takes_longer_to_read_than_a_function_may_run_is_read_bit_by_bit() {
    // 64 shards of two lists at half a second each, and five people in them: no invocation reads it all.
    let world = World::new(5, 5);
    world.start().await;
    world.set_latency_ms(500);
    for _ in 0..8 {
        let begun = world.now();
        world.step().await.unwrap();
        let took = world.now().since(begun);
        assert!(took < Duration::from_secs(30), "a function would have been stopped: {took:?}");
    }
    let reads = world.count_calls("members");
    assert!((128..150).contains(&reads), "read again and again: {reads} reads");
    world.set_latency_ms(0);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 5);
}

#[tokio::test]
async fn a_rate_that_changes_while_running_loses_nobody() {
    // S0.1 and S0.2 in small: slower, faster, and batches smaller than the rate.
    let world = World::new(60, 6);
    world.start().await;
    for (rate, size) in [(1, 6), (50, 2), (5, 3)] {
        world.step().await.unwrap();
        world.set_settings(settings(rate, size));
    }
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60));
}

#[tokio::test]
async fn a_slow_batch_carries_its_counters_forward() {
    let world = World::new(60, 60);
    world.set_settings(settings(4, 60));
    world.start().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 60);
    // 60 messages at 4 per second take 15 seconds: more than the last write counts.
    assert!(world.count_calls("count_batch") >= 4, "{} counts", world.count_calls("count_batch"));
}
