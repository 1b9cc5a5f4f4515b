//! The batch item: at most 1,024 bytes with 100 recipients, so that each write costs one unit.
//!
//! Attribute names have one letter; ids, states and attempts are one binary each: seven bytes for an id, one
//! for its state, whose top bit says that the lane's counters contain it, and one for its attempts.

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::batch::Entry;
use fanmail_domain::{
    Batch, BatchId, CampaignId, Epoch, FencingToken, Holder, LaneNo, Phase, RecipientState, Timestamp,
};

use crate::attributes::{Builder, Item, Reader, bytes, number};
use crate::error::DecodeError;
use crate::items::ids;
use crate::keys;

/// Name of the attribute that holds the recipients' ids.
pub(crate) const IDS: &str = "i";
const STATES: &str = "s";
const ATTEMPTS: &str = "a";
const REOPENED: &str = "e";
const CHANGED_AT: &str = "c";
/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "r";
const PHASE: &str = "p";
const TOKEN: &str = "t";
const STALLS: &str = "x";
const HOLDER: &str = "h";
const UNTIL: &str = "u";

const QUEUED: u8 = 0;
const LEASED: u8 = 1;
const DONE: u8 = 2;

/// Set in a state's byte once the lane's counters contain it.
const COUNTED: u8 = 0x80;

pub(crate) fn encode(batch: &Batch) -> Item {
    let (phase, lease) = match batch.phase {
        Phase::Queued => (QUEUED, None),
        Phase::Leased { holder, until } => (LEASED, Some((holder, until))),
        Phase::Done => (DONE, None),
    };
    let attempts = batch.entries.iter().map(|entry| entry.attempts);
    let states =
        batch.entries.iter().map(|entry| entry.state.code() | if entry.counted { COUNTED } else { 0 });
    Builder::new(keys::batch(batch.id))
        .with(REV, number(batch.rev))
        .with(PHASE, number(phase))
        .with(TOKEN, number(batch.token))
        .with(STALLS, number(batch.stalls))
        .with_some(HOLDER, lease.map(|(holder, _)| number(holder)))
        .with_some(UNTIL, lease.map(|(_, until)| number(until)))
        .with_some(REOPENED, (batch.reopened > Epoch(0)).then(|| number(batch.reopened)))
        .with(CHANGED_AT, number(batch.changed_at))
        .with(IDS, recipients(batch))
        .with(STATES, bytes(states.collect()))
        .with(ATTEMPTS, bytes(attempts.collect()))
        .build()
}

/// Who is in the batch, as the item has them.
pub(crate) fn recipients(batch: &Batch) -> AttributeValue {
    bytes(batch.entries.iter().flat_map(|entry| entry.subscriber.to_bytes()).collect())
}

pub(crate) fn decode(item: &Item) -> Result<Batch, DecodeError> {
    let reader = Reader(item);
    let phase = match reader.number::<u8>(PHASE)? {
        QUEUED => Phase::Queued,
        LEASED => {
            Phase::Leased { holder: Holder(reader.number(HOLDER)?), until: Timestamp(reader.number(UNTIL)?) }
        }
        DONE => Phase::Done,
        _ => return Err(reader.malformed(PHASE, "phase of a batch")),
    };
    Ok(Batch {
        id: id(reader)?,
        rev: reader.number(REV)?,
        phase,
        token: FencingToken(reader.number(TOKEN)?),
        stalls: reader.number(STALLS)?,
        reopened: Epoch(reader.optional_number(REOPENED)?.unwrap_or_default()),
        changed_at: Timestamp(reader.number(CHANGED_AT)?),
        entries: entries(reader)?,
    })
}

fn id(reader: Reader<'_>) -> Result<BatchId, DecodeError> {
    let parts = reader.text(keys::PK)?.strip_prefix("C#").and_then(|rest| rest.split_once("#L"));
    let (campaign, lane) = parts.ok_or_else(|| reader.malformed(keys::PK, "partition of batches"))?;
    Ok(BatchId {
        campaign: CampaignId(reader.parse(keys::PK, campaign)?),
        lane: LaneNo(reader.parse(keys::PK, lane)?),
        seq: reader.digits(keys::SK, "")?,
    })
}

fn entries(reader: Reader<'_>) -> Result<Vec<Entry>, DecodeError> {
    let (ids, states, attempts) =
        (ids::from_bytes(reader, IDS)?, reader.bytes(STATES)?, reader.bytes(ATTEMPTS)?);
    if ids.len() != states.len() || ids.len() != attempts.len() {
        return Err(reader.malformed(IDS, "binary of an id for each state and its attempts"));
    }
    let entry = |((subscriber, byte), attempts): ((_, &u8), &u8)| {
        let state = RecipientState::from_code(byte & !COUNTED);
        Ok(Entry {
            subscriber,
            state: state.ok_or_else(|| reader.malformed(STATES, "binary of known states"))?,
            counted: byte & COUNTED != 0,
            attempts: *attempts,
        })
    };
    ids.into_iter().zip(states).zip(attempts).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Size of an item by DynamoDB's rules: names and texts in UTF-8, binaries in bytes, numbers in one byte
    /// for two significant digits and one more. (Developer guide, "DynamoDB item sizes and formats".)
    fn size(item: &Item) -> usize {
        let value = |value: &AttributeValue| {
            let text = value.as_s().map(String::len);
            let number = value.as_n().map(|digits| digits.len().div_ceil(2) + 1);
            let binary = value.as_b().map(|blob| blob.as_ref().len());
            text.or(number).or(binary).unwrap()
        };
        item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
    }

    fn largest() -> Batch {
        let id = BatchId { campaign: CampaignId(u64::MAX), lane: LaneNo(63), seq: u32::MAX };
        let entry = Entry {
            subscriber: fanmail_domain::SubscriberId::MAX,
            state: RecipientState::Skipped(fanmail_domain::SkipReason::Unconfirmed),
            counted: true,
            attempts: u8::MAX,
        };
        Batch {
            id,
            rev: u32::MAX,
            phase: Phase::Leased { holder: Holder(u64::MAX), until: Timestamp(u64::MAX) },
            token: FencingToken(u32::MAX),
            stalls: u8::MAX,
            reopened: Epoch(u32::MAX),
            changed_at: Timestamp(u64::MAX),
            entries: vec![entry; 100],
        }
    }

    #[test]
    fn the_largest_batch_fits_into_one_write_unit() {
        assert_eq!(fanmail_domain::settings::MAX_BATCH_SIZE, 100);
        let size = size(&encode(&largest()));
        assert!((900..=1_024).contains(&size), "{size} bytes");
    }

    #[test]
    fn damage_is_named_by_item_and_attribute() {
        let mut item = encode(&Batch::planned(largest().id, &[fanmail_domain::SubscriberId::MAX]));
        item.insert(STATES.into(), bytes(vec![0x7f]));
        assert_eq!(
            decode(&item).unwrap_err().to_string(),
            "attribute s of item C#18446744073709551615#L63/4294967295 is no binary of known states"
        );
        item.insert(STATES.into(), bytes(vec![0, 0]));
        assert!(decode(&item).is_err());
        item.insert(TOKEN.into(), number("5000000000"));
        assert!(matches!(decode(&item), Err(DecodeError::Number { .. })));
        item.remove(REV);
        assert!(matches!(decode(&item), Err(DecodeError::Missing { .. })));
    }
}
