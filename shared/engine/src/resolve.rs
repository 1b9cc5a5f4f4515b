//! Resolving doubt: an operator takes recipients in doubt for accepted.
//!
//! Only batches that nobody holds are touched, each in one transaction with its lane's counters, so it may be
//! asked for at any time and any number of times. To send to them again instead is a retry
//! ([`crate::control::retry`]) of the class `in_doubt`.

use std::collections::BTreeSet;

use fanmail_domain::{
    Batch, BatchEvent, CampaignId, LaneCount, LaneNo, RecipientState, SubscriberId, Timestamp,
};

use crate::commit::{commit, retry};
use crate::ports::{Campaigns, Clock, JournalEntry, Ledger, PortError};

/// What was resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Recipients that count as accepted now.
    pub resolved: u64,
    /// Recipients that were meant, and are in a batch that somebody holds or that changed meanwhile.
    pub left: u64,
}

/// Who is meant, who says so, and why.
#[derive(Debug, Clone, Copy)]
pub struct Resolution<'a> {
    /// In which campaign.
    pub campaign: CampaignId,
    /// Only these recipients, unless it is empty.
    pub only: &'a BTreeSet<SubscriberId>,
    /// Who says so: as in [`JournalEntry::actor`].
    pub actor: &'a str,
    /// Why, in words without personal data; may be empty.
    pub note: &'a str,
    /// Until when there has to be an answer.
    pub until: Timestamp,
}

/// Takes recipients in doubt for accepted.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the end; what was resolved until then stands.
pub async fn assume_accepted(
    store: &(impl Campaigns + Ledger),
    clock: &impl Clock,
    resolution: &Resolution<'_>,
) -> Result<Resolved, PortError> {
    let Resolution { campaign, until, .. } = *resolution;
    let mut sum = Resolved::default();
    for lane in retry(clock, until, || store.lanes(campaign)).await? {
        // What is in doubt in a batch under way may not be counted yet, and is left to the next time.
        if lane.tally.named(RecipientState::InDoubt.name()) > 0 {
            resolve_lane(store, clock, resolution, (lane.plan.no, lane.plan.created), &mut sum).await?;
        }
    }
    if sum.resolved > 0 {
        journal(store, clock, resolution, sum.resolved).await?;
    }
    Ok(sum)
}

async fn resolve_lane(
    store: &impl Ledger,
    clock: &impl Clock,
    resolution: &Resolution<'_>,
    (lane, created): (LaneNo, u32),
    sum: &mut Resolved,
) -> Result<(), PortError> {
    let mut next = 0;
    while next < created {
        let read = || store.batches(resolution.campaign, lane, next);
        let batches = retry(clock, resolution.until, read).await?;
        let Some(last) = batches.last() else { break };
        next = last.id.seq + 1;
        for batch in batches {
            let positions = meant(&batch, resolution.only);
            let count = positions.len() as u64;
            if count > 0 && resolve_batch(store, clock, resolution.until, batch, &positions).await? {
                sum.resolved += count;
            } else {
                sum.left += count;
            }
        }
    }
    Ok(())
}

fn meant(batch: &Batch, only: &BTreeSet<SubscriberId>) -> Vec<usize> {
    let entries = batch.entries.iter().enumerate();
    let meant = entries.filter(|(_, entry)| {
        entry.state == RecipientState::InDoubt && (only.is_empty() || only.contains(&entry.subscriber))
    });
    meant.map(|(position, _)| position).collect()
}

async fn resolve_batch(
    store: &impl Ledger,
    clock: &impl Clock,
    until: Timestamp,
    before: Batch,
    positions: &[usize],
) -> Result<bool, PortError> {
    let Ok(after) = before.clone().apply(&BatchEvent::Assumed { positions }) else { return Ok(false) };
    let now = clock.now();
    let (count, after) = (LaneCount::between(&before, &after, now), after.revised(now));
    Ok(commit(clock, until, &after, || store.count_batch(&after, &count)).await?.stands())
}

async fn journal(
    store: &impl Campaigns,
    clock: &impl Clock,
    resolution: &Resolution<'_>,
    resolved: u64,
) -> Result<(), PortError> {
    let at = clock.now();
    let why = if resolution.note.is_empty() { String::new() } else { format!(": {}", resolution.note) };
    let entry = JournalEntry {
        campaign: resolution.campaign,
        at,
        key: "assume-accepted".to_owned(),
        actor: resolution.actor.to_owned().into(),
        text: format!("{resolved} in doubt are taken for accepted{why}"),
    };
    retry(clock, resolution.until, || store.journal(&entry)).await
}
