//! The port to batches and lanes.

use fanmail_domain::{Batch, BatchId, CampaignId, Failure, LaneCount, LaneNo, LanePlan, RecipientState};
use fanmail_engine::ports::{Conditional, Ledger, PortError};

use super::{Process, State};
use crate::faults::Service::Store;
use crate::oracle::witness::Changed;
use crate::scenario::Sabotage;

impl Ledger for Process {
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, PortError> {
        self.call(Store, "read a batch", move |state, _| state.stored.batches.get(&id).cloned()).await
    }

    async fn batches(&self, campaign: CampaignId, lane: LaneNo, from: u32) -> Result<Vec<Batch>, PortError> {
        let page = self.world.scenario.page;
        let read = move |state: &mut State, _: &str| {
            let ids = BatchId { campaign, lane, seq: from }..=BatchId { campaign, lane, seq: u32::MAX };
            state.stored.batches.range(ids).take(page).map(|(_, batch)| batch.clone()).collect()
        };
        self.call(Store, "read batches", read).await
    }

    async fn write_batch(&self, batch: &Batch) -> Result<Conditional<Batch>, PortError> {
        let (batch, blind) = (batch.clone(), self.world.scenario.is_broken(Sabotage::BlindBatchWrites));
        let write = move |state: &mut State, who: &str| write(state, who, &batch, blind);
        self.call(Store, "write a batch", write).await
    }

    async fn count_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        let (batch, count, broken) = (batch.clone(), count.clone(), Broken::of(self));
        let write = move |state: &mut State, who: &str| write_and_count(state, who, &batch, &count, broken);
        self.call(Store, "write and count a batch", write).await
    }

    async fn end_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        let (batch, count, broken) = (batch.clone(), count.clone(), Broken::of(self));
        let write = move |state: &mut State, who: &str| {
            let lane = state.stored.lanes.get(&(batch.id.campaign, batch.id.lane));
            if lane.is_some_and(|lane| !lane.goes_on()) {
                state.note(who, || format!("batch {}: refused, it may be the last of its lane", batch.id));
                return Conditional::Rejected(state.stored.batches.get(&batch.id).cloned());
            }
            write_and_count(state, who, &batch, &count, broken)
        };
        self.call(Store, "write the end of a batch", write).await
    }

    async fn amend_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
        plan_rev: u32,
    ) -> Result<Conditional<Batch>, PortError> {
        let (batch, count) = (batch.clone(), count.clone());
        let blind = self.world.scenario.is_broken(Sabotage::BlindAmendments);
        let amend = move |state: &mut State, who: &str| {
            let lane = state.stored.lanes.get(&(batch.id.campaign, batch.id.lane));
            if !blind && lane.is_none_or(|lane| lane.plan.rev != plan_rev) {
                state.note(who, || format!("batch {}: refused, the lane is lost", batch.id));
                return Conditional::Rejected(state.stored.batches.get(&batch.id).cloned());
            }
            let written = write(state, who, &batch, false);
            if written == Conditional::Applied {
                add(state, &batch, &count);
            }
            written
        };
        self.call(Store, "write a batch of a held lane", amend).await
    }

    async fn write_plan(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
    ) -> Result<Conditional<LanePlan>, PortError> {
        let plan = plan.clone();
        self.call(Store, "write a plan", move |state, who| write_plan(state, who, campaign, &plan)).await
    }

    async fn write_page(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
        batches: &[Batch],
    ) -> Result<Conditional<LanePlan>, PortError> {
        let (plan, batches) = (plan.clone(), batches.to_vec());
        let write = move |state: &mut State, who: &str| {
            let new = batches.iter().all(|batch| !state.stored.batches.contains_key(&batch.id));
            let stands = state.stored.lanes.get(&(campaign, plan.no)).map(|lane| lane.plan.clone());
            if !new {
                state.note(who, || "a page: refused, a batch of it stands".into());
                return Conditional::Rejected(stands);
            }
            let written = write_plan(state, who, campaign, &plan);
            if written == Conditional::Applied {
                state.note(who, || format!("a page of {} batches", batches.len()));
                state.stored.batches.extend(batches.into_iter().map(|batch| (batch.id, batch)));
            }
            written
        };
        self.call(Store, "write a page", write).await
    }

    async fn record_failures(&self, failures: &[Failure]) -> Result<(), PortError> {
        let failures = failures.to_vec();
        let record = move |state: &mut State, _: &str| {
            let keyed = failures.into_iter().map(|failure| ((failure.campaign, failure.subscriber), failure));
            state.stored.failures.extend(keyed);
        };
        self.call(Store, "record failures", record).await
    }
}

