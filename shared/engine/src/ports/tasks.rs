//! Tasks on queues: hints that something is to be done.

use std::future::Future;
use std::time::Duration;

use fanmail_domain::{Batch, BatchId, CampaignId, Epoch, LaneNo, SubscriberId};

use super::PortError;

/// Fan one lane out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneTask {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// In which run.
    pub epoch: Epoch,
    /// Which lane.
    pub lane: LaneNo,
}

/// Send one batch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTask {
    /// In which run.
    pub epoch: Epoch,
    /// Which batch.
    pub batch: BatchId,
    /// Who its recipients are, where nobody had worked on it when the task was sent; else nobody. It spares the
    /// receiver a look at the ledger, and proves nothing: the ledger takes the first write of a batch only for
    /// the recipients it has.
    pub recipients: Vec<SubscriberId>,
}

impl BatchTask {
    /// The task of a batch that somebody may have worked on: what became of it, the ledger knows.
    #[must_use]
    pub fn of(epoch: Epoch, batch: BatchId) -> Self {
        Self { epoch, batch, recipients: Vec::new() }
    }

    /// The task of a batch that stands as the ledger has it here.
    #[must_use]
    pub fn knowing(epoch: Epoch, batch: &Batch) -> Self {
        let as_planned = batch.rev == 0;
        let recipients = batch.entries.iter().filter(|_| as_planned).map(|entry| entry.subscriber);
        Self { recipients: recipients.collect(), ..Self::of(epoch, batch.id) }
    }

    /// The batch as fan-out planned it, if the task says who its recipients are.
    #[must_use]
    pub fn planned(&self) -> Option<Batch> {
        (!self.recipients.is_empty()).then(|| Batch::planned(self.batch, &self.recipients))
    }
}

/// Tasks on queues. Each may be delivered never, once or several times, early or late.
pub trait Tasks: Sync {
    /// Sends tasks to fan lanes out, visible after `delay`. An error may leave some of them sent.
    fn send_lanes(
        &self,
        tasks: &[LaneTask],
        delay: Duration,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Sends tasks to send batches, visible after `delay`. An error may leave some of them sent.
    fn send_batches(
        &self,
        tasks: &[BatchTask],
        delay: Duration,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Whether both queues seem to hold nothing, neither waiting nor delayed nor being worked on.
    fn are_idle(&self) -> impl Future<Output = Result<bool, PortError>> + Send;
}
