//! One finished message: its headers, its two parts, its envelope.
//!
//! Derived, so that making a message twice makes the same one: the Message-ID (campaign and subscriber), the
//! unsubscribe link and `X-Fanmail-Recipient`, which is where the ledger keeps this recipient. All of them
//! hold ids only; the addresses are in `From`, `To` and the envelope.
//!
//! `Feedback-ID: {campaign}:{version}:{kind}:fanmail` is for the feedback loop of Gmail, which counts complaints per
//! field: up to three of the sender's own, and the sender's name for the whole stream. Its kind is `campaign`
//! or `transactional`. It has to be covered by the DKIM signature.
//!
//! A transactional message, which its recipient asked for, says `Auto-Submitted: auto-generated` (RFC 3834, 5), and
//! has none of `List-Id`, `List-Unsubscribe` (RFC 2369) and `List-Unsubscribe-Post` (RFC 8058): it comes from no
//! list, and who unsubscribes from receipts would get none. Its template may still use the link.

use std::sync::Arc;

use fanmail_domain::{BatchId, SubscriberId, Timestamp};
use fanmail_engine::ports::{Recipient, RenderError};
use fanmail_smtp::{Envelope, Message};

use crate::date::date;
use crate::header;
use crate::template::Compiled;

/// One message, ready for a provider.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The message and its envelope.
    pub message: Arc<Message>,
    /// Whose it is.
    pub place: Place,
}

/// Where the ledger keeps a recipient: what providers are told, so that their events can be told apart.
/// Ids only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In which batch of which campaign.
    pub batch: BatchId,
    /// At which position of it.
    pub position: usize,
    /// Who.
    pub subscriber: SubscriberId,
}

/// Makes a message.
pub(crate) fn build(
    compiled: &Compiled,
    to: Recipient<'_>,
    unsubscribe_url: &str,
    at: Timestamp,
) -> Result<Outgoing, RenderError> {
    let (from, subscriber) = (&compiled.from.address, to.subscriber);
    let bytes = compiled.message(to, unsubscribe_url, |subject, out| {
        head(compiled, to, subject, unsubscribe_url, at, out);
    })?;
    let envelope = Envelope::new(from.expose(), subscriber.email.expose());
    // The error says what is wrong with an address without repeating it.
    let envelope = envelope.map_err(|err| RenderError { text: err.to_string() })?;
    let place = Place { batch: to.batch, position: to.position, subscriber: subscriber.id };
    Ok(Outgoing { message: Arc::new(Message::new(envelope, bytes)), place })
}

/// The header lines that vary.
fn head(
    compiled: &Compiled,
    to: Recipient<'_>,
    subject: &str,
    unsubscribe_url: &str,
    at: Timestamp,
    out: &mut Vec<u8>,
) {
    let (campaign, subscriber, id) = (to.batch.campaign, to.subscriber, to.subscriber.id);
    header::mailbox("To", &subscriber.name, subscriber.email.expose(), out);
    header::unstructured("Subject", subject, out);
    out.extend_from_slice(b"Date: ");
    date(at, out);
    out.extend_from_slice(b"\r\nMessage-ID: <");
    dotted(&[campaign.0, id.number()], out);
    out.push(b'@');
    out.extend_from_slice(compiled.from.address.domain().as_bytes());
    out.extend_from_slice(b">\r\n");
    if !compiled.is_transactional {
        out.extend_from_slice(b"List-Unsubscribe: <");
        out.extend_from_slice(unsubscribe_url.as_bytes());
        out.extend_from_slice(b">\r\n");
    }
    out.extend_from_slice(b"X-Fanmail-Recipient: ");
    let position = u64::try_from(to.position).unwrap_or(u64::MAX);
    dotted(&[campaign.0, to.batch.lane.0.into(), to.batch.seq.into(), position, id.number()], out);
    out.extend_from_slice(b"\r\n");
}

/// Appends numbers with dots between them.
fn dotted(numbers: &[u64], out: &mut Vec<u8>) {
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        header::number(*number, out);
    }
}
