//! DKIM signatures (RFC 6376) for relays that do not sign themselves.
//!
//! ```text
//! body -> relaxed -> SHA-256 = bh        once per message
//! chosen headers -> relaxed, then the DKIM-Signature header with an empty b= -> signature = b    once per key
//! ```
//!
//! Several keys give several signatures, say an RSA and an Ed25519 one (RFC 8463), or the old selector and the new
//! one while keys are changed. Signed is what a reader or a provider acts on ([`SIGNED`]); `From` is named once
//! more than it occurs, so that nobody can add a second one on the way (section 8.15).
//!
//! Why by hand: `mail-auth` 0.15 comes with 250 crates (a DNS resolver, a second cryptographic library built from C), or
//! with 28 new ones of pure Rust, of which only the signatures would be used. ring is built anyway, for TLS, and what
//! is left of DKIM is this folder. A test has another implementation (Python's `dkimpy`) verify the result.
//!
//! One RSA signature costs about a millisecond of CPU and far outweighs everything else that is done for a
//! message; Ed25519 costs less than a tenth of that, but not every receiver verifies it yet.

mod canonical;
mod key;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanmail_domain::Timestamp;
use fanmail_smtp::Message;
use ring::digest::{SHA256, digest};

use crate::Outgoing;
use canonical::{Field, fields, relaxed_body, relaxed_field};

use key::Signer;
pub use key::{DkimError, DkimKey};

/// The headers that are signed, all occurrences of each (RFC 6376 section 5.4.1, RFC 8058 section 4).
const SIGNED: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Id",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
    "Reply-To",
];

/// Columns of one line of the signature's header.
const LINE: usize = 72;

/// Keys to sign with. `Debug` shows their names alone.
#[derive(Debug)]
pub struct Dkim {
    signers: Vec<Signer>,
}

/// What all signatures of a message have in common.
struct Digested<'a> {
    /// The chosen headers, the last occurrence first.
    chosen: Vec<Field<'a>>,
    /// Their names as `h=` has them, `From` once more.
    names: Vec<&'static str>,
    body_hash: String,
    /// Seconds since 1970.
    at: u64,
}

impl Dkim {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// [`DkimError`] names the selector and what is wrong, and never repeats a key.
    pub fn new(keys: Vec<DkimKey>) -> Result<Self, DkimError> {
        if keys.is_empty() {
            return Err(DkimError::NoKey);
        }
        let signers = keys.into_iter().map(Signer::read).collect::<Result<_, _>>()?;
        Ok(Self { signers })
    }

    /// The headers to put before `message`, one for each key, each with its line end. Lines of the message
    /// end with CRLF or LF; a CR alone must not occur.
    ///
    /// # Errors
    ///
    /// [`DkimError::NoFrom`] if there is no `From`, which a signature must cover; [`DkimError::Sign`].
    pub fn sign(&self, message: &[u8], now: Timestamp) -> Result<String, DkimError> {
        let digested = Digested::new(message, now)?;
        self.signers.iter().map(|signer| digested.signature(signer)).collect()
    }
}

/// The same message with its signatures in front.
///
/// # Errors
///
/// As [`Dkim::sign`].
pub fn signed(message: &Outgoing, dkim: &Dkim, now: Timestamp) -> Result<Outgoing, DkimError> {
    let text = message.message.text();
    let mut bytes = dkim.sign(&text, now)?.into_bytes();
    bytes.extend_from_slice(&text);
    let message_signed = Message::new(message.message.envelope().clone(), bytes);
    Ok(Outgoing { message: Arc::new(message_signed), ..message.clone() })
}

impl<'a> Digested<'a> {
    fn new(message: &'a [u8], now: Timestamp) -> Result<Self, DkimError> {
        let (all, body) = fields(message);
        let (mut chosen, mut names) = (Vec::new(), Vec::new());
        for name in SIGNED {
            // From the last to the first, as a verifier counts them (RFC 6376 section 5.4.2).
            let found = all.iter().rev().filter(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
            for field in found {
                chosen.push(*field);
                names.push(name);
            }
            if name == "From" {
                if chosen.is_empty() {
                    return Err(DkimError::NoFrom);
                }
                names.push(name);
            }
        }
        let body_hash = STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        Ok(Self { chosen, names, body_hash, at: now.0 / 1000 })
    }

    /// One whole `DKIM-Signature` header.
    fn signature(&self, signer: &Signer) -> Result<String, DkimError> {
        let mut header = self.unsigned(signer);
        let mut text = Vec::new();
        for field in &self.chosen {
            relaxed_field(&mut text, field);
        }
        relaxed_field(&mut text, &Field::of_line(header.as_bytes()));
        // The last one counts without its line end (section 3.7).
        text.truncate(text.len() - 2);
        let signature = STANDARD.encode(signer.sign(&text)?);
        fold(&mut header, signature.as_str(), LINE);
        header.push_str("\r\n");
        Ok(header)
    }

    /// The same with nothing behind its `b=`.
    fn unsigned(&self, signer: &Signer) -> String {
        let (algorithm, domain, selector, at) =
            (signer.algorithm(), &signer.domain, &signer.selector, self.at);
        let mut header = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector}; t={at};\r\n h="
        );
        let mut column = 3;
        for (index, name) in self.names.iter().enumerate() {
            if column + name.len() > LINE {
                header.push_str("\r\n  ");
                column = 2;
            }
            header.push_str(name);
            header.push(if index + 1 < self.names.len() { ':' } else { ';' });
            column += name.len() + 1;
        }
        header.push_str("\r\n bh=");
        header.push_str(&self.body_hash);
        header.push_str(";\r\n b=");
        header
    }
}

/// Appends ASCII `text` in lines of `width`; white space in `b=` does not count (section 3.5).
fn fold(header: &mut String, text: &str, width: usize) {
    let mut rest = text;
    while rest.len() > width {
        let (line, after) = rest.split_at(width);
        header.push_str(line);
        header.push_str("\r\n  ");
        rest = after;
    }
    header.push_str(rest);
}
