//! The item of a sliding window: at most about 1 KB, so that taking shares costs one write unit.
//!
//! Grants and lines are one binary each: the time in eight bytes and the count in four, or two numbers of
//! eight, big endian.

use fanmail_domain::window::Grant;
use fanmail_domain::{CampaignId, Holder, Timestamp, WindowLog};
use fanmail_engine::ports::WindowKey;

use crate::attributes::{Builder, Item, Reader, bytes, number};
use crate::error::DecodeError;
use crate::keys;

/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "rev";
const WRITER: &str = "writer";
const GRANTS: &str = "grants";
const LINES: &str = "lines";

pub(crate) fn encode(key: WindowKey, log: &WindowLog) -> Item {
    let grant = |grant: &Grant| [&grant.at.0.to_be_bytes()[..], &grant.shares.to_be_bytes()].concat();
    let line = |(id, turn): (&CampaignId, &Timestamp)| [id.0.to_be_bytes(), turn.0.to_be_bytes()].concat();
    Builder::new(keys::window(key))
        .with(REV, number(log.rev))
        .with(WRITER, number(log.writer))
        .with(GRANTS, bytes(log.grants.iter().flat_map(grant).collect()))
        .with(LINES, bytes(log.lines.iter().flat_map(line).collect()))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<WindowLog, DecodeError> {
    let reader = Reader(item);
    let grant = |chunk: &[u8]| {
        let (at, shares) = chunk.split_at(8);
        Grant { at: Timestamp(big_endian(at)), shares: u32::try_from(big_endian(shares)).unwrap_or(u32::MAX) }
    };
    let line = |chunk: &[u8]| {
        let (id, turn) = chunk.split_at(8);
        (CampaignId(big_endian(id)), Timestamp(big_endian(turn)))
    };
    Ok(WindowLog {
        rev: reader.number(REV)?,
        writer: Holder(reader.number(WRITER)?),
        grants: chunks(reader, GRANTS, 12)?.map(grant).collect(),
        lines: chunks(reader, LINES, 16)?.map(line).collect(),
    })
}

fn chunks<'a>(
    reader: Reader<'a>,
    name: &str,
    width: usize,
) -> Result<impl Iterator<Item = &'a [u8]>, DecodeError> {
    let bytes = reader.bytes(name)?;
    if bytes.len().is_multiple_of(width) {
        Ok(bytes.chunks_exact(width))
    } else {
        Err(reader.malformed(name, "binary of whole entries"))
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}
