//! People who come and go while the campaign runs, and purges of the queues.

use std::sync::Arc;

use crate::time::BEGIN_NS;
use crate::world::World;
use crate::world::people::Person;

/// Lets everybody come and go at their time.
pub fn begin(world: &Arc<World>) {
    let restless = |person: &&Person| person.later.is_some() || person.joins_ns != BEGIN_NS;
    for person in world.scenario.crowd.people.iter().filter(restless) {
        drop(world.exec.spawn(live(Arc::clone(world), person.clone())));
    }
    for at_ns in world.scenario.purges.clone() {
        drop(world.exec.spawn(purge(Arc::clone(world), at_ns)));
    }
}

async fn live(world: Arc<World>, person: Person) {
    if person.joins_ns != BEGIN_NS {
        world.exec.sleep_until(person.joins_ns).await;
        let mut state = world.state();
        let now_ns = state.now_ns;
        state.people.join(&person, now_ns, &world.scenario.crowd);
        state.counts.add("people who joined late");
        state.note("people", || format!("{} joins", person.id));
    }
    if let Some((at_ns, fate)) = person.later {
        world.exec.sleep_until(at_ns.max(person.joins_ns)).await;
        let mut state = world.state();
        let now_ns = state.now_ns;
        state.people.befall(person.id, fate, now_ns);
        state.counts.add("people who left");
        state.note("people", || format!("{} {fate:?}", person.id));
    }
}

async fn purge(world: Arc<World>, at_ns: u64) {
    world.exec.sleep_until(at_ns).await;
    let mut state = world.state();
    let lost = state.queues.purge();
    state.counts.add("purges");
    state.note("queue", || format!("is purged: {lost} messages are gone"));
}
