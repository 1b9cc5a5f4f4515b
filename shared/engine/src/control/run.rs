//! Orders that make a campaign run: start, resume, retry.
//!
//! One transaction turns the campaign into a running one and, at the first start, creates its lanes; then one
//! task per lane is sent. A crash between the two leaves lanes that nobody works on: the sweeper sends their
//! tasks once the grace is over. Starting twice is the same start: the second one finds the campaign running.

use std::collections::BTreeSet;
use std::time::Duration;

use fanmail_domain::lane::lanes_for;
use fanmail_domain::retry::class_name;
use fanmail_domain::{
    Campaign, CampaignEvent, CampaignStatus, Epoch, IllegalTransition, Lane, LaneNo, LanePlan,
    RecipientState, Retry, SubscriberId, Timestamp,
};

use super::{Controlled, Decision, Order, With, ask, carry_out, stands_at};
use crate::ports::{Audience, Campaigns, Clock, LaneTask, PortError, Tasks};

/// How long a lane is left to its first task of a run before the sweeper takes it for lost.
pub const LANE_GRACE: Duration = Duration::from_secs(10);

/// Starts a campaign that never ran.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end. The start may have taken place: ask again.
pub async fn start(
    store: &(impl Campaigns + Audience),
    tasks: &impl Tasks,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Controlled, PortError> {
    let Some(seen) = ask(clock, order.until, || store.campaign(order.campaign)).await? else {
        return Ok(Controlled::Unknown);
    };
    let lists: Vec<_> = seen.audience.iter().map(|to| to.list).collect();
    let audience = ask(clock, order.until, || store.size(&lists)).await?;
    let decide = |before: Campaign, now| begin(before, lanes_for(audience), now);
    let started = carry_out(store, clock, order, decide).await?;
    send_lanes_of(tasks, clock, order.until, started).await
}

fn begin(before: Campaign, lanes: u8, now: Timestamp) -> Result<Decision, IllegalTransition> {
    if stands_at(&before, CampaignStatus::Running) {
        return Ok(Decision::AlreadySo);
    }
    // A missed start is paused, and goes on by being resumed.
    let event = if stands_at(&before, CampaignStatus::Paused) && before.state.epoch == Epoch(0) {
        CampaignEvent::Resume
    } else {
        CampaignEvent::Start
    };
    let state = before.state.apply(event)?;
    let after = Campaign { state, lanes, started_at: Some(now), updated_at: now, ..before };
    let text = format!("started in {lanes} lanes, epoch {}", after.state.epoch);
    let with = With::Lanes(plans(&after, now.after(LANE_GRACE)));
    Decision::change_with(after, text, with)
}

/// Lets a paused campaign go on, in a new epoch; one that missed its start is started.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end. The campaign may be running again: ask again.
pub async fn resume(
    store: &(impl Campaigns + Audience),
    tasks: &impl Tasks,
    clock: &impl Clock,
    order: &Order<'_>,
) -> Result<Controlled, PortError> {
    let lanes = ask(clock, order.until, || store.lanes(order.campaign)).await?;
    let failed_before = failed(&lanes, &BTreeSet::new());
    let decide = |before: Campaign, now| {
        if stands_at(&before, CampaignStatus::Running) {
            return Ok(Decision::AlreadySo);
        }
        let state = before.state.apply(CampaignEvent::Resume)?;
        if missed_start(&before) {
            return Err(IllegalTransition { state: "paused before its start", event: "resume" });
        }
        let text = format!("resumed, epoch {}", state.epoch);
        Decision::change(Campaign { state, failed_before, updated_at: now, ..before }, text)
    };
    let resumed = carry_out(store, clock, order, decide).await?;
    if matches!(&resumed, Controlled::Refused(stands, _) if missed_start(stands)) {
        return start(store, tasks, clock, order).await;
    }
    send_lanes_of(tasks, clock, order.until, resumed).await
}

/// Whether it is paused because nobody started it in time: it has no lanes yet.
fn missed_start(campaign: &Campaign) -> bool {
    stands_at(campaign, CampaignStatus::Paused) && campaign.state.epoch == Epoch(0)
}

/// Tries recipients again whose state is one of `states`, and only those of `only` unless it is empty.
///
/// Refused while something else is under way that it would undo: an earlier retry that was paused before it
/// took back all that it names, and the closing of a cancelled campaign, whose open recipients no retry names.
///
/// # Errors
///
/// As for [`resume`].
pub async fn retry(
    store: &impl Campaigns,
    tasks: &impl Tasks,
    clock: &impl Clock,
    order: &Order<'_>,
    states: &BTreeSet<RecipientState>,
    only: &BTreeSet<SubscriberId>,
) -> Result<Controlled, PortError> {
    let lanes = ask(clock, order.until, || store.lanes(order.campaign)).await?;
    let failed_before = failed(&lanes, states);
    let decide = |before: Campaign, now| {
        let state = before.state.apply(CampaignEvent::Retry)?;
        let retry = Retry { epoch: state.epoch, states: states.clone(), only: only.clone() };
        under_way(&before, &lanes, &retry).map_or(Ok(()), Err)?;
        let text = retry_text(&retry);
        Decision::change(
            Campaign { state, failed_before, retry: Some(retry), updated_at: now, ..before },
            text,
        )
    };
    let retried = carry_out(store, clock, order, decide).await?;
    send_lanes_of(tasks, clock, order.until, retried).await
}

fn retry_text(retry: &Retry) -> String {
    let classes: Vec<String> = retry.states.iter().map(|state| class_name(*state)).collect();
    let whom = match retry.only.len() {
        0 => "everybody who is".to_owned(),
        named => format!("of {named} named recipients whoever is"),
    };
    format!("retried, epoch {}: {whom} {}", retry.epoch, classes.join(" or "))
}

/// Recipients that failed so far, but for those that are to be tried again.
fn failed(lanes: &[Lane], but: &BTreeSet<RecipientState>) -> u64 {
    let counted = lanes.iter().flat_map(|lane| lane.tally.iter());
    let failed = counted.filter(|(state, _)| state.is_send_error() && !but.contains(state));
    failed.map(|(_, count)| count).sum()
}

/// What a retry would undo. The lanes were read before the campaign: one that is through in its run stays so.
fn under_way(before: &Campaign, lanes: &[Lane], retry: &Retry) -> Option<IllegalTransition> {
    let epoch = before.state.epoch;
    let state = if before.is_cancelled() && !lanes.iter().all(|lane| lane.is_complete(epoch)) {
        "cancelled, and not all closed yet"
    } else if before.retry.as_ref().is_some_and(|earlier| !retry.covers(earlier))
        && !lanes.iter().all(|lane| lane.plan.is_fanned_out(epoch))
    {
        "paused in the middle of another retry"
    } else {
        return None;
    };
    Some(IllegalTransition { state, event: CampaignEvent::Retry.name() })
}

pub(super) async fn send_lanes_of(
    tasks: &impl Tasks,
    clock: &impl Clock,
    until: Timestamp,
    controlled: Controlled,
) -> Result<Controlled, PortError> {
    if let Controlled::Done(campaign) = &controlled {
        send_lanes(tasks, clock, until, campaign).await?;
    }
    Ok(controlled)
}

/// Sends a task for each lane of a campaign, for its newest run.
///
/// # Errors
///
/// [`PortError`] if the queue stays silent until `until`.
pub async fn send_lanes(
    tasks: &impl Tasks,
    clock: &impl Clock,
    until: Timestamp,
    campaign: &Campaign,
) -> Result<(), PortError> {
    let lane = |no| LaneTask { campaign: campaign.id, epoch: campaign.state.epoch, lane: LaneNo(no) };
    let all: Vec<LaneTask> = (0..campaign.lanes).map(lane).collect();
    if all.is_empty() { Ok(()) } else { ask(clock, until, || tasks.send_lanes(&all, Duration::ZERO)).await }
}

fn plans(campaign: &Campaign, grace: Timestamp) -> Vec<LanePlan> {
    let plan = |no| {
        let shards = LanePlan::share(LaneNo(no), campaign.lanes);
        LanePlan::planned(LaneNo(no), shards, campaign.state.epoch, grace)
    };
    (0..campaign.lanes).map(plan).collect()
}
