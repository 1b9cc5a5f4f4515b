//! Subscriber ids in items: as sort keys, and in binaries, seven bytes each, big endian, for an id has 53 bits.

use fanmail_domain::SubscriberId;

use crate::attributes::Reader;
use crate::error::DecodeError;
use crate::keys;

/// Bytes of one subscriber id.
pub(crate) const ID_BYTES: usize = 7;

pub(crate) fn to_bytes(id: SubscriberId) -> [u8; ID_BYTES] {
    let [_, rest @ ..] = id.number().to_be_bytes();
    rest
}

/// The id that is the item's sort key ([`keys::subscriber_place`]).
pub(crate) fn at_place(reader: Reader<'_>) -> Result<SubscriberId, DecodeError> {
    let id = SubscriberId::from_number(reader.digits(keys::SK, "")?);
    id.ok_or_else(|| reader.malformed(keys::SK, "subscriber id"))
}

/// The ids in the binary `name`, in order.
pub(crate) fn from_bytes(reader: Reader<'_>, name: &str) -> Result<Vec<SubscriberId>, DecodeError> {
    let bytes = reader.bytes(name)?;
    let id = |bytes: &[u8]| {
        let number = bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        SubscriberId::from_number(number)
    };
    let whole = bytes.len().is_multiple_of(ID_BYTES);
    let ids = bytes.chunks_exact(ID_BYTES).map(id).collect::<Option<Vec<_>>>();
    ids.filter(|_| whole).ok_or_else(|| reader.malformed(name, "binary of subscriber ids"))
}
