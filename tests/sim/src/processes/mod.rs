//! Who is at work in a world: functions, operators, people, and whoever watches over them.
//!
//! An *environment* is a process as Lambda keeps it: it remembers things between invocations, and has one
//! clock. An *invocation* is a task; what ends its task ends the environment with it.

pub mod crowd;
pub mod director;
pub mod feedback;
pub mod functions;
pub mod operators;
pub mod sweepers;

use std::sync::Arc;

use fanmail_domain::Holder;
use fanmail_engine::Invocation;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::send_batch::Memory;
use fanmail_engine::watch::Watch;
use futures::future::{Either, select};

use crate::executor::{Ended, Join, TaskId};
use crate::time::{MILLI, SECOND};
use crate::world::{Process, SimulatedFault, World};

/// A process as Lambda keeps it between invocations.
#[derive(Debug)]
pub struct Environment {
    number: u64,
    name: String,
    skew_ms: i64,
    /// What a sender remembers.
    pub memory: Memory,
    /// What a start function remembers.
    pub watch: Watch,
}

impl Environment {
    /// A fresh one, with a clock of its own.
    #[must_use]
    pub fn new(world: &World, name: &str) -> Arc<Self> {
        let mut state = world.state();
        let number = state.next_invocation();
        let skew = state.rng.within(0..=2 * world.scenario.skew_ms);
        let skew_ms = i64::try_from(skew).unwrap_or_default()
            - i64::try_from(world.scenario.skew_ms).unwrap_or_default();
        let name = format!("{name}.{number}");
        state.note(&name, || format!("is new, and its clock is off by {skew_ms} ms"));
        Arc::new(Self { number, name, skew_ms, memory: Memory::default(), watch: Watch::default() })
    }

    /// The next invocation of it, in which it sends messages or not.
    #[must_use]
    pub fn invoked(&self, world: &Arc<World>, sends: bool) -> (Process, Invocation) {
        let process = Process {
            world: Arc::clone(world),
            name: self.name.as_str().into(),
            task: world.exec.reserve(),
            environment: self.number,
            skew_ms: self.skew_ms,
        };
        let holder = Holder(world.state().next_invocation());
        let deadline = process.now().after(std::time::Duration::from_nanos(world.scenario.timeout_ns));
        let stop_at = deadline.before(world.scenario.reserve(sends));
        (process, Invocation { holder, stop_at, deadline })
    }
}

/// Waits for an invocation's end, and kills it when its time is up. `None` if it did not live to answer.
///
/// Whoever sleeps when its time is up cannot be stopped: it is given up, wakes, and goes on for a while as a
/// zombie.
pub async fn watch_over<T>(world: &Arc<World>, process: &Process, answer: Join<T>) -> Option<T> {
    let time_up = world.exec.sleep(world.scenario.timeout_ns);
    match select(answer, time_up).await {
        Either::Left((Ended::Done(answer), _)) => return Some(answer),
        Either::Left((Ended::Killed, _)) => world.note(&process.name, || "is dead".into()),
        Either::Right(_) => {
            world.state().counts.add("time-outs");
            match world.exec.frozen_until(process.task) {
                Some(until_ns) => leave_a_zombie(world, process.task, until_ns),
                None => world.exec.kill(process.task),
            }
            world.note(&process.name, || "is out of time".into());
        }
    }
    None
}

fn leave_a_zombie(world: &Arc<World>, task: TaskId, wakes_ns: u64) {
    let world = Arc::clone(world);
    let lives_ns = {
        let mut state = world.state();
        state.counts.add("zombies");
        state.rng.within(0..=30 * SECOND / MILLI) * MILLI
    };
    let exec = world.exec.clone();
    drop(exec.clone().spawn(async move {
        exec.sleep_until(wakes_ns + lives_ns).await;
        exec.kill(task);
    }));
}

/// Takes down an error that no fault explains.
pub fn take_down(process: &Process, error: &PortError) {
    let mut state = process.world.state();
    state.note(&process.name, || format!("gives up: {error}: {}", error.source));
    if !error.source.is::<SimulatedFault>() {
        state.witness.errors.push(format!("{error}: {}", error.source));
    }
}
