//! The queue, in memory.

use std::time::Duration;

use fanmail_domain::Timestamp;
use fanmail_engine::ports::{BatchTask, LaneTask, PortError, Tasks};

use crate::World;

/// A task of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    Lane(LaneTask),
    Batch(BatchTask),
}

/// A task that waits for its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) task: Task,
    pub(crate) visible_at: Timestamp,
    pub(crate) received: u32,
}

impl Tasks for World {
    async fn send_lanes(&self, tasks: &[LaneTask], delay: Duration) -> Result<(), PortError> {
        self.send("send_lanes", tasks.iter().copied().map(Task::Lane), delay)
    }

    async fn send_batches(&self, tasks: &[BatchTask], delay: Duration) -> Result<(), PortError> {
        self.send("send_batches", tasks.iter().cloned().map(Task::Batch), delay)
    }

    async fn are_idle(&self) -> Result<bool, PortError> {
        self.call("are_idle", |state| state.queue.is_empty() && state.in_flight == 0)
    }
}

impl World {
    fn send(
        &self,
        operation: &'static str,
        tasks: impl Iterator<Item = Task>,
        delay: Duration,
    ) -> Result<(), PortError> {
        self.call(operation, |state| {
            let visible_at = state.now().after(delay);
            state.queue.extend(tasks.map(|task| Queued { task, visible_at, received: 0 }));
        })
    }

    /// Loses every task there is.
    pub fn purge_queue(&self) {
        self.state().queue.clear();
    }

    /// Loses the task that would come first.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn lose_first_task(&self) {
        self.state().queue.pop_front().unwrap();
    }

    /// Loses every task that is not visible yet.
    pub fn drop_delayed_tasks(&self) {
        let mut state = self.state();
        let now = state.now();
        state.queue.retain(|queued| queued.visible_at <= now);
    }

    /// Delivers every task `times` times.
    pub fn multiply_queue(&self, times: usize) {
        let mut state = self.state();
        let once: Vec<Queued> = state.queue.iter().cloned().collect();
        for _ in 1..times {
            state.queue.extend(once.iter().rev().cloned());
        }
    }

    /// How many tasks wait.
    pub fn queue_length(&self) -> usize {
        self.state().queue.len()
    }
}
