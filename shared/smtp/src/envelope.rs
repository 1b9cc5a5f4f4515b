//! Who a message is from and for, as the server is told (not the header lines).
//!
//! An address goes into a command line, so what would end the line or the path is refused here,
//! once, and no later code needs to think of it.

use std::fmt;

/// Longest address in octets: a path is at most 256 with its brackets (RFC 5321 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// Why a text cannot be an envelope address. Does not repeat the text: it is personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Only a sender may be empty.
    #[error("the recipient's address is empty")]
    Empty,
    /// More than 254 octets.
    #[error("an address has more than {MAX_ADDRESS} octets")]
    TooLong,
    /// White space, a control character, `<` or `>`.
    #[error("an address contains white space, a control character or an angle bracket")]
    ForbiddenCharacter,
}

/// Sender and recipient of one transaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    from: String,
    to: String,
}

impl Envelope {
    /// `from` may be empty or `<>`: the null sender, which gets no bounces (RFC 5321 4.5.5).
    ///
    /// # Errors
    ///
    /// [`AddressError`] when an address could not stand in a command line.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Result<Self, AddressError> {
        let (mut from, to) = (from.into(), to.into());
        if from == "<>" {
            from.clear();
        }
        if to.is_empty() {
            return Err(AddressError::Empty);
        }
        check(&from)?;
        check(&to)?;
        Ok(Self { from, to })
    }

    /// The sender without brackets; empty for the null sender.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The recipient without brackets.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Needs a server with SMTPUTF8 (RFC 6531).
    pub(crate) fn is_international(&self) -> bool {
        !(self.from.is_ascii() && self.to.is_ascii())
    }
}

/// Addresses are personal data: `Debug` shows none.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}

fn check(address: &str) -> Result<(), AddressError> {
    if address.len() > MAX_ADDRESS {
        return Err(AddressError::TooLong);
    }
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>');
    if address.contains(forbidden) { Err(AddressError::ForbiddenCharacter) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_command_line_is_refused() {
        for bad in
            ["a\rb@x", "a\nb@x", "a\0b@x", "a b@x", "<a@x>", "a>@x", "a\u{85}b@x", "a\u{2028}b@x", "a\t@x"]
        {
            assert_eq!(Envelope::new("a@x", bad), Err(AddressError::ForbiddenCharacter), "{bad:?}");
            assert_eq!(Envelope::new(bad, "a@x"), Err(AddressError::ForbiddenCharacter), "{bad:?}");
        }
        assert_eq!(Envelope::new("a@x", ""), Err(AddressError::Empty));
        assert_eq!(Envelope::new("a@x", "a".repeat(255)), Err(AddressError::TooLong));
    }

    #[test]
    fn the_null_sender_has_two_spellings() {
        assert_eq!(Envelope::new("", "a@x"), Envelope::new("<>", "a@x"));
        assert!(Envelope::new("", "a@x").is_ok());
    }

    #[test]
    fn debug_shows_no_address() {
        let envelope = Envelope::new("shop@sender.test", "fan@rcpt.test").unwrap();
        assert!(!format!("{envelope:?}").contains("test"));
    }
}
