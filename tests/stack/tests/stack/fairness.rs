//! Two running campaigns share the senders: the small one does not wait for the large one.
//!
//! How many people the large one has can be chosen, to see the promise at its full size (import and fan-out of
//! 100,000 take a minute or two):
//!
//! ```text
//! FANMAIL_FAIRNESS_RECIPIENTS=100000 cargo test -p fanmail-stack-tests fairness -- --nocapture
//! ```

use std::time::{Duration, Instant};

use crate::harness::{Campaign, PATIENCE, World, ends, eventually, people};

/// People of the large campaign: 200 batches, which take two senders 100 seconds.
const MANY: usize = 20_000;
/// What *within seconds* is at the most. A sender is free every half second.
const SECONDS: Duration = Duration::from_secs(10);

fn many() -> usize {
    let chosen = std::env::var("FANMAIL_FAIRNESS_RECIPIENTS");
    chosen.map_or(MANY, |chosen| chosen.parse().expect("a number of recipients"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_of_one_behind_a_large_one_ends_within_seconds() {
    let many = many();
    let world = World::start().await;
    let crowd = world.list_of(&people("crowd", many)).await;
    let single = world.list_of(&people("single", 1)).await;
    let large = world.run(&Campaign::to([crowd]).paced(100, 4)).await;
    eventually("the large campaign is planned", PATIENCE, async || {
        let planned = world.view(large).await;
        if planned.audience_sealed { Ok(()) } else { Err(planned) }
    })
    .await;
    world.until_ended(large, 200).await;
    let before = world.count("batches").await;

    let begin = Instant::now();
    let small = world.run(&Campaign::to([single])).await;
    let view = world.until(small, "finished").await;
    let took = begin.elapsed();

    let after = world.count("batches").await;
    println!("{took:?}; the large campaign had {before} batches left before, {after} after");
    assert_eq!(ends(&view), [1, 0, 0, 0]);
    assert!(took < SECONDS, "it took {took:?}");
    assert_eq!(world.view(large).await.status, "running");
    assert!(
        before > 100 && after > before / 2,
        "there was no crowd to overtake: {before} before, {after} after"
    );
    world.set(large, "paused").await.unwrap();
    assert!(world.stack().settle(PATIENCE).await, "the senders go on after a pause");
    world.finish().await;
}
