//! The From header: parsed once per content version, and the envelope sender with it.
//!
//! Accepted are `address`, `<address>`, `Name <address>` and `"Name, with signs" <address>` (RFC 5322, 3.4).

use fanmail_domain::EmailAddress;
use fanmail_domain::address::AddressError;

use crate::header::header_text;

/// Who a message is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// What people call them; may be empty.
    pub name: String,
    /// Where bounces and answers go.
    pub address: EmailAddress,
}

/// Why a text is no From header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// A line break would begin another header.
    #[error("it contains a line break or another control character")]
    ControlCharacter,
    /// `Name <address`, or text after the bracket.
    #[error("it should be `address` or `Name <address>`")]
    Brackets,
    /// `"Name <address>`.
    #[error("the name has a quotation mark without its pair")]
    Quotes,
    /// The address itself.
    #[error("{0}")]
    Address(AddressError),
}

impl Sender {
    /// Reads a From header.
    ///
    /// # Errors
    ///
    /// [`SenderError`] names the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, SenderError> {
        if text.contains(char::is_control) {
            return Err(SenderError::ControlCharacter);
        }
        let text = text.trim();
        let Some((name, rest)) = text.rsplit_once('<') else {
            let address = if text.contains('>') { Err(SenderError::Brackets) } else { parse_address(text) };
            return Ok(Self { name: String::new(), address: address? });
        };
        let address = rest.strip_suffix('>').ok_or(SenderError::Brackets)?;
        Ok(Self { name: parse_name(name.trim())?, address: parse_address(address)? })
    }
}

fn parse_address(text: &str) -> Result<EmailAddress, SenderError> {
    EmailAddress::parse(text).map_err(SenderError::Address)
}

fn parse_name(text: &str) -> Result<String, SenderError> {
    let Some(quoted) = text.strip_prefix('"') else {
        return if text.contains(['"', '<', '>']) {
            Err(SenderError::Quotes)
        } else {
            Ok(header_text(text).into_owned())
        };
    };
    let (mut name, mut characters) = (String::new(), quoted.chars());
    loop {
        match characters.next().ok_or(SenderError::Quotes)? {
            '"' => break,
            '\\' => name.push(characters.next().ok_or(SenderError::Quotes)?),
            other => name.push(other),
        }
    }
    if characters.as_str().is_empty() {
        Ok(header_text(&name).into_owned())
    } else {
        Err(SenderError::Quotes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, String), SenderError> {
        Sender::parse(text).map(|sender| (sender.name, sender.address.expose().to_owned()))
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, name, address) in [
            ("news@acme.example", "", "news@acme.example"),
            (" <News@Acme.example> ", "", "news@acme.example"),
            ("Acme News <news@acme.example>", "Acme News", "news@acme.example"),
            ("\"Acme, \\\"the\\\" News\"  <news@acme.example>", "Acme, \"the\" News", "news@acme.example"),
            ("Bücher 図書 <post@bücher.example>", "Bücher 図書", "post@xn--bcher-kva.example"),
            ("\"a <b@c.example>\" <news@acme.example>", "a <b@c.example>", "news@acme.example"),
        ] {
            assert_eq!(parsed(text), Ok((name.into(), address.into())), "{text}");
        }
    }

    #[test]
    fn what_is_no_sender_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", SenderError::Address(AddressError::Empty)),
            ("Acme", SenderError::Address(AddressError::NotOneAt)),
            ("Acme <>", SenderError::Address(AddressError::Empty)),
            ("Acme <news@acme.example", SenderError::Brackets),
            ("Acme <news@acme.example> x", SenderError::Brackets),
            ("news@acme.example>", SenderError::Brackets),
            ("a@b.example, c@d.example", SenderError::Address(AddressError::NotOneAt)),
            ("a <a@b.example>, <c@d.example>", SenderError::Quotes),
            ("\"Acme <news@acme.example>", SenderError::Quotes),
            ("Acme\" <news@acme.example>", SenderError::Quotes),
            ("Acme\r\nBcc: x@y.example <news@acme.example>", SenderError::ControlCharacter),
            ("Acme <news@acme.example>\n", SenderError::ControlCharacter),
        ] {
            assert_eq!(parsed(text), Err(reason), "{text:?}");
        }
    }
}