/// Puts a batch where the revision before it stands.
fn write(state: &mut State, who: &str, batch: &Batch, blind: bool) -> Conditional<Batch> {
    let stands = state.stored.batches.get(&batch.id);
    if !blind && !stands.is_some_and(|stands| batch.follows(stands)) {
        let stands = stands.cloned();
        let rev = stands.as_ref().map_or(0, |stands| stands.rev);
        state.note(who, || format!("batch {} r{}: refused, r{rev} stands", batch.id, batch.rev));
        return Conditional::Rejected(stands);
    }
    let ends = stands.map_or_else(Vec::new, |stands| Changed::between(stands, batch, who, state.now_ns));
    state.witness.changes.extend(ends);
    state.note(who, || describe(batch));
    state.stored.batches.insert(batch.id, batch.clone());
    Conditional::Applied
}

/// How writes that count are broken on purpose.
#[derive(Clone, Copy)]
struct Broken {
    blind: bool,
    uncounted: bool,
}

impl Broken {
    fn of(process: &Process) -> Self {
        let is_broken = |by| process.world.scenario.is_broken(by);
        Self {
            blind: is_broken(Sabotage::BlindBatchWrites),
            uncounted: is_broken(Sabotage::UncountedBatches),
        }
    }
}

fn write_and_count(
    state: &mut State,
    who: &str,
    batch: &Batch,
    count: &LaneCount,
    broken: Broken,
) -> Conditional<Batch> {
    let written = write(state, who, batch, broken.blind);
    if written == Conditional::Applied && !broken.uncounted {
        add(state, batch, count);
    }
    written
}

fn add(state: &mut State, batch: &Batch, count: &LaneCount) {
    if let Some(lane) = state.stored.lanes.get_mut(&(batch.id.campaign, batch.id.lane)) {
        lane.count(count);
        state.witness.moves_ns.push(state.now_ns);
    }
}

fn write_plan(state: &mut State, who: &str, campaign: CampaignId, plan: &LanePlan) -> Conditional<LanePlan> {
    let Some(lane) = state.stored.lanes.get_mut(&(campaign, plan.no)) else {
        return Conditional::Rejected(None);
    };
    if lane.plan.rev + 1 != plan.rev {
        let stands = lane.plan.clone();
        state.note(who, || format!("plan {} r{}: refused, r{} stands", plan.no, plan.rev, stands.rev));
        return Conditional::Rejected(Some(stands));
    }
    lane.plan = plan.clone();
    let sealed = if plan.sealed { ", sealed" } else { "" };
    state.note(who, || {
        format!("plan {} r{}: {} of {} enqueued{sealed}", plan.no, plan.rev, plan.enqueued, plan.created)
    });
    Conditional::Applied
}

/// A batch in one line: a letter per recipient.
pub(super) fn describe(batch: &Batch) -> String {
    let letter = |state: RecipientState| match state {
        RecipientState::Pending => '.',
        RecipientState::Preparing => 'p',
        RecipientState::Submitting => 's',
        RecipientState::Accepted => 'A',
        RecipientState::InDoubt => '?',
        RecipientState::Failed(_) => 'F',
        RecipientState::Skipped(_) => 'X',
    };
    let states: String = batch.entries.iter().map(|entry| letter(entry.state)).collect();
    let (id, rev, phase, token, stalls) =
        (batch.id, batch.rev, batch.phase.name(), batch.token, batch.stalls);
    format!("batch {id} r{rev} {phase}#{token} stalls {stalls}: {states}")
}
