//! What is sent, and to whom: the same for every program that fills templates in.
//!
//! A newsletter of 7 KB in two parts, in which the reader's first name, city, plan, address and the link to
//! unsubscribe are filled in, and the address of the link is different in each message.

use std::collections::BTreeMap;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_domain::{BatchId, CampaignId, Content, Extras, LaneNo, Subscriber, SubscriberId, Timestamp};
use fanmail_engine::ports::Recipient;
use fanmail_mailer::UnsubscribeLinks;

use crate::audience;

/// Template of the subject.
pub const SUBJECT: &str = "{{ subscriber.first_name }}, what is new in {{ subscriber.attribs.city }}";
/// Template of the HTML part.
pub const HTML: &str = include_str!("newsletter.html");
/// Template of the text part.
pub const TEXT: &str = include_str!("newsletter.txt");
/// Who sends it.
pub const FROM_NAME: &str = "Acme News";
/// Where from.
pub const FROM_ADDRESS: &str = "news@acme.example";
/// When: 2026-06-30T08:05:06Z.
pub const NOW: Timestamp = Timestamp(1_782_806_706_000);
/// The campaign.
pub const CAMPAIGN: CampaignId = CampaignId(7);
/// Different people; whoever sends more messages begins anew with the first.
const PEOPLE: u64 = 1_000;

/// The campaign's content.
#[must_use]
pub fn content() -> Content {
    Content {
        campaign: CAMPAIGN,
        version: 1,
        campaign_name: "June".to_owned(),
        subject: SUBJECT.to_owned(),
        from: format!("{FROM_NAME} <{FROM_ADDRESS}>"),
        html: HTML.to_owned(),
        text: Some(TEXT.to_owned()),
        extras: Extras::default(),
    }
}

/// The readers. Empty only if [`audience`] made bad addresses, which its tests exclude.
#[must_use]
pub fn people() -> Vec<Subscriber> {
    (0..PEOPLE).filter_map(|n| audience::person(n).ok()).map(subscriber).collect()
}

fn subscriber(new: fanmail_store::NewSubscriber) -> Subscriber {
    Subscriber {
        id: SubscriberId::derive(&new.email, 0),
        email: new.email,
        name: new.name,
        attribs: new.attribs,
        status: new.status,
        lists: BTreeMap::new(),
        rev: 0,
        created_at: NOW,
    }
}

/// Message number `n` is for this one of `people`.
#[must_use]
pub fn recipient(people: &[Subscriber], n: usize) -> Recipient<'_> {
    let batch = BatchId { campaign: CAMPAIGN, lane: LaneNo(0), seq: 0 };
    Recipient { subscriber: &people[n % people.len()], batch, position: n }
}

/// The links to unsubscribe, by a key that is no secret. `None` never happens: the key is long enough and the URL
/// one.
#[must_use]
pub fn links() -> Option<UnsubscribeLinks> {
    let key = UnsubscribeKey::new("a key for benchmarks only")?;
    UnsubscribeLinks::new("https://mail.acme.example", key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailer::ready::Void;
    use fanmail_engine::ports::Mailer;
    use fanmail_mailer::Postman;

    #[test]
    fn a_message_has_seven_kilobytes_and_everybody_another() {
        let (people, content) = (people(), content());
        let postman = Postman::new(Void, links().unwrap(), || NOW);
        let render = |n| postman.render(&content, recipient(&people, n)).unwrap().message.size();
        let octets: Vec<_> = (0..people.len()).map(render).collect();
        let mean = octets.iter().sum::<u64>() / octets.len() as u64;
        assert!((6_800..7_200).contains(&mean), "{mean}");
        assert!(octets.iter().all(|octets| (6_600..7_400).contains(octets)), "{octets:?}");
    }
}
