//! What the provider tells back: events, late, twice and in any order, through the use case of feedback.

use std::sync::Arc;

use fanmail_domain::BatchId;
use fanmail_engine::settle::{EventKind, ProviderEvent, Settled, settle};

use super::{Environment, take_down, watch_over};
use crate::rng::{ALWAYS, Rng};
use crate::time::MILLI;
use crate::world::World;

/// Lets the provider tell what became of a message that it took.
pub fn tell(world: &Arc<World>, batch: BatchId, position: usize, kinds: &[EventKind]) {
    for kind in kinds {
        let copies = {
            let mut state = world.state();
            1 + usize::from(state.rng.chance(ALWAYS / 10))
        };
        for _ in 0..copies {
            let event = ProviderEvent { batch, position, kind: *kind };
            world.state().witness.open_events += 1;
            drop(world.exec.spawn(deliver(Arc::clone(world), event)));
        }
    }
}

/// What a provider tells of one message that it took.
pub fn draw_story(rng: &mut Rng) -> Vec<EventKind> {
    use EventKind as K;
    match rng.below(20) {
        0..=11 => vec![K::Send, K::Delivery],
        12 => vec![K::Delivery, K::Open, K::Click],
        13 => vec![K::Send, K::DeliveryDelay, K::Delivery],
        14 | 15 => vec![K::Send, K::HardBounce],
        16 => vec![K::Send, K::SoftBounce],
        17 => vec![K::Delivery, K::Complaint],
        18 => vec![K::Send, K::Reject],
        _ => vec![K::Send],
    }
}

/// Delivers an event until it is taken down.
async fn deliver(world: Arc<World>, event: ProviderEvent) {
    let late_ns = world.state().rng.mostly_small(0..=60_000) * MILLI;
    world.exec.sleep(late_ns).await;
    while !hand_in(&world, event).await {
        let again_ns = world.state().rng.within(1_000..=20_000) * MILLI;
        world.exec.sleep(again_ns).await;
    }
    let mut state = world.state();
    state.witness.open_events -= 1;
    state.counts.add("events of the provider");
}

/// Hands an event in once. Answers whether it was taken down.
async fn hand_in(world: &Arc<World>, event: ProviderEvent) -> bool {
    let environment = Environment::new(world, "feedback");
    let (process, invocation) = environment.invoked(world, false);
    let work = {
        let process = process.clone();
        async move { settle(&process, &process, invocation.deadline, event).await }
    };
    match watch_over(world, &process, world.exec.spawn_as(process.task, work)).await {
        Some(Ok(settled)) => {
            world.note(&process.name, || format!("{:?} of {}: {settled:?}", event.kind, event.batch));
            settled != Settled::Later
        }
        Some(Err(error)) => {
            take_down(&process, &error);
            false
        }
        None => false,
    }
}
