//! The port to the queues.

use std::time::Duration;

use fanmail_engine::ports::{BatchTask, LaneTask, PortError, Tasks};

use super::queue::Task;
use super::{Process, State};
use crate::faults::Service::Queue;
use crate::faults::Weather;
use crate::scenario::{Sabotage, Scenario};
use crate::time::{MILLI, SECOND};

impl Tasks for Process {
    async fn send_lanes(&self, tasks: &[LaneTask], delay: Duration) -> Result<(), PortError> {
        self.send("send lane tasks", tasks.iter().copied().map(Task::Lane).collect(), delay).await
    }

    async fn send_batches(&self, tasks: &[BatchTask], delay: Duration) -> Result<(), PortError> {
        self.send("send batch tasks", tasks.iter().cloned().map(Task::Batch).collect(), delay).await
    }

    async fn are_idle(&self) -> Result<bool, PortError> {
        let weather = self.world.scenario.weather.clone();
        let look = move |state: &mut State, who: &str| {
            let lie = state.now_ns < weather.ends_ns && state.rng.chance(weather.idle_lie);
            if lie && !state.queues.are_empty() {
                state.counts.add("queues that seem idle");
                state.note(who, || "the queues seem idle, and are not".into());
            }
            lie || state.queues.are_empty()
        };
        self.call(Queue, "look at the queues", look).await
    }
}

impl Process {
    /// Sends tasks. A call that fails may have sent some of them.
    async fn send(
        &self,
        operation: &'static str,
        tasks: Vec<Task>,
        delay: Duration,
    ) -> Result<(), PortError> {
        let world = self.world.clone();
        let delay_ns = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        let send = move |state: &mut State, who: &str| {
            for task in tasks {
                state.note(who, || format!("task: {task}, in {} s", delay_ns / SECOND));
                put(state, &world.scenario, &task, delay_ns);
            }
        };
        self.call(Queue, operation, send).await
    }
}

fn put(state: &mut State, scenario: &Scenario, task: &Task, delay_ns: u64) {
    if scenario.is_broken(Sabotage::ForgetfulQueue) && state.rng.chance(200_000) {
        return;
    }
    let Weather { ends_ns, delayed, doubled, .. } = scenario.weather;
    let storm = state.now_ns < ends_ns;
    let mut visible_ns = state.now_ns + delay_ns + state.rng.within(0..=20) * MILLI;
    if storm && state.rng.chance(delayed) {
        state.counts.add("delayed messages");
        visible_ns += state.rng.within(0..=20_000) * MILLI;
    }
    state.queues.put(task.clone(), visible_ns);
    if storm && state.rng.chance(doubled) {
        state.counts.add("doubled messages");
        let later_ns = state.rng.mostly_small(0..=60_000) * MILLI;
        state.queues.put(task.clone(), visible_ns + later_ns);
    }
}
