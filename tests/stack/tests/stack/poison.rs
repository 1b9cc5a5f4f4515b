//! Messages that no sender can carry out.

use std::time::Duration;

use crate::harness::{Campaign, PATIENCE, World, ends, eventually, people};

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
