//! A provider that wants less, and one that has no more for today (S1.3, S1.4, S6.20, S6.21).

use std::time::Duration;

use fanmail_domain::{CampaignStatus, Settings, SettingsPatch, StatusReason, Timestamp};
use fanmail_engine::ports::{Clock, Scope};
use fanmail_testkit::{Answer, CAMPAIGN, World};

use crate::support::run;

/// When every world begins.
const BEGIN: Timestamp = Timestamp(1_000_000);

const BUSY: Option<Answer> = Some(Answer::Defer(Scope::Provider));
const QUOTA: Option<Answer> = Some(Answer::Defer(Scope::Quota));

fn between(now: Timestamp, from_ms: u64, to_ms: u64) -> bool {
    (from_ms..to_ms).contains(&(now.0 - BEGIN.0))
}

fn accepted_between(world: &World, from_ms: u64, to_ms: u64) -> usize {
    world.accepted_at().iter().filter(|at| between(**at, from_ms, to_ms)).count()
}

fn paused_lines(world: &World) -> Vec<String> {
    world.journal_texts().into_iter().filter(|line| line.starts_with("paused")).collect()
}

#[tokio::test]
async fn a_throttled_rate_falls_at_once_and_climbs_back() {
    let world = World::new(1_200, 100);
    assert_eq!(world.now(), BEGIN);
    world.set_mood(|_, now| BUSY.filter(|_| between(now, 10_000, 10_200)));
    assert_eq!(run(&world).await.count("accepted"), 1_200);
    let per_second = |from: u64| accepted_between(&world, from * 1_000, (from + 4) * 1_000) / 4;
    assert!((19..=21).contains(&per_second(4)), "{} before", per_second(4));
    assert!((8..=14).contains(&per_second(13)), "{} right after", per_second(13));
    assert!(per_second(22) > per_second(13), "it does not climb");
    assert!((19..=21).contains(&per_second(42)), "{} half a minute later", per_second(42));
}

#[tokio::test]
async fn a_provider_that_refuses_most_calls_for_minutes_fails_nobody_and_stops_nothing() {
    let world = World::new(400, 20);
    world.set_mood(|n, now| BUSY.filter(|_| n % 5 < 3 && between(now, 0, 300_000)));
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 400));
    assert_eq!(paused_lines(&world), Vec::<String>::new());
    let (early, late) = (accepted_between(&world, 0, 60_000), world.accepted_at().len());
    assert!(early < late / 2, "{early} of {late} in a minute of 60% refusals: the rate did not fall");
}

/// One batch whom the provider always refuses for everybody's sake; and ten of twenty people of whom each is
/// put off once more often than the one before, so that every look at a batch brings one of them to an end.
fn one_bad_batch() -> World {
    let world = World::new(220, 20);
    let slow = SettingsPatch { message_rate: Some(4), max_conns: Some(1), ..SettingsPatch::default() };
    world.set_settings(SettingsPatch { batch_size: Some(20), ..slow });
    for (place, id) in world.subscriber_ids().into_iter().enumerate() {
        if place < 20 {
            world.answer_always(id, Answer::Defer(Scope::Provider));
        } else {
            world.answer(id, &vec![Answer::Defer(Scope::Recipient); place % 20]);
        }
    }
    world
}

#[tokio::test]
async fn one_batch_that_is_always_refused_does_not_stop_a_campaign_that_moves() {
    let world = one_bad_batch();
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Paused, 200));
    assert_eq!((outcome.count("pending"), outcome.count("failed")), (20, 0));
    assert_eq!(paused_lines(&world), ["paused: provider_unavailable"]);
    assert!(world.batches()[0].stalls > fanmail_domain::pacing::GIVE_UP_AFTER, "it never gave up");
}

#[tokio::test]
async fn a_provider_that_is_down_costs_a_bounded_number_of_tries_and_nobody() {
    let world = World::new(500, 5);
    world.set_mood(|_, now| BUSY.filter(|_| between(now, 5_000, 7_200_000)));
    let outcome = run(&world).await;
    assert_eq!(outcome.status, CampaignStatus::Paused);
    let had = outcome.count("accepted");
    assert_eq!(had + outcome.count("pending"), 500, "{:?}", outcome.tally);
    // A hundred batches try at most eight times before the first of them gives up for all.
    let tries = world.count_calls("submit") as u64 - had;
    assert!((8..1_000).contains(&tries), "{tries} tries");
    world.pass_ms(7_200_000);
    world.resume().await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 500));
}

#[tokio::test]
async fn a_quota_of_the_day_pauses_with_an_end_and_everybody_gets_it_in_the_end() {
    let world = World::new(145, 10);
    // The 58th is one too many, for two hours and a half.
    world.set_mood(|n, now| QUOTA.filter(|_| n > 57 && between(now, 0, 9_000_000)));
    world.start().await;
    while world.campaign_now(CAMPAIGN).state.status == CampaignStatus::Running {
        world.step().await.unwrap();
    }
    let state = world.campaign_now(CAMPAIGN).state;
    assert_eq!((state.status, state.reason), (CampaignStatus::Paused, Some(StatusReason::DailyQuota)));
    let wait = state.until.unwrap().since(world.now());
    assert!(wait > Duration::from_secs(3_500) && wait <= Duration::from_secs(3_600), "{wait:?}");
    assert_eq!(world.check().count("accepted"), 57);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 145));
    let pauses = paused_lines(&world);
    assert_eq!(pauses.len(), 3, "one, and one after each hour: {pauses:?}");
    assert!(pauses.iter().all(|line| line.starts_with("paused: daily_quota, until ")), "{pauses:?}");
    // Each time, what was in flight met the closed door.
    assert!(world.count_calls("submit") <= 145 + 3 * 4, "{}", world.count_calls("submit"));
    let resumed = world
        .journal()
        .into_iter()
        .filter(|(actor, line)| actor == "sweeper" && line.ends_with("the pause is over"));
    assert_eq!(resumed.count(), 3);
}

#[tokio::test]
async fn a_ceiling_that_the_provider_tells_is_shared_out_among_the_senders() {
    let world = World::new(300, 100);
    world.set_system_settings(Settings { concurrency: 4, message_rate: 1_000, ..Settings::default() });
    world.set_settings(SettingsPatch { message_rate: Some(1_000), ..SettingsPatch::default() });
    world.set_ceiling(80);
    assert_eq!(run(&world).await.count("accepted"), 300);
    let at = world.accepted_at();
    let takes_ms = at[at.len() - 1].0 - at[0].0;
    // One sender at work at a time: a fourth of 80 per second.
    assert!((13_000..=16_000).contains(&takes_ms), "{takes_ms} ms");
}
