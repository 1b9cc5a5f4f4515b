//! The sliding windows (S2.4, S2.5, S6.11, S6.14): a limit is a limit, and who waits costs nothing.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, Phase, Settings, SettingsPatch, SlidingWindow, Timestamp};
use fanmail_engine::ports::{Clock, WindowKey};
use fanmail_testkit::{CAMPAIGN, Fault, SECOND, Strike, World};

use crate::support::{most_within, run};

const LENGTH_MS: u64 = 10_000;

fn limit(rate: u32) -> SlidingWindow {
    SlidingWindow { rate, duration_s: 10 }
}

fn limit_system(world: &World, rate: u32) {
    world.set_system_settings(Settings { sliding_window: Some(limit(rate)), ..Settings::default() });
}

/// A world in which everybody together may send `rate` messages in ten seconds.
fn limited(recipients: u64, batch_size: u32, rate: u32) -> World {
    let world = World::new(recipients, batch_size);
    limit_system(&world, rate);
    world
}

/// A campaign's own window.
fn own(rate: u32) -> SettingsPatch {
    SettingsPatch { sliding_window: Some(limit(rate)), message_rate: Some(20), ..SettingsPatch::default() }
}

fn accepted_of(world: &World, campaign: fanmail_domain::CampaignId) -> Vec<Timestamp> {
    let all = world.accepted();
    all.iter().filter(|taken| taken.letter.campaign == campaign).map(|taken| taken.at).collect()
}

#[tokio::test]
async fn no_interval_has_more_than_the_limit_and_the_limit_is_used() {
    let world = limited(100, 6, 10);
    let begun = world.now();
    assert_eq!(run(&world).await.status, CampaignStatus::Finished);
    let times = world.accepted_at();
    let most = most_within(&times, LENGTH_MS);
    assert!((8..=10).contains(&most), "{most}");
    let took = times.last().unwrap().since(begun).as_secs();
    assert!(took < 150, "{took} s for what may take 100 s");
}

#[tokio::test]
async fn no_death_lets_more_through() {
    let undisturbed = limited(30, 6, 10);
    run(&undisturbed).await;
    for at_call in 0..undisturbed.calls().len() {
        for strike in [Strike::DeathBefore, Strike::DeathAfter] {
            let world = limited(30, 6, 10).with_fault(Fault { at_call, strike });
            let outcome = run(&world).await;
            let most = most_within(&world.accepted_at(), LENGTH_MS);
            assert!(most <= 10, "{most}: {strike:?} at {:?}, call {at_call}", world.struck());
            assert_eq!(outcome.status, CampaignStatus::Finished);
            assert_eq!(outcome.count("accepted") + outcome.count("in_doubt"), 30, "call {at_call}");
        }
    }
}

#[tokio::test]
async fn a_sender_that_was_frozen_does_not_use_shares_that_are_void() {
    let undisturbed = limited(30, 10, 10);
    run(&undisturbed).await;
    for at_call in 5..undisturbed.calls().len() {
        let world = limited(30, 10, 10).interrupted(at_call, |world| {
            Box::pin(async {
                world.pass_ms(15_000);
            })
        });
        let outcome = run(&world).await;
        // A message that is being handed over when the process freezes arrives late, and no other does.
        let late = usize::from(world.struck() == Some("submit"));
        let most = most_within(&world.accepted_at(), LENGTH_MS);
        assert!(most <= 10 + late, "{most}: frozen at {:?}, call {at_call}", world.struck());
        assert_eq!(outcome.count("accepted"), 30, "call {at_call}");
    }
}

#[tokio::test]
async fn pausing_and_going_on_does_not_forget_what_was_sent() {
    let world = limited(40, 6, 10);
    world.start().await;
    for _ in 0..6 {
        for _ in 0..3 {
            world.tick().await.unwrap();
        }
        world.pause(fanmail_domain::StatusReason::User, None).await;
        world.resume().await;
    }
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 40);
    assert!(most_within(&world.accepted_at(), LENGTH_MS) <= 10);
}

#[tokio::test]
async fn a_limit_that_changes_holds_from_then_on() {
    for (from, to) in [(10, 4), (4, 12)] {
        let world = limited(60, 6, from);
        world.start().await;
        while world.accepted_at().len() < 20 {
            world.tick().await.unwrap();
        }
        limit_system(&world, to);
        // Settings are looked at every three seconds.
        let known = world.now().after(Duration::from_secs(3));
        world.drive().await;
        assert_eq!(world.check().count("accepted"), 60);
        let times = world.accepted_at();
        let (larger, after) = (from.max(to), times.partition_point(|at| *at < known));
        assert!(most_within(&times, LENGTH_MS) <= larger as usize, "{from} to {to}");
        let later = most_within(&times[after..], LENGTH_MS);
        // Turns that were given under a lower limit are kept.
        assert!(later <= to as usize && later >= from.min(to) as usize, "{later}: {from} to {to}");
    }
}

#[tokio::test]
async fn who_waits_for_a_turn_does_not_stall_and_asks_once() {
    let world = limited(120, 6, 10);
    world.start().await;
    while world.queue_length() > 0 {
        world.tick().await.unwrap();
        let stalled = world.batches().into_iter().find(|batch| batch.stalls > 0);
        assert!(stalled.is_none(), "{stalled:?}");
    }
    assert_eq!(world.check().count("accepted"), 120);
    // Twenty batches at ten messages in ten seconds wait two minutes: each is sent a task when it is planned,
    // and a few more when it has to wait or is interrupted.
    let sends = world.count_calls("send_batches");
    assert!(sends <= 20 * 4, "{sends} tasks for 20 batches");
    let taken = world.batches().iter().map(|batch| batch.token.0).max().unwrap();
    assert!(taken <= 4, "a batch was leased {taken} times");
}

