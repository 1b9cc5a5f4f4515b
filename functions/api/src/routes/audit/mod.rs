//! A full recount of the ledger against its counters. Every difference is named.
//!
//! Lane by lane: read the lane, all of its batches, and the lane again. Counters and the batches they count
//! change in one transaction, so if the lane is the same before and after, the recount has to agree with it to
//! the last recipient. A lane that went on in the meantime is counted again, a few times; then it is listed
//! under `moving`, and only what must never be, whatever moves, is said of it. On a campaign that is paused or
//! has ended nothing moves.

mod recount;

use fanmail_domain::{BatchId, Campaign, CampaignId, CampaignStatus, Lane, LaneNo, LanePlan};
use fanmail_engine::ports::{Campaigns, Clock, Ledger, PortError};
use fanmail_store::StoreError;
use serde_json::json;

use super::id;
use crate::handler::Call;
use crate::response::{ApiError, Reply};
use recount::Recount;

/// How often a lane that goes on is counted.
const TRIES: u32 = 3;

/// What the audit of one lane came to.
struct Audited {
    differences: Vec<String>,
    /// What must not be once the campaign is finished.
    unfinished: Option<String>,
    recipients: u64,
    moving: bool,
}

/// `GET /api/campaigns/{id}/audit`.
pub(super) async fn audit(call: &Call<'_>, campaign: &str) -> Result<Reply, ApiError> {
    let id: CampaignId = id(campaign, "campaign")?;
    let known = async || call.ports.store.campaign(id).await?.ok_or_else(|| ApiError::not_found("campaign"));
    let campaign = known().await?;
    let mut lanes = Vec::with_capacity(campaign.lanes.into());
    for no in (0..campaign.lanes).map(LaneNo) {
        lanes.push((no, lane(call, &campaign, no).await?));
    }
    let finished =
        campaign.state.status == CampaignStatus::Finished && known().await?.state == campaign.state;
    let differences = lanes
        .iter()
        .flat_map(|(_, lane)| lane.differences.iter().chain(lane.unfinished.as_ref().filter(|_| finished)));
    Ok(Reply::data(json!({
        "status": campaign.state.status.name(),
        "recipients": lanes.iter().map(|(_, lane)| lane.recipients).sum::<u64>(),
        "differences": differences.collect::<Vec<_>>(),
        "moving": lanes.iter().filter(|(_, lane)| lane.moving).map(|(no, _)| no).collect::<Vec<_>>(),
    })))
}

/// Counts one lane until it holds still meanwhile.
async fn lane(call: &Call<'_>, campaign: &Campaign, no: LaneNo) -> Result<Audited, ApiError> {
    let mut tries = 1;
    loop {
        let before = read_lane(call, campaign.id, no).await?;
        let mut recount = Recount::new(no, LanePlan::share(no, campaign.lanes));
        read_batches(call, campaign.id, &mut recount).await?;
        let moving = before != read_lane(call, campaign.id, no).await?;
        if !moving || tries == TRIES {
            return Ok(compare(no, before, recount, moving));
        }
        tries += 1;
    }
}

/// Compares a recount with the lane's item. A lane that moves cannot be compared.
fn compare(no: LaneNo, lane: Option<Result<Lane, String>>, recount: Recount, moving: bool) -> Audited {
    let (recipients, open) = (recount.recipients(), recount.open());
    let (lane, broken) = match lane {
        None => (None, Some(format!("lane {no}: its item is missing"))),
        Some(Err(why)) => (None, Some(format!("lane {no}: its item cannot be read: {why}"))),
        Some(Ok(lane)) => (Some(lane), None),
    };
    let complete = open == 0 && lane.as_ref().is_none_or(|lane| lane.is_complete(lane.plan.epoch));
    let unfinished =
        format!("lane {no}: the campaign is finished and the lane is not, {open} recipients are open");
    let mut differences = recount.end(lane.as_ref().filter(|_| !moving));
    differences.extend(broken);
    Audited { differences, unfinished: (!complete).then_some(unfinished), recipients, moving }
}

/// The lane's item, or why it cannot be read.
async fn read_lane(
    call: &Call<'_>,
    campaign: CampaignId,
    no: LaneNo,
) -> Result<Option<Result<Lane, String>>, ApiError> {
    Ok(readable(call.ports.store.lane(campaign, no).await)?.transpose())
}

async fn read_batches(call: &Call<'_>, campaign: CampaignId, recount: &mut Recount) -> Result<(), ApiError> {
    let (store, lane) = (&call.ports.store, recount.lane());
    let mut from = 0;
    loop {
        if call.ports.clock.now() >= call.until {
            return Err(ApiError::Refused(503, "the ledger is too large for one request".to_owned()));
        }
        match readable(store.batches(campaign, lane, from).await)? {
            Ok(batches) => {
                let Some(last) = batches.last() else { return Ok(()) };
                from = last.id.seq + 1;
                batches.iter().for_each(|batch| recount.add(batch));
            }
            // One of the page is damaged: one by one, up to that one.
            Err(_) => {
                let id = BatchId { campaign, lane, seq: from };
                match readable(store.batch(id).await)? {
                    Ok(batch) => batch.iter().for_each(|batch| recount.add(batch)),
                    Err(why) => recount.unreadable(id, &why),
                }
                from += 1;
            }
        }
    }
}

/// Tells an item that cannot be read, which is a finding, from a store that does not answer.
fn readable<T>(answer: Result<T, PortError>) -> Result<Result<T, String>, PortError> {
    answer.map(Ok).or_else(|error| match error.source.downcast_ref() {
        Some(StoreError::Decode(why)) => Ok(Err(why.to_string())),
        _ => Err(error),
    })
}
