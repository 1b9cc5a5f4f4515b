//! One finished message: its headers, its two parts, its envelope.
//!
//! Derived, so that making a message twice makes the same one: the Message-ID (campaign and subscriber), the
//! unsubscribe link and `X-Fanmail-Recipient`, which is where the ledger keeps this recipient. All of them
//! hold ids only; the addresses are in `From`, `To` and the envelope.

use std::sync::Arc;

use fanmail_domain::{BatchId, SubscriberId, Timestamp};
use fanmail_engine::ports::{Recipient, RenderError};
use fanmail_smtp::{Envelope, Message};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;

use crate::header::header_text;
use crate::sender::Sender;
use crate::template::Texts;

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

/// Puts a message together.
pub(crate) fn build(
    from: &Sender,
    to: Recipient<'_>,
    texts: Texts,
    unsubscribe_url: &str,
    at: Timestamp,
) -> Result<Outgoing, RenderError> {
    let (campaign, subscriber) = (to.batch.campaign, to.subscriber);
    let domain = from.address.domain();
    let text = format!("{campaign}.{}.{}.{}.{}", to.batch.lane, to.batch.seq, to.position, subscriber.id);
    let mut bytes = Vec::new();
    MessageBuilder::new()
        .from(mailbox(&from.name, from.address.expose()))
        .to(mailbox(&header_text(&subscriber.name), subscriber.email.expose()))
        .subject(header_text(&texts.subject))
        .date(Date::new(i64::try_from(at.0 / 1000).unwrap_or(i64::MAX)))
        .message_id(MessageId::new(format!("{campaign}.{}@{domain}", subscriber.id)))
        .header("List-Id", Raw::new(format!("<campaigns.{domain}>")))
        .header("List-Unsubscribe", Raw::new(format!("<{unsubscribe_url}>")))
        .header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"))
        .header("X-Fanmail-Recipient", Raw::new(text))
        .text_body(body_text(texts.text))
        .html_body(body_text(texts.html))
        .serialize(&mut bytes);
    let envelope = Envelope::new(from.address.expose(), subscriber.email.expose());
    // The error says what is wrong with an address without repeating it.
    let envelope = envelope.map_err(|err| RenderError { text: err.to_string() })?;
    let place = Place { batch: to.batch, position: to.position, subscriber: subscriber.id };
    Ok(Outgoing { message: Arc::new(Message::new(envelope, bytes)), place })
}

/// `text` with lines ended by LF and no other control character but the tab: mail-builder would let a lone CR or a
/// NUL through, which neither RFC 5322, 2.3 nor SMTP allows.
fn body_text(text: String) -> String {
    if !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n' && byte != b'\t') {
        return text;
    }
    let lines = text.replace("\r\n", "\n");
    lines.replace(|c: char| c.is_ascii_control() && c != '\n' && c != '\t', " ")
}

fn mailbox<'a>(name: &str, address: &'a str) -> Address<'a> {
    Address::new_address(Some(name.to_owned()).filter(|name| !name.is_empty()), address)
}
