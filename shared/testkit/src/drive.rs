//! Delivering tasks, and sweeping, until nothing is left to do.
//!
//! One process of each kind, whose memory dies with it. A task whose process died or failed comes back when
//! its visibility time-out is over; a sweep comes every minute, and whenever nothing else is due.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fanmail_domain::{Campaign, CampaignStatus, Holder, Timestamp};
use fanmail_engine::Invocation;
use fanmail_engine::fan_out::FanOut;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::send_batch::{Delivery, Memory, Sender};
use fanmail_engine::sweep::{STALLED_AFTER, SweepReport, Sweeper};
use fanmail_engine::watch::Watch;
use futures::FutureExt;

use crate::World;
use crate::tasks::{Queued, Task};

/// How long a function may run.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a task that failed stays hidden.
const VISIBILITY: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Far more than any scenario needs: a campaign that takes longer is stuck.
const MAX_STEPS: usize = 5_000;

/// The process that worked on something died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Died;

/// What a process keeps while it lives.
#[derive(Default)]
struct Process {
    memory: Memory,
    watch: Watch,
}

impl World {
    /// Delivers tasks and sweeps until the campaign is neither running nor able to go on by itself.
    ///
    /// # Panics
    ///
    /// If the campaign is still running after far more steps than it needs.
    pub async fn drive(&self) {
        let mut process = Process::default();
        let mut next_sweep = self.now().after(SWEEP_EVERY);
        for _ in 0..MAX_STEPS {
            if self.is_at_rest() {
                return;
            }
            let due = self.take_due();
            let died = match due {
                Some(queued) if self.now() < next_sweep => self.deliver(queued, &process).await,
                Some(queued) => {
                    self.state().queue.push_front(queued);
                    next_sweep = self.now().after(SWEEP_EVERY);
                    self.sweep().await.map(|_| ())
                }
                None => {
                    self.wait_for_next(next_sweep);
                    if self.now() >= next_sweep {
                        next_sweep = self.now().after(SWEEP_EVERY);
                        self.sweep().await.map(|_| ())
                    } else {
                        Ok(())
                    }
                }
            };
            if died.is_err() {
                process = Process::default();
            }
        }
        panic!("still running after {MAX_STEPS} steps: {:?}", self.state().queue);
    }

    /// Delivers one due task. Answers whether there was one.
    ///
    /// # Errors
    ///
    /// [`Died`] if the process that worked on it did.
    pub async fn step(&self) -> Result<bool, Died> {
        match self.take_due() {
            Some(queued) => self.deliver(queued, &Process::default()).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Delivers tasks, and waits for those that are delayed, until there are none. Nothing is swept.
    ///
    /// # Panics
    ///
    /// If there are still tasks after far more steps than any scenario needs.
    pub async fn work_off(&self) {
        let mut process = Process::default();
        for _ in 0..MAX_STEPS {
            if self.queue_length() == 0 {
                return;
            }
            if self.tick_in(&process).await.is_err() {
                process = Process::default();
            }
        }
        panic!("still working after {MAX_STEPS} steps: {:?}", self.state().queue);
    }

    /// Delivers one task, by a new process, once one is due.
    ///
    /// # Errors
    ///
    /// [`Died`] if the process that worked on it did.
    pub async fn tick(&self) -> Result<(), Died> {
        self.tick_in(&Process::default()).await
    }

    async fn tick_in(&self, process: &Process) -> Result<(), Died> {
        self.wait_for_next(self.now().after(VISIBILITY * 60));
        match self.take_due() {
            Some(queued) => self.deliver(queued, process).await,
            None => Ok(()),
        }
    }

    /// Sweeps once.
    ///
    /// # Errors
    ///
    /// [`Died`] if the sweeper did.
    pub async fn sweep(&self) -> Result<Option<SweepReport>, Died> {
        let invocation = self.invocation();
        let swept = survive(self.sweeper().sweep(&invocation)).await?.ok();
        self.state().sweeps.extend(swept.clone());
        Ok(swept)
    }

    /// What the sweeps did so far, in the order of their ends.
    pub fn sweeps(&self) -> Vec<SweepReport> {
        self.state().sweeps.clone()
    }

    fn sweeper(&self) -> Sweeper<'_, Self, Self, Self> {
        Sweeper { store: self, tasks: self, clock: self, stalled_after: STALLED_AFTER }
    }

    /// A new invocation that may run for the usual time.
    pub fn invocation(&self) -> Invocation {
        let mut state = self.state();
        state.invocations += 1;
        let deadline = state.now().after(TIMEOUT);
        Invocation {
            holder: Holder(state.invocations),
            stop_at: deadline.before(Duration::from_secs(5)),
            deadline,
        }
    }

    /// Whether no campaign does anything by itself: paused without an end, finished, or cancelled and closed.
    fn is_at_rest(&self) -> bool {
        let state = self.state();
        let at_rest = |campaign: &Campaign| match campaign.state.status {
            CampaignStatus::Running | CampaignStatus::Scheduled => false,
            CampaignStatus::Paused => campaign.state.until.is_none(),
            CampaignStatus::Cancelled => !state.active.contains(&campaign.id),
            CampaignStatus::Draft | CampaignStatus::Finished => true,
        };
        state.campaigns.values().all(at_rest)
    }

    fn take_due(&self) -> Option<Queued> {
        let mut state = self.state();
        let now = state.now();
        let due = state.queue.iter().position(|queued| queued.visible_at <= now)?;
        state.queue.remove(due)
    }

    fn wait_for_next(&self, next_sweep: Timestamp) {
        let mut state = self.state();
        let next = state.queue.iter().map(|queued| queued.visible_at).min().unwrap_or(next_sweep);
        state.now_ns = state.now_ns.max(next.min(next_sweep).0.saturating_mul(1_000_000));
    }

    async fn deliver(&self, queued: Queued, process: &Process) -> Result<(), Died> {
        self.state().in_flight += 1;
        let done = self.work_on(&queued, process).await;
        self.state().in_flight -= 1;
        if !matches!(done, Ok(Ok(()))) {
            let mut state = self.state();
            let visible_at = state.now().after(VISIBILITY);
            state.queue.push_back(Queued { visible_at, received: queued.received + 1, ..queued });
        }
        done.map(|_| ())
    }

    async fn work_on(&self, queued: &Queued, process: &Process) -> Result<Result<(), PortError>, Died> {
        let invocation = self.invocation();
        match &queued.task {
            Task::Lane(task) => {
                let ports = FanOut { store: self, tasks: self, clock: self, watch: &process.watch };
                survive(async { ports.fan_out(*task, &invocation).await.map(|_| ()) }).await
            }
            Task::Batch(task) => {
                let delivery = if queued.received == 0 { Delivery::First } else { Delivery::Repeated };
                let memory = &process.memory;
                let ports = Sender { store: self, tasks: self, mailer: self, clock: self, memory };
                survive(async { ports.send_batch(task.clone(), delivery, &invocation).await.map(|_| ()) })
                    .await
            }
        }
    }
}

pub(crate) async fn survive<F: Future>(work: F) -> Result<F::Output, Died> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|cause| {
        assert!(cause.is::<crate::faults::ProcessDied>(), "a panic of the code under test");
        Died
    })
}
