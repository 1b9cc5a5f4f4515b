//! Trying recipients again: exactly those, once, and to the end.

use fanmail_domain::{CampaignStatus, Epoch, FailReason, RecipientState, SubscriberId};
use fanmail_engine::control::{Controlled, retry};
use fanmail_testkit::{Answer, CAMPAIGN, World};

use crate::support::{STRIKES, all_in, faulty, left_in_doubt, run};

const NOT_RENDERED: RecipientState = RecipientState::Failed(FailReason::Render);

/// A finished campaign to twelve people, three of whom could not be rendered with the first content; one
/// more was rejected.
async fn three_not_rendered() -> (World, Vec<SubscriberId>) {
    let world = World::new(12, 4);
    let ids = world.subscriber_ids();
    let bad = vec![ids[1], ids[6], ids[11]];
    for id in &bad {
        world.make_unrenderable_up_to(*id, 1);
    }
    world.answer(ids[3], &[Answer::Reject]);
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 4));
    (world, bad)
}

#[tokio::test]
async fn who_could_not_be_rendered_gets_the_edited_content_and_nobody_else() {
    let (world, bad) = three_not_rendered().await;
    let edited = world.edit().await.unwrap();
    assert!(matches!(edited, Controlled::Done(ref it) if it.content_version == 2), "{edited:?}");
    let had = world.accepted().len();
    world.retry("failed:render").await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 11));
    assert_eq!(outcome.tally.named("failed"), 1, "only who was rejected");
    let later = &world.accepted()[had..];
    assert_eq!(later.iter().map(|taken| taken.letter.to).collect::<Vec<_>>(), bad);
    assert!(later.iter().all(|taken| taken.letter.content_version == 2));
    assert!(world.accepted()[..had].iter().all(|taken| taken.letter.content_version == 1));
    let text = "retried, epoch 2: everybody who is failed:render";
    assert!(world.journal_texts().iter().any(|line| line == text), "{:?}", world.journal_texts());
}

#[tokio::test]
async fn a_retry_is_not_finished_before_every_lane_was_walked() {
    let world = World::new(60, 3);
    world.claim_size(10_000);
    let ids = world.subscriber_ids();
    let bad = [ids[0], ids[59]];
    for id in bad {
        world.make_unrenderable_up_to(id, 1);
    }
    run(&world).await;
    world.edit().await.unwrap();
    world.retry("failed:render").await;
    assert_eq!(world.queue_length(), 4, "a task for each lane");
    while world.step().await.unwrap() {
        let finished = world.campaign_now(CAMPAIGN).state.status == CampaignStatus::Finished;
        let walked = world.lanes_now().iter().all(|lane| lane.plan.is_fanned_out(Epoch(2)));
        assert!(walked || !finished, "finished, and not every lane was walked");
    }
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 60));
}

#[tokio::test]
async fn a_retry_of_nobody_walks_every_lane_and_finishes() {
    let (world, _) = three_not_rendered().await;
    world.retry("in_doubt").await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 4));
    assert_eq!(world.campaign_now(CAMPAIGN).state.epoch, Epoch(2));
}

#[tokio::test]
async fn whatever_happens_at_any_call_of_a_retry_everybody_named_is_tried_again() {
    let (undisturbed, _) = three_not_rendered().await;
    let before = undisturbed.calls().len();
    undisturbed.edit().await.unwrap();
    undisturbed.retry("failed:*").await;
    undisturbed.drive().await;
    assert_eq!(undisturbed.check().count("accepted"), 12);
    for strike in STRIKES {
        // An edit is two calls.
        for at_call in before + 2..undisturbed.calls().len() {
            let (world, _) = three_not_rendered().await;
            world.edit().await.unwrap();
            let world = faulty(world, at_call, strike);
            world.retry("failed:*").await;
            world.drive().await;
            let (outcome, struck) = (world.check(), world.struck().unwrap());
            let (accepted, in_doubt) = (outcome.count("accepted"), outcome.count("in_doubt"));
            assert_eq!(accepted + in_doubt, 12, "{strike:?} at {struck}, call {at_call}");
            assert!(in_doubt <= 4, "{in_doubt} in doubt: {strike:?} at {struck}, call {at_call}");
            assert_eq!(outcome.status, CampaignStatus::Finished);
            assert!(world.copies(CAMPAIGN).values().all(|copies| *copies == 1));
        }
    }
}

#[tokio::test]
async fn a_lane_that_is_rewound_does_not_take_back_the_same_end_twice() {
    let world = World::new(12, 6);
    let ids = world.subscriber_ids();
    for id in [ids[2], ids[8]] {
        world.answer_always(id, Answer::FallSilent);
    }
    assert_eq!(run(&world).await.count("in_doubt"), 2);
    world.retry("in_doubt").await;
    // The lane, and the first batch: its recipient is in doubt again. Then the second batch's task is lost.
    for _ in 0..2 {
        world.step().await.unwrap();
    }
    world.purge_queue();
    assert_eq!(world.sweep().await.unwrap().unwrap().lanes_rewound, 1);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("in_doubt")), (CampaignStatus::Finished, 2));
    assert_eq!(world.count_calls("submit"), 14, "twelve, and one more for each of the two");
}

#[tokio::test]
async fn a_retry_of_named_recipients_reaches_nobody_else() {
    let (world, bad) = three_not_rendered().await;
    world.edit().await.unwrap();
    world.retry_only("failed:render", &bad[1..2]).await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!(outcome.states[&bad[1]], RecipientState::Accepted);
    assert_eq!([0, 2].map(|at: usize| outcome.states[&bad[at]]), [NOT_RENDERED; 2]);
    assert_eq!(outcome.count("accepted"), 9);
}

#[tokio::test]
async fn to_send_again_in_doubt_is_one_submission_more() {
    let world = World::new(12, 4);
    let who = [world.subscriber_ids()[5]];
    let world = left_in_doubt(world, &who).await;
    world.retry("in_doubt").await;
    world.multiply_queue(3);
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 12));
    assert_eq!(world.count_calls("submit"), 13);
}

#[tokio::test]
async fn a_paused_campaign_is_retried_together_with_whoever_still_waits() {
    let world = World::new(12, 4);
    let ids = world.subscriber_ids();
    world.make_unrenderable_up_to(ids[0], 1);
    world.start().await;
    for _ in 0..2 {
        world.step().await.unwrap();
    }
    world.pause(fanmail_domain::StatusReason::User, None).await;
    world.edit().await.unwrap();
    assert_eq!(all_in(&world.check(), "failed"), [ids[0]]);
    world.retry("failed:*").await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
}

#[tokio::test]
async fn a_running_campaign_is_not_retried() {
    let world = World::new(12, 4);
    world.start().await;
    let failed = fanmail_domain::Retry::class("failed:*").unwrap();
    let answer = retry(&world, &world, &world, &world.order(), &failed, &[].into()).await.unwrap();
    assert!(matches!(answer, Controlled::Refused(..)), "{answer:?}");
    assert_eq!(world.campaign_now(CAMPAIGN).retry, None);
}
