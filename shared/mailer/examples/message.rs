//! Prints the example campaign as one message: `cargo run -p fanmail-mailer --example message > message.eml`.
//!
//! `score.sh` gives it to `SpamAssassin`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_domain::{
    BatchId, CampaignId, Content, EmailAddress, Extras, LaneNo, Subscriber, SubscriberId, SubscriberStatus,
    Timestamp,
};
use fanmail_engine::ports::Recipient;
use fanmail_mailer::{Renderer, UnsubscribeLinks};

const WELCOME: &str = include_str!("../../../examples/welcome.html");
/// 2026-06-30T08:05:06Z
const NOW: Timestamp = Timestamp(1_782_806_706_000);

fn welcome() -> Content {
    Content {
        campaign: CampaignId(12),
        version: 1,
        campaign_name: "June".into(),
        subject: "Welcome, {{ subscriber.first_name }}".into(),
        from: "Ines of Larkfield <ines@mail.example.com>".into(),
        html: WELCOME.into(),
        text: None,
        extras: Extras::default(),
    }
}

fn ann() -> Result<Subscriber, Box<dyn Error>> {
    let email = EmailAddress::parse("ann@example.org")?;
    Ok(Subscriber {
        id: SubscriberId::derive(&email, 0),
        email,
        name: "Ann Lee".into(),
        attribs: r#"{"city": "Ghent", "plan": "team", "signed_up": "2026-05-01"}"#.into(),
        status: SubscriberStatus::Enabled,
        lists: BTreeMap::new(),
        rev: 0,
        created_at: NOW,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let links =
        UnsubscribeLinks::new("https://mail.example.com", UnsubscribeKey::parse("0123456789abcdef")?)?;
    let (content, ann) = (welcome(), ann()?);
    let batch = BatchId { campaign: content.campaign, lane: LaneNo(0), seq: 0 };
    let recipient = Recipient { subscriber: &ann, batch, position: 0 };
    let message = Renderer::new(links, || NOW).render(&content, recipient)?;
    std::io::stdout().write_all(&message.message.text())?;
    Ok(())
}
