//! Batches and lanes: who got what.

use std::future::Future;

use fanmail_domain::{Batch, BatchId, CampaignId, Failure, LaneCount, LaneNo, LanePlan};

use super::{Conditional, PortError};

/// Batches and lanes: who got what.
///
/// Every write names the revision it follows: it applies only where `rev - 1` of what is written stands. A batch's
/// first write after fan-out's also proves its recipients: its writer may know them by a task alone
/// ([`Batch::follows`]).
pub trait Ledger: Sync {
    /// One batch as it stands now.
    fn batch(&self, id: BatchId) -> impl Future<Output = Result<Option<Batch>, PortError>> + Send;

    /// Some batches of a lane from `from` on, in order; an empty answer means that there are none.
    fn batches(
        &self,
        campaign: CampaignId,
        lane: LaneNo,
        from: u32,
    ) -> impl Future<Output = Result<Vec<Batch>, PortError>> + Send;

    /// Writes a batch: one write of one item.
    fn write_batch(
        &self,
        batch: &Batch,
    ) -> impl Future<Output = Result<Conditional<Batch>, PortError>> + Send;

    /// Writes a batch and adds `count` to its lane's counters, in one transaction.
    fn count_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
    ) -> impl Future<Output = Result<Conditional<Batch>, PortError>> + Send;

    /// The same for a batch that is done, while its lane goes on without it ([`Lane::goes_on`]). The end that may be
    /// the last one is refused, and the batch stands as it did: whoever is refused so writes with
    /// [`count_batch`](Self::count_batch), and looks whether the campaign is finished.
    ///
    /// [`Lane::goes_on`]: fanmail_domain::Lane::goes_on
    fn end_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
    ) -> impl Future<Output = Result<Conditional<Batch>, PortError>> + Send;

    /// The same for the fan-out that holds the batch's lane: applies only while the lane's plan has the revision
    /// `plan_rev`, for whoever took the lane over has dealt with the batch.
    fn amend_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
        plan_rev: u32,
    ) -> impl Future<Output = Result<Conditional<Batch>, PortError>> + Send;

    /// Writes a lane's plan.
    fn write_plan(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
    ) -> impl Future<Output = Result<Conditional<LanePlan>, PortError>> + Send;

    /// Writes new batches and the lane's plan that contains them, in one transaction.
    fn write_page(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
        batches: &[Batch],
    ) -> impl Future<Output = Result<Conditional<LanePlan>, PortError>> + Send;

    /// Keeps the words of failures. Writing one twice writes it once.
    fn record_failures(&self, failures: &[Failure]) -> impl Future<Output = Result<(), PortError>> + Send;
}
