//! Delivering tasks, and sweeping, until nothing is left to do.
//!
//! One process of each kind, whose memory dies with it. A task whose process died or failed comes back when
//! its visibility time-out is over; a sweep comes every minute, and whenever nothing else is due.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use fanmail_domain::{CampaignStatus, Holder, Timestamp};
use fanmail_engine::Invocation;
use fanmail_engine::control::{self, Controlled, Order};
use fanmail_engine::fan_out::FanOut;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::send_batch::{Delivery, Memory, Sender};
use fanmail_engine::sweep::{STALLED_AFTER, Sweeper};
use fanmail_engine::watch::Watch;
use futures::FutureExt;

use crate::tasks::{Queued, Task};
use crate::{CAMPAIGN, World};

/// How long a function may run.
const TIMEOUT: Duration = Duration::from_secs(30);
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
    /// Starts the campaign, as a user does who asks again when there is no answer.
    ///
    /// # Panics
    ///
    /// If the campaign cannot be started.
    pub async fn start(&self) {
        for _ in 0..3 {
            let order = self.order();
            let started = control::start(self, self, self, &order);
            match survive(started).await {
                Ok(Ok(Controlled::Done(_))) => return,
                Ok(Ok(other)) => panic!("not started: {other:?}"),
                Ok(Err(_)) | Err(Died) => {}
            }
        }
        panic!("one fault, and three tries did not start the campaign");
    }

    /// Lets the paused campaign go on.
    ///
    /// # Panics
    ///
    /// If a port fails.
    pub async fn resume(&self) {
        let resumed = control::resume(self, self, self, &self.order()).await.unwrap();
        assert!(matches!(resumed, Controlled::Done(_)), "{resumed:?}");
    }

    /// What a user orders for the campaign now.
    #[must_use]
    pub fn order(&self) -> Order<'static> {
        let until = self.now().after(TIMEOUT);
        Order { campaign: CAMPAIGN, actor: "user", note: "", version: None, until }
    }

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

    /// Sweeps once.
    ///
    /// # Errors
    ///
    /// [`Died`] if the sweeper did.
    pub async fn sweep(&self) -> Result<Option<fanmail_engine::sweep::SweepReport>, Died> {
        let invocation = self.invocation();
        let swept = survive(self.sweeper().sweep(&invocation)).await?;
        Ok(swept.ok())
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

    /// Whether the campaign does nothing by itself: paused without an end, finished, or cancelled and closed.
    fn is_at_rest(&self) -> bool {
        let state = self.state();
        let campaign = &state.campaigns[&CAMPAIGN];
        match campaign.state.status {
            CampaignStatus::Running | CampaignStatus::Scheduled => false,
            CampaignStatus::Paused => campaign.state.until.is_none(),
            CampaignStatus::Cancelled => !state.active.contains(&CAMPAIGN),
            CampaignStatus::Draft | CampaignStatus::Finished => true,
        }
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
        state.now_ns = state.now_ns.max(next.min(next_sweep).0 * 1_000_000);
    }

    async fn deliver(&self, queued: Queued, process: &Process) -> Result<(), Died> {
        self.state().in_flight += 1;
        let done = self.work_on(queued, process).await;
        self.state().in_flight -= 1;
        if !matches!(done, Ok(Ok(()))) {
            let mut state = self.state();
            let visible_at = state.now().after(VISIBILITY);
            state.queue.push_back(Queued { visible_at, received: queued.received + 1, ..queued });
        }
        done.map(|_| ())
    }

    async fn work_on(&self, queued: Queued, process: &Process) -> Result<Result<(), PortError>, Died> {
        let invocation = self.invocation();
        match queued.task {
            Task::Lane(task) => {
                let ports = FanOut { store: self, tasks: self, clock: self, watch: &process.watch };
                survive(async { ports.fan_out(task, &invocation).await.map(|_| ()) }).await
            }
            Task::Batch(task) => {
                let delivery = if queued.received == 0 { Delivery::First } else { Delivery::Repeated };
                let memory = &process.memory;
                let ports = Sender { store: self, tasks: self, mailer: self, clock: self, memory };
                survive(async { ports.send_batch(task, delivery, &invocation).await.map(|_| ()) }).await
            }
        }
    }
}

async fn survive<F: Future>(work: F) -> Result<F::Output, Died> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|cause| {
        assert!(cause.is::<crate::faults::ProcessDied>(), "a panic of the code under test");
        Died
    })
}
