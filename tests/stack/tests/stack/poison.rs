//! Tasks that no sender can carry out, and people whose message kills whoever prepares it.

use std::time::Duration;

use fanmail_domain::pacing::CAREFUL_AFTER;
use fanmail_domain::{FailReason, RecipientState};

use crate::harness::{Campaign, PATIENCE, Side, World, by_id, ends, eventually, id_of, kill, people};

/// S6.6.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_task_ends_in_the_dead_letter_queue_and_stops_nobody() {
    let world = World::with(|config| {
        config.timeout = Duration::from_secs(2);
        config.max_receive_count = 2;
    })
    .await;
    let list = world.list_of(&people("healthy", 120)).await;
    let poison = ["not a task", r#"{"v":2,"campaign":1,"epoch":1,"lane":0,"batch":0}"#];
    for body in poison {
        world.put("batches", body).await;
    }
    world.put("lanes", "not a task either").await;
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [120, 0, 0, 0]);
    eventually("the poison is set apart", PATIENCE, async || {
        let dead = (world.count("batches-dead").await, world.count("lanes-dead").await);
        let left = (world.count("batches").await, world.count("lanes").await);
        if (dead, left) == ((2, 1), (0, 0)) { Ok(()) } else { Err((dead, left)) }
    })
    .await;
    world.finish().await;
}

/// S6.6: no template that passes the checks can end a process, so the harness does it, exactly where rendering
/// would: when the culprit's batch has been read, and, once recipients are tried one by one, when the culprit
/// alone is marked as being prepared.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_message_kills_senders_is_set_apart_and_the_others_get_theirs() {
    let world = World::with(|config| {
        config.timeout = Duration::from_secs(2);
        config.concurrency = 1;
    })
    .await;
    let all = by_id(people("killer", 20));
    let (list, culprit) = (world.list_of(&all).await, id_of(&all[7]));
    let id = world.draft(&Campaign::to([list]).batches_of(20)).await;
    let mut kills = 0;
    let arm = || {
        world.proxy.hold(Side::After, 0, |call| {
            call.is_of("sender") && (call.reads_people() || call.is("PutItem", "#L00"))
        })
    };
    let mut held = arm();
    world.set(id, "running").await.unwrap();
    loop {
        let call = tokio::select! {
            call = held.reached() => call,
            _ = world.until(id, "finished") => break,
        };
        let batch = world.batch(id, 0).await;
        let entry = batch.entries.iter().find(|entry| entry.subscriber == culprit).unwrap();
        let all_at_once = batch.stalls < CAREFUL_AFTER && call.reads_people();
        let pending = entry.state == RecipientState::Pending;
        let next = arm();
        if entry.state == RecipientState::Preparing || (all_at_once && pending) {
            kills += 1;
            kill(call.pid);
        }
        held.release();
        held = next;
    }
    assert_eq!(ends(&world.view(id).await), [19, 1, 0, 0]);
    let crashed = RecipientState::Failed(FailReason::Crashed);
    assert_eq!(world.ledger(id).await.states[&culprit], crashed);
    assert_eq!(world.inbox().accepted(), 19);
    assert!((2..=u32::from(CAREFUL_AFTER) + 1).contains(&kills), "it took {kills} senders");
    world.finish().await;
}
