//! API tokens: who may use the HTTP API, and how that is told without keeping what opens the door.
//!
//! As in listmonk, whoever uses the API names itself and shows a token: `Authorization: token name:token`. A token is
//! 256 random bits, drawn by whoever makes it (this crate has no randomness), and is shown once. What is stored is its
//! SHA-256. A slow hash, as passwords need it, would protect nothing here: it makes guessing expensive where people
//! choose, and of 2^256 equally likely tokens none is guessed, however fast the hash is. A fast one can be computed for
//! every request.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What every token begins with, so that people, and programs that search for lost secrets, know one when they see it.
const PREFIX: &str = "fanmail_";

/// Random bytes in a token.
pub const TOKEN_BYTES: usize = 32;

/// The shortest and the longest name, in characters: listmonk wants 3 at least, a line of the journal some end.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=64;

/// Names that stand in the journal for a part of fanmail, or for a person without a name.
const TAKEN: [&str; 8] = ["user", "api", "sender", "start", "sweeper", "feedback", "provider", "fanmail"];

/// The name of whoever uses a token: listmonk's names of API users, without `@`, for it stands in the journal and in
/// logs, where no address has a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName(String);

/// What cannot be the name of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is too short, too long, or has other characters.
    #[error(
        "a name has {} to {} characters: letters without accents, digits, dots, - or _",
        NAME_LENGTH.start(),
        NAME_LENGTH.end()
    )]
    Form,
    /// The journal uses it for something else.
    #[error("the journal uses this name for a part of fanmail itself")]
    Taken,
}

impl TokenName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if !NAME_LENGTH.contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(NameError::Form);
        }
        if TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(text)) {
            return Err(NameError::Taken);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

impl ApiToken {
    /// The token of these random bytes: `fanmail_`, and each byte as two hexadecimal digits.
    #[must_use]
    pub fn from_bytes(random: [u8; TOKEN_BYTES]) -> Self {
        let nibbles = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = nibbles.map(|nibble| char::from(HEX[usize::from(nibble)]));
        Self(PREFIX.chars().chain(digits).collect())
    }

    /// What somebody shows; `None` if it has not the form of a token, so that nobody need look any further.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let fits = digits.len() == 2 * TOKEN_BYTES && digits.bytes().all(|digit| HEX.contains(&digit));
        fits.then(|| Self(text.to_owned()))
    }

    /// The token itself: to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

/// The SHA-256 of a token: it tells the token from others, and does not tell the token.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// A hash as it was stored; `None` if it has another length.
    #[must_use]
    pub fn from_slice(stored: &[u8]) -> Option<Self> {
        stored.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the hash of this token.
    #[must_use]
    pub fn matches(&self, token: &ApiToken) -> bool {
        *self == token.hash()
    }
}

/// All of both hashes is always compared: how long it takes does not tell how much of them is equal.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        pairs.fold(0, |difference, (left, right)| difference | (left ^ right)) == 0
    }
}

impl Eq for TokenHash {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_no_other_is() {
        let token = ApiToken::from_bytes([7; TOKEN_BYTES]);
        let hash = token.hash();
        assert!(hash.matches(&token));
        for at in 0..TOKEN_BYTES {
            let mut other = [7; TOKEN_BYTES];
            other[at] ^= 1;
            assert!(!hash.matches(&ApiToken::from_bytes(other)), "byte {at} makes no difference");
        }
    }

    #[test]
    fn every_byte_of_a_hash_is_compared() {
        let token = ApiToken::from_bytes([7; TOKEN_BYTES]);
        for at in 0..32 {
            let mut stored = *token.hash().as_bytes();
            stored[at] ^= 0x80;
            assert!(!TokenHash(stored).matches(&token), "byte {at} makes no difference");
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_shown_and_nothing_else_is_one() {
        let token = ApiToken::from_bytes([0xa5; TOKEN_BYTES]);
        assert_eq!(token.reveal(), format!("fanmail_{}", "a5".repeat(32)));
        assert_eq!(ApiToken::parse(token.reveal()), Some(token.clone()));
        let digits = "a5".repeat(32);
        for wrong in ["", "fanmail_", &digits, &format!("fanmail_{digits}0"), &token.reveal().to_uppercase()]
        {
            assert_eq!(ApiToken::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn neither_token_nor_its_half_is_in_what_is_logged() {
        let token = ApiToken::from_bytes([0xa5; TOKEN_BYTES]);
        assert_eq!(format!("{token:?}"), "ApiToken(…)");
        assert!(TokenHash::from_slice(&[0; 31]).is_none());
    }

    #[test]
    fn names_are_listmonks_and_never_an_address_or_a_part_of_fanmail() {
        for name in ["abc", "ci-2.deploy_EU", &"x".repeat(64)] {
            assert_eq!(name.parse::<TokenName>().unwrap().as_str(), name);
        }
        for name in ["", "ab", "a b", "ann@example.org", "ünal", "a:b", &"x".repeat(65)] {
            assert_eq!(name.parse::<TokenName>(), Err(NameError::Form), "{name}");
        }
        for name in ["user", "sweeper", "Provider"] {
            assert_eq!(name.parse::<TokenName>(), Err(NameError::Taken), "{name}");
        }
    }
}
