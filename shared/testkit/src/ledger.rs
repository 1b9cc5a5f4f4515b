//! Batches and plans, in memory.

use fanmail_domain::{Batch, BatchId, CampaignId, Failure, LaneCount, LaneNo, LanePlan};
use fanmail_engine::ports::{Conditional, Ledger, PortError};

use crate::World;
use crate::world::State;

/// Small, so that every use case has to ask for a second page.
const PAGE: usize = 7;

impl Ledger for World {
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, PortError> {
        self.call("batch", |state| state.batches.get(&id).cloned())
    }

    async fn batches(&self, campaign: CampaignId, lane: LaneNo, from: u32) -> Result<Vec<Batch>, PortError> {
        let ids = BatchId { campaign, lane, seq: from }..=BatchId { campaign, lane, seq: u32::MAX };
        self.call("batches", |state| state.batches.range(ids).take(PAGE).map(|(_, it)| it.clone()).collect())
    }

    async fn write_batch(&self, batch: &Batch) -> Result<Conditional<Batch>, PortError> {
        self.call("write_batch", |state| write(state, batch))
    }

    async fn count_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        self.call("count_batch", |state| write_and_count(state, batch, count))
    }

    async fn end_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        self.call("end_batch", |state| {
            if !state.lanes[&(batch.id.campaign, batch.id.lane)].goes_on() {
                return Conditional::Rejected(state.batches.get(&batch.id).cloned());
            }
            write_and_count(state, batch, count)
        })
    }

    async fn amend_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
        plan_rev: u32,
    ) -> Result<Conditional<Batch>, PortError> {
        self.call("amend_batch", |state| {
            let lane = state.lanes.get(&(batch.id.campaign, batch.id.lane));
            if lane.is_none_or(|lane| lane.plan.rev != plan_rev) {
                return Conditional::Rejected(state.batches.get(&batch.id).cloned());
            }
            write_and_count(state, batch, count)
        })
    }

    async fn write_plan(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
    ) -> Result<Conditional<LanePlan>, PortError> {
        self.call("write_plan", |state| write_plan(state, campaign, plan))
    }

    async fn write_page(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
        batches: &[Batch],
    ) -> Result<Conditional<LanePlan>, PortError> {
        self.call("write_page", |state| {
            let written = write_plan(state, campaign, plan);
            if written == Conditional::Applied {
                for batch in batches {
                    let old = state.batches.insert(batch.id, batch.clone());
                    assert!(old.is_none(), "batch {} was planned twice", batch.id);
                }
            }
            written
        })
    }

    async fn record_failures(&self, failures: &[Failure]) -> Result<(), PortError> {
        self.call("record_failures", |state| {
            for failure in failures {
                state.failures.insert((failure.campaign, failure.subscriber), failure.clone());
            }
        })
    }
}

fn write(state: &mut State, batch: &Batch) -> Conditional<Batch> {
    let stands = state.batches.get(&batch.id);
    if !stands.is_some_and(|stands| batch.follows(stands)) {
        return Conditional::Rejected(stands.cloned());
    }
    state.batches.insert(batch.id, batch.clone());
    Conditional::Applied
}

fn write_and_count(state: &mut State, batch: &Batch, count: &LaneCount) -> Conditional<Batch> {
    let written = write(state, batch);
    if written == Conditional::Applied {
        state.lanes.get_mut(&(batch.id.campaign, batch.id.lane)).unwrap().count(count);
    }
    written
}

fn write_plan(state: &mut State, campaign: CampaignId, plan: &LanePlan) -> Conditional<LanePlan> {
    let Some(lane) = state.lanes.get_mut(&(campaign, plan.no)) else {
        return Conditional::Rejected(None);
    };
    if lane.plan.rev + 1 != plan.rev {
        return Conditional::Rejected(Some(lane.plan.clone()));
    }
    lane.plan = plan.clone();
    Conditional::Applied
}
