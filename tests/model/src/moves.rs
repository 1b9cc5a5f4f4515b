//! The rules' own moves, in the words of the model.
//!
//! This is the only place that builds a state or an event of `fanmail-domain`. Time has two points: a lease
//! either runs until [`LATER`], or it has ended and then reads [`NOW`]; that a lease ends is an action. All
//! holders have one number, for no rule looks at it: tokens and revisions decide.

use fanmail_domain::{
    Batch, BatchEvent, BatchId, CampaignEvent, CampaignId, CampaignState, Change, Epoch, Holder,
    IllegalTransition, Lane, LaneEvent, LaneNo, LanePlan, Phase, RecipientEvent, StatusReason, SubscriberId,
    Tally, Timestamp,
};

type Moved<T> = Result<T, IllegalTransition>;

const NOW: Timestamp = Timestamp(0);
const LATER: Timestamp = Timestamp(1);
const HOLDER: Holder = Holder(0);
const CAMPAIGN: CampaignId = CampaignId(1);

/// A campaign that was just started.
pub(crate) fn started() -> Moved<CampaignState> {
    CampaignState::DRAFT.apply(CampaignEvent::Start)
}

pub(crate) fn paused(state: CampaignState) -> Moved<CampaignState> {
    state.apply(CampaignEvent::Pause { reason: StatusReason::User, until: None })
}

pub(crate) fn resumed(state: CampaignState) -> Moved<CampaignState> {
    state.apply(CampaignEvent::Resume)
}

pub(crate) fn finished(state: CampaignState) -> Moved<CampaignState> {
    state.apply(CampaignEvent::Finish)
}

/// A lane as the start writes it.
pub(crate) fn lane(no: u8, lanes: u8, epoch: Epoch) -> Lane {
    let shards = LanePlan::share(LaneNo(no), lanes);
    let plan = LanePlan::planned(LaneNo(no), shards, epoch, LATER);
    Lane { plan, done: 0, tally: Tally::default(), moved_at: NOW }
}

pub(crate) fn taken(plan: LanePlan, epoch: Epoch) -> Moved<LanePlan> {
    plan.apply(LaneEvent::Taken { holder: HOLDER, epoch, now: NOW, until: LATER, reopens: false })
}

pub(crate) fn planned(plan: LanePlan, page: &[Batch]) -> Moved<LanePlan> {
    let last = page.last().and_then(|batch| batch.entries.last());
    let Some(cursor) = last.map(|entry| entry.subscriber) else { return Ok(plan) };
    let recipients = page.iter().map(|batch| batch.entries.len() as u64).sum();
    let batches = u32::try_from(page.len()).unwrap_or(u32::MAX);
    plan.apply(LaneEvent::Planned { batches, recipients, cursor })
}

pub(crate) fn sealed(plan: LanePlan) -> Moved<LanePlan> {
    plan.apply(LaneEvent::Sealed)
}

pub(crate) fn enqueued(plan: LanePlan, batches: u32) -> Moved<LanePlan> {
    plan.apply(LaneEvent::Enqueued { batches })
}

pub(crate) fn given_back(plan: LanePlan) -> Moved<LanePlan> {
    plan.apply(LaneEvent::Released { now: NOW })
}

pub(crate) fn rewound(plan: LanePlan) -> Moved<LanePlan> {
    plan.apply(LaneEvent::Rewound { now: NOW })
}

pub(crate) fn is_left_behind(plan: &LanePlan, epoch: Epoch) -> bool {
    plan.is_left_behind(epoch, NOW)
}

/// Whether the lane's lease, or the grace of its start, still runs.
pub(crate) fn is_lane_leased(plan: &LanePlan) -> bool {
    plan.until > NOW
}

pub(crate) fn end_lane_lease(plan: &mut LanePlan) {
    plan.until = NOW;
}

/// A subscriber's number as an id.
pub(crate) fn subscriber(number: usize) -> SubscriberId {
    SubscriberId::from_number(number as u64).unwrap_or(SubscriberId::MAX)
}

/// A batch as fan-out plans it.
pub(crate) fn batch(lane: u8, seq: u32, subscribers: &[SubscriberId]) -> Batch {
    Batch::planned(BatchId { campaign: CAMPAIGN, lane: LaneNo(lane), seq }, subscribers)
}

pub(crate) fn leased(batch: Batch) -> Moved<Batch> {
    batch.apply(&BatchEvent::LeaseTaken { holder: HOLDER, now: NOW, until: LATER })
}

/// The holder's copy with the same change of some of its recipients.
pub(crate) fn changed(batch: Batch, positions: &[usize], event: RecipientEvent) -> Moved<Batch> {
    let changes: Vec<_> = positions.iter().map(|position| Change { position: *position, event }).collect();
    let token = batch.token;
    batch.apply(&BatchEvent::Recorded { token, changes: &changes })
}

pub(crate) fn counted(batch: Batch) -> Moved<Batch> {
    let token = batch.token;
    batch.apply(&BatchEvent::Counted { token })
}

pub(crate) fn released(batch: Batch) -> Moved<Batch> {
    let token = batch.token;
    batch.apply(&BatchEvent::Released { token })
}

pub(crate) fn done(batch: Batch) -> Moved<Batch> {
    let token = batch.token;
    batch.apply(&BatchEvent::Finished { token })
}

pub(crate) fn expired(batch: Batch) -> Moved<Batch> {
    batch.apply(&BatchEvent::LeaseExpired { now: NOW })
}

/// Whether a lease of the batch still runs.
pub(crate) fn is_batch_leased(batch: &Batch) -> bool {
    matches!(batch.phase, Phase::Leased { until, .. } if until > NOW)
}

/// Whether nobody has worked on the batch.
pub(crate) fn is_as_planned(batch: &Batch) -> bool {
    batch.phase == Phase::Queued && batch.token.0 == 0
}

/// The batch as it was planned, at the revision that stands.
pub(crate) fn planned_anew(batch: &Batch) -> Batch {
    let recipients: Vec<_> = batch.entries.iter().map(|entry| entry.subscriber).collect();
    Batch { rev: batch.rev, ..Batch::planned(batch.id, &recipients) }
}

pub(crate) fn end_batch_lease(batch: &mut Batch) {
    if let Phase::Leased { until, .. } = &mut batch.phase {
        *until = NOW;
    }
}
