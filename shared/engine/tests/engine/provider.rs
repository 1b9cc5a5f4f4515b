//! What the provider may answer, and what each answer costs.

use std::time::Duration;

use fanmail_domain::{CampaignStatus, FailReason, RecipientState, SettingsPatch};
use fanmail_engine::ports::{Clock, Scope};
use fanmail_testkit::{Answer, CAMPAIGN, Outcome, World};

async fn run(world: &World) -> Outcome {
    world.start().await;
    world.drive().await;
    world.check()
}

#[tokio::test]
async fn a_rejected_recipient_fails_alone_wherever_it_stands() {
    // S1.9: first, in the middle, last of a batch.
    for position in [0, 4, 9] {
        let world = World::new(10, 10);
        let bad = world.subscriber_ids()[position];
        world.answer_always(bad, Answer::Reject);
        let outcome = run(&world).await;
        assert_eq!(outcome.states[&bad], RecipientState::Failed(FailReason::Rejected));
        assert_eq!(world.failure_text(bad).unwrap(), "<redacted> is not liked here");
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 9));
        assert_eq!(world.count_calls("submit"), 10, "the others were tried again");
    }
}

#[tokio::test]
async fn where_everybody_fails_the_end_says_so_for_each() {
    // S6.23: nobody accepted is not nobody left.
    let world = World::new(10, 4);
    for id in world.subscriber_ids() {
        world.answer_always(id, Answer::Reject);
    }
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 0));
    assert_eq!((outcome.count("failed"), world.count_calls("submit")), (10, 10));
    assert!(world.subscriber_ids().into_iter().all(|id| world.failure_text(id).is_some()));
}

#[tokio::test]
async fn an_unrenderable_message_fails_alone() {
    let world = World::new(20, 6);
    let ids = world.subscriber_ids();
    for at in [0, 7, 19] {
        world.make_unrenderable(ids[at]);
    }
    let outcome = run(&world).await;
    assert_eq!(outcome.states[&ids[7]], RecipientState::Failed(FailReason::Render));
    assert_eq!(world.failure_text(ids[7]).unwrap(), "undefined value");
    assert_eq!((outcome.count("failed"), outcome.count("accepted")), (3, 17));
}

#[tokio::test]
async fn silence_is_doubt_and_never_a_second_try() {
    for answer in [Answer::TakeAndFallSilent, Answer::FallSilent] {
        let world = World::new(10, 10);
        let lost = world.subscriber_ids()[4];
        world.answer_always(lost, answer);
        let outcome = run(&world).await;
        assert_eq!(outcome.states[&lost], RecipientState::InDoubt);
        assert_eq!((outcome.status, world.count_calls("submit")), (CampaignStatus::Finished, 10));
    }
}

#[tokio::test]
async fn a_recipient_that_is_put_off_is_tried_again_later() {
    let world = World::new(10, 10);
    let slow = world.subscriber_ids()[4];
    world.answer(slow, &[Answer::Defer(Scope::Recipient); 3]);
    let outcome = run(&world).await;
    assert_eq!(outcome.count("accepted"), 10);
    assert_eq!(world.count_calls("submit"), 13);
    // It waited for 1, 1 and 2 seconds.
    let waited = world.accepted_at_for(slow).unwrap().since(world.accepted_at()[0]);
    assert!(waited.as_secs() >= 4, "only {waited:?}");
}

#[tokio::test]
async fn a_recipient_that_is_put_off_for_ever_fails_at_last() {
    let world = World::new(10, 10);
    let never = world.subscriber_ids()[4];
    world.answer_always(never, Answer::Defer(Scope::Recipient));
    let outcome = run(&world).await;
    assert_eq!(outcome.states[&never], RecipientState::Failed(FailReason::Deferred));
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 9));
}

#[tokio::test]
async fn a_busy_provider_costs_nobody_an_attempt() {
    let world = World::new(10, 10);
    let ids = world.subscriber_ids();
    for id in &ids {
        world.answer(*id, &[Answer::Defer(Scope::Provider); 2]);
    }
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 10));
}

#[tokio::test]
async fn a_provider_that_stays_down_pauses_the_campaign_and_burns_nobody() {
    let world = World::new(30, 10);
    let ids = world.subscriber_ids();
    for id in &ids {
        world.answer_always(*id, Answer::Defer(Scope::Provider));
    }
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("pending")), (CampaignStatus::Paused, 30));
    let reason = world.campaign_now(CAMPAIGN).state.reason.unwrap().name();
    assert_eq!(reason, "provider_unavailable");
    assert!(world.count_calls("submit") < 200, "{} tries", world.count_calls("submit"));

    for id in &ids {
        world.answer_always(*id, Answer::Accept);
    }
    world.resume().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 30);
}

#[tokio::test]
async fn refused_credentials_pause_at_once() {
    let world = World::new(30, 10);
    for id in world.subscriber_ids() {
        world.answer_always(id, Answer::Defer(Scope::Credentials));
    }
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("pending")), (CampaignStatus::Paused, 30));
    assert!(world.count_calls("submit") <= 4, "{} tries", world.count_calls("submit"));
}

#[tokio::test]
async fn only_the_last_batch_of_a_lane_looks_whether_the_campaign_is_finished() {
    let looks = async |recipients| {
        let world = World::new(recipients, 10);
        let begin = world.now();
        let outcome = run(&world).await;
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, recipients));
        assert!(world.now() < begin.after(Duration::from_secs(60)), "finished by a sweep");
        world.count_calls("lane")
    };
    assert_eq!(looks(100).await, looks(10).await);
}

#[tokio::test]
async fn a_batch_costs_one_write_per_window_and_one_transaction() {
    let world = World::new(200, 100);
    let fast = SettingsPatch {
        message_rate: Some(100_000),
        batch_size: Some(100),
        max_conns: Some(4),
        ..SettingsPatch::default()
    };
    world.set_settings(fast);
    let outcome = run(&world).await;
    assert_eq!(outcome.count("accepted"), 200);
    // Windows of 34: the first write leases the batch too, the last results ride with the end.
    assert_eq!((world.count_calls("write_batch"), world.count_calls("end_batch")), (2 * 3, 2));
    // The last of a lane has a second one.
    assert_eq!(world.count_calls("count_batch"), 1);
    // The fan-out, the sender and the finish look at the campaign once each, the start twice.
    assert_eq!(world.count_calls("campaign"), 5);
}
