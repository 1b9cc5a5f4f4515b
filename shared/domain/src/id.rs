//! Typed ids. A wrong id does not compile in code and does not parse at the edge.
//!
//! Campaigns and lists count up from a counter. Subscribers are derived from their address, so that importing
//! twice, or meeting the same person in two files, leads to the same row. Batches are named by their place in
//! the plan: planning the same campaign twice yields the same ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::EmailAddress;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number_id!(
    /// Identifies one campaign; counts up from 1.
    CampaignId(u64)
);
number_id!(
    /// Identifies one list; counts up from 1.
    ListId(u64)
);
number_id!(
    /// Number of a lane within its campaign, 0 to 63.
    LaneNo(u8)
);
number_id!(
    /// One run of a campaign. Every transition into running adds 1, and a task of an older epoch is void.
    Epoch(u32)
);
number_id!(
    /// Grows with every lease of a batch; what an older token wants to write is refused.
    FencingToken(u32)
);
number_id!(
    /// Who holds a lease: unique per invocation, so that a repeat of our own write is recognised.
    Holder(u64)
);
number_id!(
    /// One of the 64 slices of the id space by which memberships are stored, 0 to 63.
    Shard(u8)
);

impl Epoch {
    /// The epoch after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl FencingToken {
    /// The token of the next lease.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Identifies one batch: a fixed slice of a campaign's recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId {
    /// The campaign it belongs to.
    pub campaign: CampaignId,
    /// The lane that planned it.
    pub lane: LaneNo,
    /// Its place in the lane, from 0.
    pub seq: u32,
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.campaign, self.lane, self.seq)
    }
}

/// Identifies one subscriber: 53 bits of SHA-256 over the normalised address, so that it is a safe integer in
/// JSON (RFC 8259, section 6) and eight bytes in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriberId(u64);

const ID_BITS: u32 = 53;

impl SubscriberId {
    /// The largest id there is.
    pub const MAX: Self = Self((1 << ID_BITS) - 1);

    /// What [`Self::to_bytes`] needs: 53 bits.
    pub const BYTES: usize = 7;

    /// The `salt`-th candidate for `address`. Candidate 0 is the id unless another address came first and
    /// took it: then the store tries 1, 2 and so on.
    #[must_use]
    pub fn derive(address: &EmailAddress, salt: u32) -> Self {
        let mut hash = Sha256::new();
        hash.update(address.expose().as_bytes());
        if salt > 0 {
            hash.update([0]);
            hash.update(salt.to_be_bytes());
        }
        let digest = hash.finalize();
        let head = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        Self(head >> (64 - ID_BITS))
    }

    /// The id with this number, if the number is one that an id can have.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        (number <= Self::MAX.0).then_some(Self(number))
    }

    /// The id as a number, at most 2^53 - 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The id in as few bytes as any takes, big endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let [_, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    /// The ids that stand in these bytes one behind the other, as [`Self::to_bytes`] writes them; `None` if there is
    /// anything else.
    #[must_use]
    pub fn all_from_bytes(bytes: &[u8]) -> Option<Vec<Self>> {
        let id = |bytes: &[u8]| {
            Self::from_number(bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)))
        };
        let is_whole = bytes.len().is_multiple_of(Self::BYTES);
        bytes.chunks_exact(Self::BYTES).map(id).collect::<Option<Vec<_>>>().filter(|_| is_whole)
    }

    /// The largest id that lies in this shard.
    #[must_use]
    pub fn last_of(shard: Shard) -> Self {
        Self(((u64::from(shard.0) + 1) << (ID_BITS - 6)) - 1)
    }

    /// The shard this id lies in: its top six bits. Ordering by id is therefore ordering by shard first.
    #[must_use]
    pub fn shard(self) -> Shard {
        Shard(u8::try_from(self.0 >> (ID_BITS - 6)).unwrap_or(Shard::LAST.0))
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Shard {
    /// How many shards there are.
    pub const COUNT: u8 = 64;
    /// The last of them.
    pub const LAST: Self = Self(Self::COUNT - 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn spellings_of_one_address_have_one_id() {
        let ids = ["ann@example.org", " Ann@Example.ORG ", "ANN@EXAMPLE.org"]
            .map(|text| SubscriberId::derive(&address(text), 0));
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    #[test]
    fn an_id_never_changes_between_versions() {
        // Stored ids outlive the code: first 53 bits of SHA-256("ann@example.org").
        assert_eq!(SubscriberId::derive(&address("ann@example.org"), 0).number(), 2_376_635_443_563_521);
    }

    #[test]
    fn a_salt_leads_elsewhere() {
        let one = address("ann@example.org");
        assert_ne!(SubscriberId::derive(&one, 0), SubscriberId::derive(&one, 1));
        assert_ne!(SubscriberId::derive(&one, 1), SubscriberId::derive(&one, 2));
    }

    proptest! {
        #[test]
        fn ids_are_safe_integers_and_order_by_shard_first(a in "[a-z]{1,12}", b in "[a-z]{1,12}") {
            let a = SubscriberId::derive(&address(&format!("{a}@example.org")), 0);
            let b = SubscriberId::derive(&address(&format!("{b}@example.org")), 0);
            prop_assert!(a <= SubscriberId::MAX && a.shard() <= Shard::LAST);
            prop_assert!(a > b || a.shard() <= b.shard());
            prop_assert_eq!(SubscriberId::from_number(a.number()), Some(a));
            let bytes = [a.to_bytes(), b.to_bytes()].concat();
            prop_assert_eq!(SubscriberId::all_from_bytes(&bytes), Some(vec![a, b]));
            prop_assert_eq!(SubscriberId::all_from_bytes(&bytes[1..]), None);
        }
    }

    #[test]
    fn the_last_id_of_a_shard_is_the_one_before_the_next() {
        assert_eq!(SubscriberId::last_of(Shard::LAST), SubscriberId::MAX);
        let last = SubscriberId::last_of(Shard(6));
        let next = SubscriberId::from_number(last.number() + 1).unwrap();
        assert_eq!((last.shard(), next.shard()), (Shard(6), Shard(7)));
    }

    #[test]
    fn a_number_beyond_53_bits_is_no_id() {
        assert_eq!(SubscriberId::from_number(1 << 53), None);
        assert_eq!(SubscriberId::all_from_bytes(&[0xff; SubscriberId::BYTES]), None);
    }
}