#[tokio::test]
async fn tasks_for_a_long_wait_grow_with_the_batches_and_not_with_the_time() {
    let tasks_for = async |duration_s| {
        let world = World::new(60, 6);
        let window = SlidingWindow { rate: 6, duration_s };
        world.set_system_settings(Settings { sliding_window: Some(window), ..Settings::default() });
        world.start().await;
        world.work_off().await;
        assert_eq!(world.check().count("accepted"), 60, "{duration_s}");
        world.count_calls("send_batches")
    };
    let (short, long) = (tasks_for(10).await, tasks_for(60).await);
    assert!(long <= short + 10, "{short} tasks, and {long} for a wait that is six times as long");
}

#[tokio::test]
async fn a_campaign_without_a_window_passes_one_that_waits() {
    for other in [None, Some(limit(1_000))] {
        let world = World::new(40, 4);
        world.add_second_campaign(4);
        world.set_settings(own(2));
        world.set_settings_of(SECOND, SettingsPatch { sliding_window: other, ..own(1) });
        let begun = world.now();
        world.start().await;
        world.start_campaign(SECOND).await;
        while world.campaign_now(SECOND).state.status == CampaignStatus::Running {
            world.tick().await.unwrap();
        }
        let took = world.now().since(begun).as_secs();
        assert!(took < 10, "{took} s beside a campaign that takes 200 s");
        assert_eq!(world.check_campaign(SECOND).count("accepted"), 40);
        assert!(accepted_of(&world, CAMPAIGN).len() < 10);
        world.drive().await;
        assert_eq!(world.check().count("accepted"), 40);
        assert!(most_within(&accepted_of(&world, CAMPAIGN), LENGTH_MS) <= 2);
    }
}

#[tokio::test]
async fn a_window_that_cannot_be_asked_lets_nobody_through() {
    let world = limited(12, 6, 100);
    world.start().await;
    world.lose_windows(true);
    for _ in 0..8 {
        world.tick().await.unwrap();
    }
    let outcome = world.check();
    assert_eq!((world.count_calls("submit"), outcome.count("pending")), (0, 12));
    assert!(world.batches().iter().all(|batch| batch.phase == Phase::Queued));
    world.lose_windows(false);
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn a_window_that_falls_silent_on_the_way_lets_no_more_through_than_it_granted() {
    let undisturbed = limited(24, 24, 100);
    run(&undisturbed).await;
    let second = crate::support::nth_call(&undisturbed, "window", 1);
    let world = limited(24, 24, 100).interrupted(second, |world| {
        Box::pin(async {
            world.lose_windows(true);
        })
    });
    world.start().await;
    for _ in 0..4 {
        world.tick().await.unwrap();
    }
    let sent = world.accepted_at().len();
    assert!((1..12).contains(&sent), "{sent} under one grant of a quarter of a second");
    world.lose_windows(false);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.count("in_doubt")), (24, 0));
}

#[tokio::test]
async fn a_sender_that_slept_past_its_time_takes_no_shares_by_a_limit_of_long_ago() {
    let undisturbed = limited(24, 24, 100);
    run(&undisturbed).await;
    let second = crate::support::nth_call(&undisturbed, "window", 1);
    let world = limited(24, 24, 100).interrupted(second, |world| {
        Box::pin(async {
            world.pass_ms(120_000);
        })
    });
    world.start().await;
    while world.calls().len() <= second {
        world.step().await.unwrap();
    }
    assert_eq!(world.count_calls("write_window"), 1);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.count("in_doubt")), (24, 0));
}

#[tokio::test]
async fn a_campaigns_window_and_the_systems_hold_together() {
    let world = limited(30, 5, 10);
    world.add_second_campaign(5);
    world.set_settings(own(4));
    world.start().await;
    world.start_campaign(SECOND).await;
    world.drive().await;
    for id in [CAMPAIGN, SECOND] {
        assert_eq!(world.check_campaign(id).count("accepted"), 30);
    }
    assert!(most_within(&world.accepted_at(), LENGTH_MS) <= 10);
    assert!(most_within(&accepted_of(&world, CAMPAIGN), LENGTH_MS) <= 4);
    let own = world.window_log(WindowKey::Campaign(CAMPAIGN));
    assert!(own.rev > 0 && world.window_log(WindowKey::System).rev > own.rev);
}

#[tokio::test]
async fn shares_of_one_window_that_the_other_has_no_room_for_are_given_back() {
    let world = limited(20, 5, 5);
    world.add_second_campaign(5);
    // The other campaign uses up what the whole system may send now.
    world.start_campaign(SECOND).await;
    while world.accepted_at().len() < 5 {
        world.tick().await.unwrap();
    }
    world.set_settings(own(100));
    world.start().await;
    while world.step().await.unwrap() {}
    assert_eq!(accepted_of(&world, CAMPAIGN).len(), 0);
    let log = world.window_log(WindowKey::Campaign(CAMPAIGN));
    let kept: u32 = log.grants.iter().map(|grant| grant.shares).sum();
    assert!(log.rev >= 2 && kept == 0, "{kept} shares are lost: {log:?}");
}
