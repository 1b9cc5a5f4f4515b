//! One sender at work on the batch it holds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use fanmail_domain::pacing::{CAREFUL_AFTER, GIVE_UP_AFTER, hand_on_delay};
use fanmail_domain::{
    Batch, BatchEvent, Campaign, Change, Content, FailReason, Failure, RecipientEvent, Settings,
    StatusReason, Subscriber, SubscriberId, Timestamp,
};

use super::submit::Door;
use super::{BatchOutcome, Delivery, Sender};
use crate::Invocation;
use crate::commit::retry;
use crate::control::pause;
use crate::ports::{Audience, BatchTask, Campaigns, Clock, Ledger, Mailer, PortError, Tasks};

/// One sender's hold on one batch.
pub(super) struct Run<'a, 'p, S, Q, M: Mailer, C> {
    pub(super) ports: &'a Sender<'p, S, Q, M, C>,
    pub(super) invocation: &'a Invocation,
    pub(super) task: BatchTask,
    pub(super) campaign: Arc<Campaign>,
    pub(super) settings: Settings,
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
enum Stop {
    NotRunning,
    OutOfTime,
    PutOff,
    Closed(StatusReason),
}

/// A rendered message and its position.
pub(super) type Rendered<M> = (usize, <M as Mailer>::Message);

impl<'a, 'p, S, Q, M, C> Run<'a, 'p, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    pub(super) fn new(
        ports: &'a Sender<'p, S, Q, M, C>,
        task: BatchTask,
        invocation: &'a Invocation,
        campaign: Arc<Campaign>,
        content: Option<Arc<Content>>,
        batch: Batch,
    ) -> Self {
        Self {
            ports,
            invocation,
            task,
            settings: Settings::default().with(campaign.settings).unwrap_or_default(),
            campaign,
            content,
            careful: batch.stalls >= CAREFUL_AFTER,
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
        let suspect = found.token.0 > 0 || delivery == Delivery::Repeated;
        if suspect && !self.save().await? {
            return Ok(BatchOutcome::Dropped);
        }
        self.journal_take_over(found).await?;
        self.load_subscribers().await?;
        self.prepare()?;
        loop {
            if let Some(stop) = self.reason_to_stop().await? {
                return self.hand_on(stop).await;
            }
            let Some(messages) = self.next_window().await? else { return Ok(BatchOutcome::Dropped) };
            if messages.is_empty() {
                // Whoever still waits was put off.
                return self.hand_on(Stop::PutOff).await;
            }
            if !self.save().await? {
                return Ok(BatchOutcome::Dropped);
            }
            let door = self.submit(messages).await?;
            if let Door::Closed(reason) = door {
                return self.hand_on(Stop::Closed(reason)).await;
            }
        }
    }

    async fn reason_to_stop(&mut self) -> Result<Option<Stop>, PortError> {
        let Self { ports, task, .. } = self;
        let (store, clock) = (ports.store, ports.clock);
        let look = || ports.memory.watch.running(store, clock, task.batch.campaign, task.epoch);
        let Some(campaign) = retry(clock, self.invocation.deadline, look).await? else {
            return Ok(Some(Stop::NotRunning));
        };
        self.settings = Settings::default().with(campaign.settings).unwrap_or_default();
        self.campaign = campaign;
        Ok((self.ports.clock.now() >= self.invocation.stop_at).then_some(Stop::OutOfTime))
    }

    /// Brings the batch and the lane's counters to their end.
    async fn finish(&mut self) -> Result<BatchOutcome, PortError> {
        let finished = self.carry_forward(Some(BatchEvent::Finished { token: self.batch.token })).await?;
        let tally = self.batch.tally();
        Ok(if finished { BatchOutcome::Finished(tally) } else { BatchOutcome::Dropped })
    }

    /// Gives the batch back, and sends a task for the rest where somebody else is to go on with it.
    async fn hand_on(&mut self, stop: Stop) -> Result<BatchOutcome, PortError> {
        if self.batch.is_complete() {
            return self.finish().await;
        }
        let touched = self.leased || stop == Stop::PutOff || matches!(stop, Stop::Closed(_));
        if touched && !self.carry_forward(Some(BatchEvent::Released { token: self.batch.token })).await? {
            return Ok(BatchOutcome::Dropped);
        }
        let stalls = self.batch.stalls;
        let delay = match stop {
            Stop::NotRunning => return Ok(BatchOutcome::Stopped),
            Stop::Closed(StatusReason::CredentialsRefused) => {
                return self.pause(StatusReason::CredentialsRefused).await;
            }
            Stop::Closed(reason) if stalls >= GIVE_UP_AFTER => return self.pause(reason).await,
            Stop::OutOfTime => std::time::Duration::ZERO,
            Stop::PutOff | Stop::Closed(_) => hand_on_delay(stalls),
        };
        let task = [self.task];
        let send = || self.ports.tasks.send_batches(&task, delay);
        retry(self.ports.clock, self.invocation.deadline, send).await?;
        Ok(BatchOutcome::HandedOn(delay))
    }

    async fn pause(&self, reason: StatusReason) -> Result<BatchOutcome, PortError> {
        let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.deadline);
        let _ = pause(store, clock, until, self.campaign.id, reason, "sender").await?;
        Ok(BatchOutcome::Stopped)
    }

    /// Remembers a failure and its words, without what is personal in them.
    pub(super) fn fail(
        &mut self,
        position: usize,
        reason: FailReason,
        code: Option<u16>,
        text: &str,
    ) -> Result<(), PortError> {
        let id = self.batch.entries[position].subscriber;
        let address = self.subscribers.get(&id).map_or("", |subscriber| subscriber.email.expose());
        let local_part = address.split('@').next().unwrap_or_default();
        self.failures.push(Failure {
            campaign: self.campaign.id,
            lane: self.task.batch.lane,
            subscriber: id,
            reason,
            code,
            text: fanmail_domain::redact::redact(text, &[address, local_part]),
            at: self.ports.clock.now(),
        });
        self.change(position, RecipientEvent::Fail(reason))
    }

    pub(super) fn change(&mut self, position: usize, event: RecipientEvent) -> Result<(), PortError> {
        let token = self.batch.token;
        self.apply(&BatchEvent::Recorded { token, changes: &[Change { position, event }] })
    }
}
