//! Tasks on queues: hints that something is to be done.

use std::future::Future;
use std::time::Duration;

use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchTask {
    /// In which run.
    pub epoch: Epoch,
    /// Which batch.
    pub batch: BatchId,
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
