//! Headers of a campaign's own.

use fanmail_domain::Header;

use super::ExtrasError;
use crate::header;
use crate::sender::Sender;

/// So that a name and the begin of its value fit into one line.
const MAX_NAME: usize = 70;

/// Written by fanmail, or by whoever carries the message on its way, or telling them what to do.
const RESERVED: [&str; 14] = [
    "authentication-results",
    "auto-submitted",
    "bcc",
    "cc",
    "date",
    "domainkey-signature",
    "feedback-id",
    "from",
    "message-id",
    "received",
    "return-path",
    "sender",
    "subject",
    "to",
];
/// The same, by their begin.
const RESERVED_PREFIXES: [&str; 8] =
    ["arc-", "content-", "dkim-", "list-", "mime-", "resent-", "x-fanmail-", "x-ses-"];

pub(super) fn check(header: &Header) -> Result<(), ExtrasError> {
    let name = header.name.to_ascii_lowercase();
    let is_name = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_name) {
        return Err(ExtrasError::HeaderName { name: header.name.clone() });
    }
    if RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(ExtrasError::Reserved { name: header.name.clone() });
    }
    if name == "reply-to" {
        Sender::parse(&header.value).map_err(ExtrasError::ReplyTo)?;
    }
    Ok(())
}

/// Appends a header that was checked. Its value becomes one line of words; only `Reply-To` has an address.
pub(crate) fn write(given: &Header, out: &mut Vec<u8>) {
    let address = given.name.eq_ignore_ascii_case("reply-to").then(|| Sender::parse(&given.value).ok());
    match address.flatten() {
        Some(to) => header::mailbox(&given.name, &to.name, to.address.expose(), out),
        None => header::foreign(&given.name, &given.value, out),
    }
}
