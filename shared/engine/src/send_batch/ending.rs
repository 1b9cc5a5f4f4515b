//! How a run ends: the batch is done, handed on, given back, or was taken away.

use std::time::Duration;

use fanmail_domain::pacing::{GIVE_UP_AFTER, hand_on_delay};
use fanmail_domain::window::LONGEST_WAIT;
use fanmail_domain::{
    BatchEvent, CampaignStatus, Change, RecipientEvent, SkipReason, StatusReason, Timestamp,
};

use super::BatchOutcome;
use super::ledger::End;
use super::run::{Run, Stop};
use crate::commit::retry;
use crate::control::{Order, pause};
use crate::finish;
use crate::ports::{Audience, BatchTask, Campaigns, Clock, Ledger, Mailer, PortError, Tasks, Windows};

/// How long a quota of the day is left alone before it is tried again. Quotas that slide over 24 hours, as
/// that of SES does, have some room again after any time.
const QUOTA_WAIT: Duration = Duration::from_secs(3_600);

/// A campaign whose batches were counted this lately has not met a closed door.
const PROGRESS_WITHIN: Duration = Duration::from_secs(90);

impl<S, Q, M, C> Run<'_, '_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Brings the batch and the lane's counters to their end, and with the last of them the campaign.
    async fn finish(&mut self) -> Result<BatchOutcome, PortError> {
        let end = self.end().await?;
        if end == End::Lost {
            return self.lost().await;
        }
        if self.batch.tally().send_errors() > 0 {
            self.pause_at_too_many_errors().await?;
        }
        if end == End::MayBeTheLast {
            let (store, clock, until) = (self.ports.store, self.ports.clock, self.invocation.deadline);
            finish::after_batch(store, clock, until, self.task.batch).await?;
        }
        Ok(BatchOutcome::Finished(self.batch.tally()))
    }

    /// Gives the batch back, and sends a task for the rest where somebody else is to go on with it.
    pub(super) async fn hand_on(&mut self, stop: Stop) -> Result<BatchOutcome, PortError> {
        if stop == Stop::Cancelled {
            self.skip_the_rest()?;
        }
        if self.batch.is_complete() {
            return self.finish().await;
        }
        let touched = self.leased || stop == Stop::PutOff || matches!(stop, Stop::Closed(_));
        let release = BatchEvent::Released { token: self.batch.token };
        if touched && !self.carry_forward(Some(release)).await? {
            return self.lost().await;
        }
        let now = self.ports.clock.now();
        match stop {
            Stop::NotRunning | Stop::Cancelled => self.leave().await,
            Stop::Closed(reason) if self.is_over(reason).await? => self.pause(reason, now).await,
            Stop::OutOfTime => self.send_on(Duration::ZERO).await,
            Stop::Window(turn) => self.send_on(turn.since(now).min(LONGEST_WAIT)).await,
            Stop::PutOff | Stop::Closed(_) => self.send_on(hand_on_delay(self.batch.stalls)).await,
        }
    }

    /// Gives the batch back because a port stayed silent: what is known of it is written down, if the ledger
    /// still answers, and so is not in doubt when the task comes again.
    pub(super) async fn break_off(&mut self, silence: PortError) -> Result<BatchOutcome, PortError> {
        if self.leased {
            let release = BatchEvent::Released { token: self.batch.token };
            self.carry_forward(Some(release)).await?;
        }
        Err(silence)
    }

    async fn send_on(&self, delay: Duration) -> Result<BatchOutcome, PortError> {
        let task = [self.task.clone()];
        let send = || self.ports.tasks.send_batches(&task, delay);
        retry(self.ports.clock, self.invocation.deadline, send).await?;
        Ok(BatchOutcome::HandedOn(delay))
    }

    /// Leaves a batch of a campaign that does not run any more. If it runs again, in another epoch, that
    /// run's task may have met our lease.
    async fn leave(&self) -> Result<BatchOutcome, PortError> {
        let state = self.view.campaign.state;
        if self.leased && state.status == CampaignStatus::Running && state.epoch > self.task.epoch {
            let task = [BatchTask::of(state.epoch, self.task.batch)];
            let send = || self.ports.tasks.send_batches(&task, Duration::ZERO);
            retry(self.ports.clock, self.invocation.deadline, send).await?;
        }
        Ok(BatchOutcome::Stopped)
    }

    /// What is left to do when a write was refused. Whoever holds the batch now has a task; if nobody does,
    /// something else changed it, and the task comes again.
    pub(super) async fn lost(&self) -> Result<BatchOutcome, PortError> {
        let until = self.invocation.deadline;
        let read = || self.ports.store.batch(self.task.batch);
        match retry(self.ports.clock, until, read).await? {
            Some(batch) => self.ports.come_again(self.task.clone(), batch.phase, until).await,
            None => Ok(BatchOutcome::Dropped),
        }
    }

    fn skip_the_rest(&mut self) -> Result<(), PortError> {
        let skip = |position| Change { position, event: RecipientEvent::Skip(SkipReason::Cancelled) };
        let skipped: Vec<_> = self.batch.pending().map(skip).collect();
        self.record(&skipped)
    }

    /// Whether a closed door stops the whole campaign: at once where waiting a little does not help, and
    /// else after a bounded number of tries in which nobody else came through either.
    async fn is_over(&self, reason: StatusReason) -> Result<bool, PortError> {
        if reason != StatusReason::ProviderUnavailable {
            return Ok(true);
        }
        if self.batch.stalls < GIVE_UP_AFTER {
            return Ok(false);
        }
        let (clock, campaign) = (self.ports.clock, self.task.batch.campaign);
        let lanes = retry(clock, self.invocation.deadline, || self.ports.store.lanes(campaign)).await?;
        let moved_at = lanes.iter().map(|lane| lane.moved_at).max().unwrap_or_default();
        Ok(moved_at.after(PROGRESS_WITHIN) <= clock.now())
    }

    async fn pause(&self, reason: StatusReason, now: Timestamp) -> Result<BatchOutcome, PortError> {
        let ends = (reason == StatusReason::DailyQuota).then(|| now.after(QUOTA_WAIT));
        let order = Order {
            campaign: self.task.batch.campaign,
            actor: "sender",
            note: "",
            // Only the run that met the reason is paused.
            version: Some(self.view.campaign.state.version),
            until: self.invocation.deadline,
        };
        let _ = pause(self.ports.store, self.ports.clock, &order, reason, ends).await?;
        Ok(BatchOutcome::Stopped)
    }

    /// Pauses the campaign once as many recipients failed in this run as the settings allow.
    async fn pause_at_too_many_errors(&self) -> Result<(), PortError> {
        let max = u64::from(self.view.settings.max_send_errors);
        if max == 0 {
            return Ok(());
        }
        let (clock, campaign) = (self.ports.clock, &self.view.campaign);
        let lanes = retry(clock, self.invocation.deadline, || self.ports.store.lanes(campaign.id)).await?;
        let failed: u64 = lanes.iter().map(|lane| lane.tally.send_errors()).sum();
        if failed.saturating_sub(campaign.failed_before) >= max {
            self.pause(StatusReason::TooManyErrors, clock.now()).await?;
        }
        Ok(())
    }
}
