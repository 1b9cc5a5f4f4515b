//! Sending one batch.
//!
//! 1. Drop the task if the campaign does not run in the task's epoch, or the batch is done. If somebody holds
//!    the batch, the task comes again: the holder may be of an earlier run, or gone. A task that names its
//!    recipients, delivered for the first time, is taken at its word: the batch is as it was planned, unless the
//!    first write finds otherwise.
//! 2. Where a sliding window applies, take shares of it; where none are left, the task waits for its turn.
//! 3. Lease the batch. On take-over, what an earlier holder left *submitting* becomes *in doubt*.
//! 4. Load the subscribers fresh; who may not receive the message any more is skipped. Render all messages.
//! 5. Window by window: write down the intents (with the results of the window before), and only then hand
//!    the messages to the provider. What one crash can leave in doubt is one window.
//! 6. A provider that puts us off costs nobody anything: the recipients return to *pending*, the rate halves,
//!    and the batch is handed on with a delay. Doors that stay closed for everybody pause the campaign.
//! 7. The last results, the batch's end and the lane's counters are one transaction, on the condition that
//!    others of the lane are left.
//! 8. Where none are, the same without the condition; then look whether the lane is complete, and if so try to
//!    finish the campaign.
//!
//! The campaign is looked at before each message, never more than a second old. Who meets a pause gives the
//! batch back; who meets a cancelled campaign skips the rest of the batch and ends it. If the campaign runs
//! again meanwhile, in another epoch, the batch's task of that epoch may have met our lease: it is sent again.
//!
//! A fresh batch is leased by the same write as its first intents. A batch that was leased before, or whose
//! task was delivered before, may have killed its sender: it is leased first, so that the attempt counts even
//! if this process dies too; and from the third attempt without an end each recipient is marked before it is
//! rendered, so that the one who kills senders is found ([`fanmail_domain::recipient`]).

mod ending;
mod ledger;
mod prepare;
mod run;
mod shares;
mod submit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanmail_domain::pacing::{Aimd, Gcra};
use fanmail_domain::{BatchEvent, CampaignId, Content, Phase, Settings, Tally, Timestamp};

use crate::Invocation;
use crate::commit::retry;
use crate::ports::{Audience, BatchTask, Campaigns, Clock, Ledger, Mailer, PortError, Tasks, Windows};
use crate::watch::Watch;
pub(crate) use ledger::{crashed, take_over_entry};
use run::Run;

/// How long a task that met a held batch waits before it comes again, at the most.
const HELD_AGAIN: Duration = Duration::from_secs(10);
/// How long it waits at the least.
const CHANGED_AGAIN: Duration = Duration::from_secs(1);

/// How much lateness a sender may make up for: about one write of intents.
const TOLERANCE: Duration = Duration::from_millis(100);

/// What a batch task came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Every recipient came to an end; this is how.
    Finished(Tally),
    /// Some recipients wait for another task, which was sent with this delay.
    HandedOn(Duration),
    /// The campaign stopped; resuming goes on.
    Stopped,
    /// Somebody holds the batch; the task comes again after this time.
    Held(Duration),
    /// The task was void, the batch is done, or the lease was lost to somebody else.
    Dropped,
}

/// What a sender process keeps between batches.
#[derive(Debug)]
pub struct Memory {
    watch: Watch,
    contents: Mutex<HashMap<(CampaignId, u32), Arc<Content>>>,
    pacer: Mutex<Gcra>,
    throttle: Mutex<Aimd>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            watch: Watch::default(),
            contents: Mutex::default(),
            pacer: Mutex::new(Gcra::new(Settings::default().message_rate, TOLERANCE)),
            throttle: Mutex::default(),
        }
    }
}

/// How a task reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// For the first time, as far as the queue knows.
    First,
    /// Again: whoever got it before did not acknowledge it.
    Repeated,
}

/// Everything a sender works with.
#[derive(Debug)]
pub struct Sender<'a, S, Q, M, C> {
    /// Campaigns, ledger and audience.
    pub store: &'a S,
    /// Where tasks go.
    pub tasks: &'a Q,
    /// Renders and submits.
    pub mailer: &'a M,
    /// The time.
    pub clock: &'a C,
    /// What was learnt in earlier invocations.
    pub memory: &'a Memory,
}

impl<S, Q, M, C> Sender<'_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Carries out one batch task.
    ///
    /// # Errors
    ///
    /// [`PortError`] if a port stays silent until the deadline. The lease then runs out, and whoever takes
    /// the batch over finds in the ledger what was done.
    pub async fn send_batch(
        &self,
        task: BatchTask,
        delivery: Delivery,
        invocation: &Invocation,
    ) -> Result<BatchOutcome, PortError> {
        let (store, clock, until) = (self.store, self.clock, invocation.deadline);
        let planned = task.planned().filter(|_| delivery == Delivery::First);
        let task = BatchTask::of(task.epoch, task.batch);
        let id = task.batch.campaign;
        let running = retry(clock, until, || self.memory.watch.running(store, clock, id, task.epoch)).await?;
        let Some(view) = running else { return Ok(BatchOutcome::Dropped) };
        let found = match planned {
            Some(batch) => Some(batch),
            None => retry(clock, until, || store.batch(task.batch)).await?,
        };
        let Some(found) = found else { return Ok(BatchOutcome::Dropped) };
        let (holder, now) = (invocation.holder, clock.now());
        let lease = BatchEvent::LeaseTaken { holder, now, until: invocation.lease_until() };
        let Ok(batch) = found.clone().apply(&lease) else {
            return self.come_again(task, found.phase, until).await;
        };
        let content = self.content(id, view.campaign.content_version, invocation).await?;
        Run::new(self, task, invocation, view, content, batch).work(&found, delivery).await
    }

    /// Sends the task of a batch that could not be leased again: its holder may be of an earlier run, and
    /// give the batch back without a task for this one.
    async fn come_again(
        &self,
        task: BatchTask,
        phase: Phase,
        until: Timestamp,
    ) -> Result<BatchOutcome, PortError> {
        let delay = match phase {
            Phase::Done => return Ok(BatchOutcome::Dropped),
            Phase::Queued => CHANGED_AGAIN,
            Phase::Leased { until, .. } => until.since(self.clock.now()).clamp(CHANGED_AGAIN, HELD_AGAIN),
        };
        let task = [task];
        retry(self.clock, until, || self.tasks.send_batches(&task, delay)).await?;
        Ok(BatchOutcome::Held(delay))
    }

    async fn content(
        &self,
        id: CampaignId,
        version: u32,
        invocation: &Invocation,
    ) -> Result<Option<Arc<Content>>, PortError> {
        let known = self.contents().get(&(id, version)).map(Arc::clone);
        if known.is_some() {
            return Ok(known);
        }
        let read = || self.store.content(id, version);
        let content = retry(self.clock, invocation.deadline, read).await?.map(Arc::new);
        if let Some(content) = &content {
            let mut contents = self.contents();
            contents.clear();
            contents.insert((id, version), Arc::clone(content));
        }
        Ok(content)
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, HashMap<(CampaignId, u32), Arc<Content>>> {
        self.memory.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
