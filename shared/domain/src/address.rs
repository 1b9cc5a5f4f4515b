//! E-mail addresses: parsed once at the edge, printed masked.
//!
//! The accepted form is the dot-atom of RFC 5322, 3.4.1 with the length limits of RFC 5321, 4.5.3.1. Quoted
//! local parts, address literals and local parts outside ASCII (RFC 6531) are refused with a reason.

use std::fmt;

/// The address of one person, normalised: trimmed, lower-case, the domain in its ASCII form (RFC 5891).
///
/// `Debug` and `Display` print it masked, so that it can stand in an error without becoming personal data in
/// a log; the text itself needs [`EmailAddress::expose`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// Why a text is no address that fanmail can send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("the address is empty")]
    Empty,
    /// There is no `@`, or more than one.
    #[error("the address needs exactly one @")]
    NotOneAt,
    /// The part before the `@` is empty, too long or has a character it cannot have.
    #[error(
        "the part before the @ is not a valid local part (1 to 64 letters, digits, dots between, or !#$%&'*+-/=?^_`{{|}}~)"
    )]
    LocalPart,
    /// The part before the `@` needs SMTPUTF8, which is not supported.
    #[error("the part before the @ has characters outside ASCII, which cannot be sent to")]
    LocalPartNotAscii,
    /// The part after the `@` is no domain name.
    #[error("the part after the @ is not a valid domain name")]
    Domain,
    /// The whole is longer than a path can be.
    #[error("the address is longer than 254 characters")]
    TooLong,
}

/// RFC 5321, 4.5.3.1.1.
const MAX_LOCAL_PART: usize = 64;
/// RFC 5321, 4.5.3.1.3 less the angle brackets.
const MAX_ADDRESS: usize = 254;
/// RFC 1035, 2.3.4.
const MAX_LABEL: usize = 63;

impl EmailAddress {
    /// Reads an address as people write it.
    ///
    /// # Errors
    ///
    /// [`AddressError`] names the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressError::NotOneAt)?;
        if domain.contains('@') {
            return Err(AddressError::NotOneAt);
        }
        let address = format!("{}@{}", parse_local_part(local)?, parse_domain(domain)?);
        if address.len() > MAX_ADDRESS {
            return Err(AddressError::TooLong);
        }
        Ok(Self(address))
    }

    /// The full text: personal data. For the envelope, the header and the Audience table, and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('?');
        format!("{first}***@{}", self.domain())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn parse_local_part(local: &str) -> Result<String, AddressError> {
    if !local.is_ascii() {
        return Err(AddressError::LocalPartNotAscii);
    }
    let well_formed = local.len() <= MAX_LOCAL_PART
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text));
    if well_formed { Ok(local.to_ascii_lowercase()) } else { Err(AddressError::LocalPart) }
}

/// `atext` of RFC 5322, 3.2.3.
fn is_atom_text(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn parse_domain(domain: &str) -> Result<String, AddressError> {
    let ascii = idna::domain_to_ascii(domain).map_err(|_| AddressError::Domain)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    if labels.len() >= 2 && labels.iter().all(|label| is_label(label)) {
        Ok(ascii)
    } else {
        Err(AddressError::Domain)
    }
}

/// A letter-digit-hyphen label of RFC 5890, 2.3.1.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<String, AddressError> {
        EmailAddress::parse(text).map(|address| address.expose().to_owned())
    }

    #[test]
    fn one_person_has_one_spelling() {
        assert_eq!(parsed("  Ann.Lee+News@Example.ORG\t"), Ok("ann.lee+news@example.org".into()));
        assert_eq!(parsed("jo@bücher.example"), Ok("jo@xn--bcher-kva.example".into()));
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        let long = "x".repeat(65);
        let far = format!("a@{}.example", vec!["y".repeat(60); 5].join("."));
        for (text, reason) in [
            ("", AddressError::Empty),
            ("   ", AddressError::Empty),
            ("ann.example.org", AddressError::NotOneAt),
            ("ann@home@example.org", AddressError::NotOneAt),
            ("@example.org", AddressError::LocalPart),
            (".ann@example.org", AddressError::LocalPart),
            ("an..n@example.org", AddressError::LocalPart),
            ("an n@example.org", AddressError::LocalPart),
            ("\"ann\"@example.org", AddressError::LocalPart),
            ("änn@example.org", AddressError::LocalPartNotAscii),
            ("ann@", AddressError::Domain),
            ("ann@localhost", AddressError::Domain),
            ("ann@ex ample.org", AddressError::Domain),
            ("ann@-example.org", AddressError::Domain),
            ("ann@example..org", AddressError::Domain),
            ("ann@[127.0.0.1]", AddressError::Domain),
            ("ann@example.org\r\nBcc: eve@example.org", AddressError::NotOneAt),
            ("ann\r\n@example.org", AddressError::LocalPart),
            (&format!("{long}@example.org"), AddressError::LocalPart),
            (&far, AddressError::TooLong),
        ] {
            assert_eq!(parsed(text), Err(reason), "{text:?}");
        }
    }

    #[test]
    fn printing_masks_the_address() {
        let address = EmailAddress::parse("ann@example.org").unwrap();
        assert_eq!(format!("{address} {address:?}"), "a***@example.org a***@example.org");
    }

    proptest! {
        #[test]
        fn parsing_is_stable_and_never_lets_a_control_character_through(text in "\\PC{0,20}@?\\PC{0,20}|[\\x00-\\x7f]{0,40}") {
            if let Ok(once) = parsed(&text) {
                prop_assert!(once.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(parsed(&once), Ok(once));
            }
        }
    }

    #[test]
    fn the_longest_address_there_may_be_is_taken_and_one_byte_more_is_not() {
        let of = |bytes: usize| {
            let domain =
                format!("{}.{}.{}", "b".repeat(60), "c".repeat(60), "d".repeat(bytes - 60 - 1 - 122));
            format!("{}@{domain}", "a".repeat(60))
        };
        let domain_of = |bytes| {
            let long = of(bytes);
            // A label has at most 63 bytes: split the last one.
            let (head, tail) = long.split_at(bytes - 20);
            format!("{head}.{}", &tail[1..])
        };
        assert_eq!(domain_of(MAX_ADDRESS).len(), MAX_ADDRESS);
        assert!(EmailAddress::parse(&domain_of(MAX_ADDRESS)).is_ok());
        assert!(EmailAddress::parse(&domain_of(MAX_ADDRESS + 1)).is_err());
    }
}
