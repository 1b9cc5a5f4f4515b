//! The lane item: the plan, which fan-out sets, and the counters, which ending batches add to.
//!
//! Counters are one attribute for each state, named `n` and its code, so that adding to them needs no
//! knowledge of what else is counted.

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{
    BatchId, CampaignId, Epoch, Holder, Lane, LaneCount, LaneNo, LanePlan, RecipientState, Shard,
    SubscriberId, Tally, Timestamp,
};

use crate::attributes::{Builder, Item, Reader, flag, number};
use crate::error::DecodeError;
use crate::keys::{self, LANE};
use crate::write::{Table, Write};

/// Name of the attribute that holds the plan's revision.
pub(crate) const REV: &str = "rev";
/// Name of the attribute that says whether the last page was written.
pub(crate) const SEALED: &str = "sealed";
/// Name of the attribute that counts the batches in the ledger.
pub(crate) const CREATED: &str = "created";
/// Name of the attribute that counts the batches that were delivered in this run.
pub(crate) const ENQUEUED: &str = "enqueued";
/// Name of the attribute that holds the run.
pub(crate) const EPOCH: &str = "epoch";
/// Name of the attribute that says when something was last counted.
const MOVED_AT: &str = "moved_at";
/// Name of the attribute that counts the batches that are done.
pub(crate) const DONE: &str = "done";
/// Name of the attribute that says how many batches are done when the last one ends. It follows from the plan, and
/// is there once the lane is fanned out: conditions cannot reckon.
pub(crate) const LAST_AT: &str = "last_at";

pub(crate) fn encode(campaign: CampaignId, plan: &LanePlan) -> Item {
    let item = Builder::new(keys::lane(campaign, plan.no)).with(DONE, number(0)).with(MOVED_AT, number(0));
    attributes(plan).into_iter().fold(item, |item, (name, value)| item.with_some(name, value)).build()
}

/// The plan, without a key, as names and values; what is `None` is not to be there.
fn attributes(plan: &LanePlan) -> [(&'static str, Option<AttributeValue>); 14] {
    [
        (REV, Some(number(plan.rev))),
        ("first", Some(number(plan.shards.0))),
        ("last", Some(number(plan.shards.1))),
        (EPOCH, Some(number(plan.epoch))),
        ("cursor", plan.cursor.map(number)),
        (SEALED, Some(flag(plan.sealed))),
        (CREATED, Some(number(plan.created))),
        (ENQUEUED, Some(number(plan.enqueued))),
        (LAST_AT, plan.last_at().map(number)),
        ("low", Some(number(plan.low))),
        ("recipients", Some(number(plan.recipients))),
        ("holder", plan.holder.map(number)),
        ("until", Some(number(plan.until))),
        ("rewound_at", Some(number(plan.rewound_at))),
    ]
}

/// Writes the plan over the one before it, and leaves the counters alone.
pub(crate) fn replan(campaign: CampaignId, plan: &LanePlan) -> Write {
    let write = Write::update(Table::Campaigns, keys::lane(campaign, plan.no));
    attributes(plan)
        .into_iter()
        .fold(write, |write, (name, value)| write.set_or_remove(name, value))
        .if_follows(REV, plan.rev)
}

/// Adds to the counters, and leaves the plan alone.
pub(crate) fn count(batch: BatchId, count: &LaneCount) -> Write {
    let write = Write::update(Table::Campaigns, keys::lane(batch.campaign, batch.lane)).if_present();
    let write = write.set(MOVED_AT, number(count.at));
    let write = if count.done == 0 { write } else { write.add(DONE, count.done) };
    count.states.iter().fold(write, |write, (state, by)| write.add(&counter(*state), by))
}

pub(crate) fn decode(item: &Item) -> Result<Lane, DecodeError> {
    let reader = Reader(item);
    let mut tally = Tally::default();
    for state in RecipientState::ALL.into_iter().filter(|state| state.is_terminal()) {
        tally.add(state, reader.optional_number(&counter(state))?.unwrap_or_default());
    }
    let moved_at = Timestamp(reader.number(MOVED_AT)?);
    Ok(Lane { plan: decode_plan(item)?, done: reader.number(DONE)?, tally, moved_at })
}

pub(crate) fn decode_plan(item: &Item) -> Result<LanePlan, DecodeError> {
    let reader = Reader(item);
    Ok(LanePlan {
        no: LaneNo(reader.digits(keys::SK, LANE)?),
        shards: (Shard(reader.number("first")?), Shard(reader.number("last")?)),
        rev: reader.number(REV)?,
        epoch: Epoch(reader.number(EPOCH)?),
        cursor: cursor(reader)?,
        sealed: reader.flag(SEALED)?,
        created: reader.number(CREATED)?,
        enqueued: reader.number(ENQUEUED)?,
        low: reader.number("low")?,
        recipients: reader.number("recipients")?,
        holder: reader.optional_number("holder")?.map(Holder),
        until: Timestamp(reader.number("until")?),
        rewound_at: Timestamp(reader.number("rewound_at")?),
    })
}

fn cursor(reader: Reader<'_>) -> Result<Option<SubscriberId>, DecodeError> {
    let id = |id| SubscriberId::from_number(id).ok_or_else(|| reader.malformed("cursor", "subscriber id"));
    reader.optional_number("cursor")?.map(id).transpose()
}

fn counter(state: RecipientState) -> String {
    format!("n{}", state.code())
}
