//! A mailer, a campaign and people to send it to.

use std::collections::BTreeMap;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_domain::{
    BatchId, CampaignId, Content, EmailAddress, Extras, LaneNo, Subscriber, SubscriberId, SubscriberStatus,
    Timestamp,
};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Submission};
use fanmail_mailer::{Outgoing, Postman, Transport, UnsubscribeLinks};
use mail_parser::{Message, MessageParser};

/// 2026-06-30T08:05:06.789Z
pub(crate) const NOW: Timestamp = Timestamp(1_782_806_706_789);

pub(crate) const CAMPAIGN: CampaignId = CampaignId(12);

/// Accepts everything and does nothing with it.
pub(crate) struct Void;

impl Transport for Void {
    async fn submit(&self, _: Outgoing) -> Submission {
        Submission::Accepted
    }
}

pub(crate) fn key() -> UnsubscribeKey {
    UnsubscribeKey::new("0123456789abcdef").unwrap()
}

pub(crate) fn postman<T: Transport>(transport: T) -> Postman<T> {
    let links = UnsubscribeLinks::new("https://mail.acme.example", key()).unwrap();
    Postman::new(transport, links, || NOW)
}

pub(crate) fn content(subject: &str, html: &str) -> Content {
    Content {
        campaign: CAMPAIGN,
        version: 1,
        campaign_name: "June".into(),
        subject: subject.into(),
        from: "Acme News <news@acme.example>".into(),
        html: html.into(),
        text: None,
        extras: Extras::default(),
    }
}

pub(crate) fn subscriber(email: &str, name: &str, attribs: &str) -> Subscriber {
    let email = EmailAddress::parse(email).unwrap();
    Subscriber {
        id: SubscriberId::derive(&email, 0),
        email,
        name: name.into(),
        attribs: attribs.into(),
        status: SubscriberStatus::Enabled,
        lists: BTreeMap::new(),
        rev: 0,
        created_at: Timestamp(0),
    }
}

pub(crate) fn ann() -> Subscriber {
    subscriber("ann@example.org", "Ann Lee", "{}")
}

pub(crate) fn render(content: &Content, subscriber: &Subscriber) -> Result<Outgoing, RenderError> {
    render_with(&postman(Void), content, subscriber)
}

pub(crate) fn render_with<T: Transport>(
    postman: &Postman<T>,
    content: &Content,
    subscriber: &Subscriber,
) -> Result<Outgoing, RenderError> {
    let batch = BatchId { campaign: content.campaign, lane: LaneNo(3), seq: 4 };
    postman.render(content, Recipient { subscriber, batch, position: 5 })
}

pub(crate) fn parse(message: &Outgoing) -> Message<'static> {
    MessageParser::new().parse(&*message.message.text()).unwrap().into_owned()
}

/// The raw value of a header, as it stands in the message.
pub(crate) fn raw<'a>(message: &'a Message<'_>, name: &'static str) -> &'a str {
    message.header_raw(name).map_or("", str::trim)
}
