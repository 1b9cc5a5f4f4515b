//! What is counted at each end of a run, so that both can be compared.
//!
//! The number of messages alone would not see one that is lost beside one that is doubled. So recipients are
//! counted too, as a sum of hashes: the same whatever the order, and the same at both ends only if each recipient
//! stands in both as often (but for a chance of 1 in 2^64).

use serde::{Deserialize, Serialize};

/// What one end has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Messages accepted.
    pub messages: u64,
    /// Their octets, as far as this end knows them.
    pub octets: u64,
    /// The sum of the hashes of their recipients, modulo 2^64.
    pub recipients: u64,
}

impl Tally {
    /// Counts one message.
    pub fn add(&mut self, recipient: u64, octets: u64) {
        self.messages += 1;
        self.octets += octets;
        self.recipients = self.recipients.wrapping_add(recipient);
    }

    /// Counts what another part of the same end has counted.
    pub fn merge(&mut self, other: Self) {
        self.messages += other.messages;
        self.octets += other.octets;
        self.recipients = self.recipients.wrapping_add(other.recipients);
    }
}

/// The hash of one address (FNV-1a of 64 bits).
#[must_use]
pub fn hash(address: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    address.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(addresses: &[&str]) -> Tally {
        let mut tally = Tally::default();
        addresses.iter().for_each(|address| tally.add(hash(address.as_bytes()), 10));
        tally
    }

    #[test]
    fn the_order_does_not_matter_and_everybody_does() {
        assert_eq!(tally(&["a@x.example", "b@x.example"]), tally(&["b@x.example", "a@x.example"]));
        assert_ne!(tally(&["a@x.example", "b@x.example"]), tally(&["a@x.example", "a@x.example"]));
        let mut merged = tally(&["a@x.example"]);
        merged.merge(tally(&["b@x.example"]));
        assert_eq!(merged, tally(&["b@x.example", "a@x.example"]));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
