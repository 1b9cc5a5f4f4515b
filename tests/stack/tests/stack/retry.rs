//! Failures: kept, told, tried again when somebody asks for it, and by nothing else.

use std::time::Duration;

use fanmail_domain::Extras;
use fanmail_domain::StatusReason;
use fanmail_engine::control::{Edit, edit};
use fanmail_engine::ports::Tasks;
use fanmail_inbox::{Action, Phase, Rule, Script};
use fanmail_runtime::SystemClock;

use crate::harness::{
    Campaign, PATIENCE, World, address_of, by_id, done, ends, eventually, id_of, order, people, task,
};

fn refusal() -> Action {
    Action::reply(Phase::Rcpt, 550, "5.7.1 not today")
}

/// S1.5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_threshold_of_errors_it_pauses_and_a_retry_reaches_the_failed_too() {
    let world = World::start().await;
    let all = people("threshold", 200);
    let list = world.list_of(&all).await;
    let unlucky = all.iter().step_by(20).map(|it| Rule::new(refusal()).to_address(address_of(it)));
    world.script(Script::of(unlucky)).await;
    let id = world.run(&Campaign::to([list]).batches_of(10).paced(50, 2).with_max_errors(8)).await;
    let view = world.until(id, "paused").await;
    assert_eq!(view.status_reason.as_deref(), Some(StatusReason::TooManyErrors.name()));
    assert!(world.stack().settle(PATIENCE).await, "the senders go on after the pause");
    let failed = ends(&world.view(id).await)[1];
    assert!((8..=10).contains(&failed), "{failed} failed");

    world.script(Script::default()).await;
    world.retry(id, "failed:rejected").await;
    assert_eq!(ends(&world.until(id, "finished").await), [200, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 200);
    world.finish().await;
}

/// S1.7: whoever cannot be rendered gets it once the template is mended, and nobody else gets it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mended_template_is_sent_to_those_who_failed_only() {
    let world = World::start().await;
    let mut all = by_id(people("mended", 150));
    for place in [0, 75, 149] {
        all[place].attribs = "{}".into();
    }
    let list = world.list_of(&all).await;
    let html = "<p>How is {{ subscriber.attribs.city }}?</p>";
    let id = world.run(&Campaign { html, ..Campaign::to([list]) }).await;
    assert_eq!(ends(&world.until(id, "finished").await), [147, 3, 0, 0]);

    let mended = Edit {
        name: "news".into(),
        subject: "News".into(),
        from: "News <news@example.com>".into(),
        html: "<p>How is {{ subscriber.attribs.city | default('home') }}?</p>".into(),
        text: None,
        extras: Extras::default(),
    };
    let store = &world.stack().store;
    assert_eq!(done(edit(store, &SystemClock::new(), &order(id), &mended).await.unwrap()).content_version, 2);
    world.retry(id, "failed:render").await;
    assert_eq!(ends(&world.until(id, "finished").await), [150, 0, 0, 0]);
    assert_eq!(world.inbox().accepted(), 150);
    let late = world.inbox().deliveries().split_off(147);
    for delivery in &late {
        let message = String::from_utf8(world.inbox().message(delivery.seq).unwrap().unwrap()).unwrap();
        // A soft line break stands before and after what is filled in.
        assert!(message.replace("=20=\r\n", " ").replace("=\r\n", "").contains("How is home?"), "{message}");
    }
    world.finish().await;
}

/// S6.18.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_failed_for_good_is_not_tried_again_by_a_task_that_comes_again() {
    let world = World::with(|config| config.concurrency = 1).await;
    // One in each batch.
    let all = by_id(people("final", 40));
    let list = world.list_of(&all).await;
    let unlucky = [3, 23].map(|place| Rule::new(refusal()).to_address(address_of(&all[place])).times(1));
    world.script(Script::of(unlucky)).await;
    let id = world.run(&Campaign::to([list]).batches_of(20).paced(10, 2)).await;
    let first = eventually("the first batch is done", PATIENCE, async || {
        let batches = world.ledger(id).await.batches;
        let done = batches.iter().find(|batch| batch.is_complete()).map(|batch| batch.id.seq);
        done.ok_or(batches)
    })
    .await;
    world.stack().queue.send_batches(&vec![task(id, 0, first); 3], Duration::ZERO).await.unwrap();
    assert_eq!(ends(&world.until(id, "finished").await), [38, 2, 0, 0]);
    eventually("the repeats are dealt with", PATIENCE, async || match world.count("batches").await {
        0 => Ok(()),
        count => Err(count),
    })
    .await;
    let failed = world.ledger(id).await.in_state("failed");
    assert_eq!(failed, [3, 23].map(|place| id_of(&all[place])).into());
    assert_eq!(world.inbox().accepted(), 38);
    world.finish().await;
}
