//! The membership item: one subscriber on one list, as fan-out reads it.

use fanmail_domain::{ListId, Timestamp};
use fanmail_engine::ports::Member;

use crate::attributes::{Builder, Item, Reader, number};
use crate::error::DecodeError;
use crate::keys;

use super::ids;

pub(crate) fn encode(list: ListId, member: Member) -> Item {
    Builder::new(keys::membership(list, member.id)).with("joined_at", number(member.joined_at)).build()
}

pub(crate) fn decode(item: &Item) -> Result<Member, DecodeError> {
    let reader = Reader(item);
    Ok(Member { id: ids::at_place(reader)?, joined_at: Timestamp(reader.number("joined_at")?) })
}
