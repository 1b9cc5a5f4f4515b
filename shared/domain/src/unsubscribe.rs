//! The token in every unsubscribe link (RFC 8058): derived, never stored and never rotated.
//!
//! It is an HMAC-SHA-256 (RFC 2104) over the subscriber and the campaign, cut to 128 bits. Whoever holds the
//! link can unsubscribe that one person from that campaign's lists, and do nothing else.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{CampaignId, SubscriberId};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The key that unsubscribe tokens are derived from. `Debug` does not show it.
#[derive(Clone)]
pub struct UnsubscribeKey(Vec<u8>);

/// A key that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has fewer than {} bytes", UnsubscribeKey::MIN_BYTES)]
pub struct KeyTooShort;

/// How many bytes of the HMAC stand in the link.
const TOKEN_BYTES: usize = 16;

impl UnsubscribeKey {
    /// The shortest key that is accepted, in bytes.
    pub const MIN_BYTES: usize = 16;

    /// A key made of these bytes; `None` if they are fewer than [`Self::MIN_BYTES`].
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (bytes.len() >= Self::MIN_BYTES).then_some(Self(bytes))
    }

    /// A key as it stands in a configuration.
    ///
    /// # Errors
    ///
    /// [`KeyTooShort`] if it has fewer than [`Self::MIN_BYTES`] bytes.
    pub fn parse(text: &str) -> Result<Self, KeyTooShort> {
        Self::new(text).ok_or(KeyTooShort)
    }

    /// The token of one subscriber in one campaign, in hexadecimal.
    #[must_use]
    pub fn token(&self, campaign: CampaignId, subscriber: SubscriberId) -> String {
        let digest = self.mac(campaign, subscriber).finalize().into_bytes();
        let nibbles = digest.iter().take(TOKEN_BYTES).flat_map(|byte| [byte >> 4, byte & 15]);
        nibbles.map(|nibble| char::from(HEX[usize::from(nibble)])).collect()
    }

    /// Whether `token` is the token of this subscriber in this campaign; takes the same time either way.
    #[must_use]
    pub fn verifies(&self, campaign: CampaignId, subscriber: SubscriberId, token: &str) -> bool {
        let Some(bytes) = from_hex(token) else { return false };
        bytes.len() == TOKEN_BYTES && self.mac(campaign, subscriber).verify_truncated_left(&bytes).is_ok()
    }

    fn mac(&self, campaign: CampaignId, subscriber: SubscriberId) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(&campaign.0.to_be_bytes());
        mac.update(&subscriber.number().to_be_bytes());
        mac
    }
}

impl fmt::Debug for UnsubscribeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsubscribeKey(…)")
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    Some(digits?.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> UnsubscribeKey {
        UnsubscribeKey::new(text).unwrap()
    }

    #[test]
    fn a_token_opens_one_door_only() {
        let (key, other) = (key("0123456789abcdef"), key("fedcba9876543210"));
        let (campaign, subscriber) = (CampaignId(1), SubscriberId::from_number(2).unwrap());
        let token = key.token(campaign, subscriber);
        assert!(key.verifies(campaign, subscriber, &token));
        assert!(!key.verifies(CampaignId(2), subscriber, &token));
        assert!(!key.verifies(campaign, SubscriberId::MAX, &token));
        assert!(!other.verifies(campaign, subscriber, &token));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let (key, subscriber) = (key("0123456789abcdef"), SubscriberId::MAX);
        let token = key.token(CampaignId(1), subscriber);
        for wrong in ["", "zz", "é", &token[..30], &format!("{token}00"), &token[..31]] {
            assert!(!key.verifies(CampaignId(1), subscriber, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_short_key_is_no_key() {
        assert!(UnsubscribeKey::new("0123456789abcde").is_none());
    }
}
