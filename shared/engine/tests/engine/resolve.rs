//! Taking doubt for acceptance.

use std::collections::BTreeSet;
use std::time::Duration;

use fanmail_domain::{CampaignStatus, RecipientState, SettingsPatch, SubscriberId};
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::resolve::{Resolution, Resolved, assume_accepted};
use fanmail_testkit::{Answer, CAMPAIGN, Strike, World};

use crate::support::{faulty, nth_call, run};

async fn assume(world: &World, only: &[SubscriberId]) -> Result<Resolved, PortError> {
    let only: BTreeSet<SubscriberId> = only.iter().copied().collect();
    let until = world.now().after(Duration::from_secs(30));
    let (actor, note) = ("user", "the provider's log has them");
    assume_accepted(world, world, &Resolution { campaign: CAMPAIGN, only: &only, actor, note, until }).await
}

/// A finished campaign in four batches, with three in doubt, in two of them, that the provider took.
async fn three_in_doubt() -> (World, Vec<SubscriberId>) {
    let world = World::new(16, 4);
    let ids = world.subscriber_ids();
    let who = vec![ids[0], ids[1], ids[14]];
    for id in &who {
        world.answer(*id, &[Answer::TakeAndFallSilent]);
    }
    let outcome = run(&world).await;
    assert_eq!((outcome.status, outcome.count("in_doubt")), (CampaignStatus::Finished, 3));
    (world, who)
}

fn journal_of(world: &World) -> Vec<String> {
    world.journal_texts().into_iter().filter(|line| line.contains("taken for accepted")).collect()
}

#[tokio::test]
async fn all_in_doubt_are_taken_for_accepted_once_and_the_journal_says_why() {
    let (world, _) = three_in_doubt().await;
    assert_eq!(assume(&world, &[]).await.unwrap(), Resolved { resolved: 3, left: 0 });
    let outcome = world.check();
    assert_eq!((outcome.count("accepted"), outcome.tally.named("in_doubt")), (16, 0));
    assert_eq!(assume(&world, &[]).await.unwrap(), Resolved::default());
    assert_eq!(journal_of(&world), ["3 in doubt are taken for accepted: the provider's log has them"]);
    assert_eq!(world.count_calls("submit"), 16);
}

#[tokio::test]
async fn only_who_is_named_is_taken_for_accepted() {
    let (world, who) = three_in_doubt().await;
    // The last one is named, and is not in doubt.
    let named = [who[1], world.subscriber_ids()[8]];
    assert_eq!(assume(&world, &named).await.unwrap(), Resolved { resolved: 1, left: 0 });
    let outcome = world.check();
    assert_eq!(outcome.states[&who[1]], RecipientState::Accepted);
    assert_eq!((outcome.count("in_doubt"), outcome.count("accepted")), (2, 14));
}

/// A batch that is sent for so long that its counters are carried forward on the way, with one in doubt.
fn slow() -> World {
    let world = World::new(40, 40);
    let settings = SettingsPatch { message_rate: Some(4), max_conns: Some(2), ..SettingsPatch::default() };
    world.set_settings(SettingsPatch { batch_size: Some(40), ..settings });
    world.answer(world.subscriber_ids()[0], &[Answer::TakeAndFallSilent]);
    world
}

#[tokio::test]
async fn a_batch_that_somebody_holds_is_left_as_it_is() {
    let probe = slow();
    run(&probe).await;
    let late = nth_call(&probe, "submit", 35);
    let world = slow().interrupted(late, |world| {
        Box::pin(async {
            assert_eq!(assume(world, &[]).await.unwrap(), Resolved { resolved: 0, left: 1 });
            assert_eq!(journal_of(world).len(), 0, "said that somebody was resolved");
        })
    });
    let outcome = run(&world).await;
    assert_eq!((outcome.count("in_doubt"), outcome.count("accepted")), (1, 39));
    assert_eq!(assume(&world, &[]).await.unwrap(), Resolved { resolved: 1, left: 0 });
    assert_eq!(world.check().count("accepted"), 40);
}

#[tokio::test]
async fn an_error_at_any_call_of_a_resolution_counts_nobody_twice() {
    let (undisturbed, _) = three_in_doubt().await;
    let before = undisturbed.calls().len();
    assume(&undisturbed, &[]).await.unwrap();
    for strike in [Strike::ErrorBefore, Strike::ErrorAfter] {
        for at_call in before..undisturbed.calls().len() {
            let (world, _) = three_in_doubt().await;
            let world = faulty(world, at_call, strike);
            assert_eq!(assume(&world, &[]).await.unwrap().resolved, 3, "{strike:?}, call {at_call}");
            assert_eq!(world.check().tally.named("accepted"), 16);
            assert_eq!(journal_of(&world).len(), 1);
        }
    }
}
