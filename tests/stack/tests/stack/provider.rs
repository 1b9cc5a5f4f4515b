//! Providers that refuse, hang up, vanish and come back.

use fanmail_domain::{LaneNo, SubscriptionStatus};
use fanmail_inbox::{Action, HangUp, Phase, Rule, Script, Throttle, Who};

use crate::harness::{Campaign, PATIENCE, World, address_of, by_id, ends, eventually, id_of, people};

/// S1.9: the first, one in the middle and the last recipient of a batch of 50 are refused for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_recipient_fails_alone_and_the_others_are_not_repeated() {
    let world = World::start().await;
    let all = by_id(people("mixed", 150));
    let list = world.list_of(&all).await;
    let refused = [0, 75, 149];
    let rule = |place: usize| {
        let address = address_of(&all[place]);
        // Providers like to repeat the address; neither ledger nor log may.
        let local_part = address.split('@').next().unwrap_or_default();
        let text = format!("5.1.1 <{address}>: user {local_part} unknown");
        Rule::new(Action::reply(Phase::Rcpt, 550, text)).to_address(address)
    };
    world.script(Script::of(refused.map(rule))).await;
    let id = world.run(&Campaign::to([list]).batches_of(50)).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [147, 3, 0, 0]);
    assert_eq!(view.reasons["failed:rejected"], 3);
    assert_eq!(world.inbox().accepted(), 147, "the others were repeated");
    let failures = world.stack().store.failures(id, LaneNo(0), None).await.unwrap();
    let kept = "5.1.1 <redacted> user <redacted> unknown";
    assert!(
        failures.iter().all(|failure| (failure.code, &*failure.text) == (Some(550), kept)),
        "{failures:?}"
    );
    assert_eq!(world.ledger(id).await.in_state("failed"), refused.map(|place| id_of(&all[place])).into());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_reply_leaves_doubt_and_is_never_sent_again() {
    let world = World::start().await;
    let list = world.list_of(&people("lucky", 140)).await;
    world.subscribe(list, &people("lost", 30), SubscriptionStatus::Confirmed).await;
    world.subscribe(list, &people("reset", 30), SubscriptionStatus::Confirmed).await;
    let drops =
        |who: &str, by| Rule::new(Action::AcceptThenDropReply { by }).to(Who::LocalPrefix(who.to_owned()));
    world.script(Script::of([drops("lost-", HangUp::Close), drops("reset-", HangUp::Reset)])).await;
    let id = world.run(&Campaign::to([list]).batches_of(25)).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [140, 0, 0, 60]);
    assert_eq!(world.inbox().snapshot().recipients, 200);
    assert_eq!(world.inbox().accepted(), 200, "somebody in doubt was sent it again");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_away_for_seconds_costs_nobody_the_message() {
    let world = World::start().await;
    let list = world.list_of(&people("patient", 200)).await;
    world.script(Script { refuse_connections: true, ..Script::default() }).await;
    let id = world.run(&Campaign::to([list]).batches_of(50)).await;
    eventually("every batch was handed on", PATIENCE, async || {
        let batches = world.ledger(id).await.batches;
        let all = batches.len() == 4 && batches.iter().all(|batch| batch.stalls > 0);
        if all { Ok(()) } else { Err(batches) }
    })
    .await;
    assert_eq!(world.inbox().accepted(), 0);
    world.script(Script::default()).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [200, 0, 0, 0]);
    world.finish().await;
}

/// S1.3 in small: nine of ten attempts above the rate are refused with 454 for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_loses_nobody_and_fails_nobody() {
    let world = World::start().await;
    let list = world.list_of(&people("queued", 200)).await;
    world.script(Script { throttle: Some(Throttle::of_mail(25)), ..Script::default() }).await;
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    world.until_ended(id, 60).await;
    world.script(Script::default()).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [200, 0, 0, 0]);
    world.finish().await;
}
