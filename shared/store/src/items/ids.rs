//! Subscriber ids in items: as sort keys, and in binaries, one behind the other.

use fanmail_domain::SubscriberId;

use crate::attributes::Reader;
use crate::error::DecodeError;
use crate::keys;

/// The id that is the item's sort key ([`keys::subscriber_place`]).
pub(crate) fn at_place(reader: Reader<'_>) -> Result<SubscriberId, DecodeError> {
    let id = SubscriberId::from_number(reader.digits(keys::SK, "")?);
    id.ok_or_else(|| reader.malformed(keys::SK, "subscriber id"))
}

/// The ids in the binary `name`, in order.
pub(crate) fn from_bytes(reader: Reader<'_>, name: &str) -> Result<Vec<SubscriberId>, DecodeError> {
    let ids = SubscriberId::all_from_bytes(reader.bytes(name)?);
    ids.ok_or_else(|| reader.malformed(name, "binary of subscriber ids"))
}
