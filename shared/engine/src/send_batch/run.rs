//! One sender at work on the batch it holds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fanmail_domain::pacing::CAREFUL_AFTER;
use fanmail_domain::{
    Batch, BatchEvent, Change, Content, FailReason, Failure, RecipientEvent, StatusReason, Subscriber,
    SubscriberId, Timestamp,
};

use super::shares::{Shares, Taken};
use super::submit::Door;
use super::{BatchOutcome, Delivery, Sender, crashed};
use crate::Invocation;
use crate::commit::retry;
use crate::ports::{Audience, BatchTask, Campaigns, Clock, Ledger, Mailer, PortError, Tasks, Windows};
use crate::watch::View;

/// One sender's hold on one batch.
pub(super) struct Run<'a, 'p, S, Q, M: Mailer, C> {
    pub(super) ports: &'a Sender<'p, S, Q, M, C>,
    pub(super) invocation: &'a Invocation,
    pub(super) task: BatchTask,
    pub(super) view: View,
    /// What may be submitted under the sliding windows.
    pub(super) shares: Shares,
    /// Where they were taken from.
    pub(super) taken: Vec<Taken>,
    /// The batch as the ledger has it.
    pub(super) ledger: Batch,
    /// The batch as it is to be: ahead of the ledger by what the next write contains.
    pub(super) batch: Batch,
    /// Whether the ledger knows of our lease.
    pub(super) leased: bool,
    /// Words of failures that the next write makes true.
    pub(super) failures: Vec<Failure>,
    /// When ended recipients last went into the lane's counters.
    pub(super) counted_at: Timestamp,
    /// Whether each recipient is marked before it is rendered.
    pub(super) careful: bool,
    pub(super) content: Option<Arc<Content>>,
    pub(super) subscribers: HashMap<SubscriberId, Subscriber>,
    /// Messages that wait for their window.
    pub(super) rendered: VecDeque<Rendered<M>>,
    /// Positions that wait to be marked and rendered, where each is marked before.
    pub(super) waiting: VecDeque<usize>,
}

/// Why a run stops before its batch is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The campaign is not running in the task's epoch.
    NotRunning,
    /// The campaign was cancelled.
    Cancelled,
    /// No new work is begun any more.
    OutOfTime,
    /// Whoever still waits was put off by the provider.
    PutOff,
    /// The sliding window has no share left before this time.
    Window(Timestamp),
    /// The provider takes nothing from anybody.
    Closed(StatusReason),
}

/// A rendered message and its position.
pub(super) type Rendered<M> = (usize, <M as Mailer>::Message);

impl<'a, 'p, S, Q, M, C> Run<'a, 'p, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    pub(super) fn new(
        ports: &'a Sender<'p, S, Q, M, C>,
        task: BatchTask,
        invocation: &'a Invocation,
        view: View,
        content: Option<Arc<Content>>,
        batch: Batch,
    ) -> Self {
        Self {
            ports,
            invocation,
            task,
            shares: Shares::of(&view),
            taken: Vec::new(),
            view,
            content,
            careful: batch.stalls >= CAREFUL_AFTER,
            ledger: batch.clone(),
            batch,
            leased: false,
            failures: Vec::new(),
            counted_at: ports.clock.now(),
            subscribers: HashMap::new(),
            rendered: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Works until the batch is done or something stops us. `found` is the batch as it was before our lease.
    pub(super) async fn work(mut self, found: &Batch, delivery: Delivery) -> Result<BatchOutcome, PortError> {
        self.ledger = found.clone();
        self.failures = crashed(found, &self.batch, self.ports.clock.now());
        // Before the lease, so that waiting for a turn is no attempt that came to nothing.
        if let Some(turn) = self.take_shares().await? {
            return self.hand_on(Stop::Window(turn)).await;
        }
        let suspect = found.token.0 > 0 || delivery == Delivery::Repeated;
        if suspect && !self.save().await? {
            return self.lost().await;
        }
        self.journal_take_over(found).await?;
        self.load_subscribers().await?;
        self.prepare()?;
        loop {
            match self.reason_to_stop().await {
                Ok(None) => {}
                Ok(Some(stop)) => return self.hand_on(stop).await,
                Err(silence) => return self.break_off(silence).await,
            }
            let Some(messages) = self.next_window().await? else { return self.lost().await };
            if messages.is_empty() {
                // Whoever still waits was put off.
                return self.hand_on(Stop::PutOff).await;
            }
            if !self.save().await? {
                return self.lost().await;
            }
            let door = self.submit(messages).await?;
            if let Door::Closed(reason) = door {
                return self.hand_on(Stop::Closed(reason)).await;
            }
        }
    }

    /// Looks whether to go on, with which settings, and under which shares.
    async fn reason_to_stop(&mut self) -> Result<Option<Stop>, PortError> {
        let clock = self.ports.clock;
        let Some(view) = retry(clock, self.invocation.deadline, || self.look()).await? else {
            return Ok(Some(Stop::NotRunning));
        };
        let (running, cancelled) = (view.campaign.is_running(self.task.epoch), view.campaign.is_cancelled());
        self.view = view;
        if !running {
            return Ok(Some(if cancelled { Stop::Cancelled } else { Stop::NotRunning }));
        }
        if clock.now() >= self.invocation.stop_at {
            return Ok(Some(Stop::OutOfTime));
        }
        if self.batch.is_complete() {
            return Ok(None);
        }
        Ok(self.take_shares().await?.map(Stop::Window))
    }

    pub(super) async fn look(&self) -> Result<Option<View>, PortError> {
        let Self { ports, task, .. } = self;
        ports.memory.watch.look(ports.store, ports.clock, task.batch.campaign, task.epoch).await
    }

    /// Remembers the words of a failure, without what is personal in them; the change that they belong to.
    pub(super) fn failure(
        &mut self,
        position: usize,
        reason: FailReason,
        code: Option<u16>,
        text: &str,
    ) -> Change {
        let id = self.batch.entries[position].subscriber;
        let address = self.subscribers.get(&id).map_or("", |subscriber| subscriber.email.expose());
        let local_part = address.split('@').next().unwrap_or_default();
        self.failures.push(Failure {
            campaign: self.task.batch.campaign,
            lane: self.task.batch.lane,
            subscriber: id,
            reason,
            code,
            text: fanmail_domain::redact::redact(text, &[address, local_part]),
            at: self.ports.clock.now(),
        });
        Change { position, event: RecipientEvent::Fail(reason) }
    }

    pub(super) fn record(&mut self, changes: &[Change]) -> Result<(), PortError> {
        self.apply(&BatchEvent::Recorded { token: self.batch.token, changes })
    }
}
