//! Finding one recipient in the ledger without reading all of it.
//!
//! An id says its lane: lanes share the shards, and the shard is an id's top bits. Within a lane, fan-out
//! plans in the order of ids, so batches follow each other by id and each of them is sorted. A binary search
//! over the batches' numbers reads one batch per step: at most 11 for a lane of 2,000 batches.
//!
//! The lane is read before its batches, so whoever is not found is judged by a plan that is at most as far as
//! the ledger: behind the cursor of a lane that is not sealed, the answer is "not yet" and never "no".

use std::cmp::Ordering;
use std::ops::Range;

use fanmail_domain::batch::Entry;
use fanmail_domain::{Batch, BatchId, Campaign, CampaignId, LaneNo, LanePlan, SubscriberId};

use crate::ports::{Campaigns, Ledger, PortError};

/// One recipient, where the ledger has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The batch as it stands.
    pub batch: Batch,
    /// Index into its entries.
    pub position: usize,
    /// The entry there.
    pub entry: Entry,
}

/// Where somebody is in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Here.
    Here(Box<Place>),
    /// Nowhere yet: the part of the audience they would be in is still to be planned.
    NotPlannedYet,
    /// Nowhere: they are no recipient of this campaign.
    Nowhere,
}

/// Looks for somebody among the recipients of a campaign.
///
/// # Errors
///
/// [`PortError`] if the store does not answer.
pub async fn find_recipient(
    store: &(impl Campaigns + Ledger),
    campaign: &Campaign,
    id: SubscriberId,
) -> Result<Whereabouts, PortError> {
    let Some(no) = lane_of(id, campaign.lanes) else { return Ok(Whereabouts::NotPlannedYet) };
    let Some(lane) = store.lane(campaign.id, no).await? else { return Ok(Whereabouts::NotPlannedYet) };
    let plan = lane.plan;
    if let Some(place) = search(store, campaign.id, no, plan.created, id).await? {
        return Ok(Whereabouts::Here(Box::new(place)));
    }
    let passed = plan.sealed || plan.cursor.is_some_and(|cursor| id <= cursor);
    Ok(if passed { Whereabouts::Nowhere } else { Whereabouts::NotPlannedYet })
}

/// The lane whose share of the shards has this id; `None` before the lanes are planned.
fn lane_of(id: SubscriberId, lanes: u8) -> Option<LaneNo> {
    (0..lanes).map(LaneNo).find(|no| {
        let (first, last) = LanePlan::share(*no, lanes);
        (first..=last).contains(&id.shard())
    })
}

/// The binary search over the batches `0..created` of one lane.
async fn search(
    store: &impl Ledger,
    campaign: CampaignId,
    lane: LaneNo,
    created: u32,
    id: SubscriberId,
) -> Result<Option<Place>, PortError> {
    let (mut low, mut high) = (0, created);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some(batch) = first_of(store, campaign, lane, middle..high).await? else {
            high = middle;
            continue;
        };
        match side_of(id, &batch) {
            Ordering::Less => high = middle,
            Ordering::Greater => low = batch.id.seq + 1,
            Ordering::Equal => return Ok(place_in(batch, id)),
        }
    }
    Ok(None)
}

/// The first of these batches that is there. All are, unless the ledger is damaged: then the search steps
/// over the hole, and whoever was not in it is still found.
async fn first_of(
    store: &impl Ledger,
    campaign: CampaignId,
    lane: LaneNo,
    numbers: Range<u32>,
) -> Result<Option<Batch>, PortError> {
    for seq in numbers {
        let batch = store.batch(BatchId { campaign, lane, seq }).await?;
        if let Some(batch) = batch.filter(|batch| !batch.entries.is_empty()) {
            return Ok(Some(batch));
        }
    }
    Ok(None)
}

/// Whether an id lies before a batch, behind it, or between its first and last.
fn side_of(id: SubscriberId, batch: &Batch) -> Ordering {
    let ids = || batch.entries.iter().map(|entry| entry.subscriber);
    match (ids().next(), ids().next_back()) {
        (Some(first), _) if id < first => Ordering::Less,
        (_, Some(last)) if id > last => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn place_in(batch: Batch, id: SubscriberId) -> Option<Place> {
    let position = batch.entries.binary_search_by_key(&id, |entry| entry.subscriber).ok()?;
    let entry = *batch.entries.get(position)?;
    Some(Place { batch, position, entry })
}
