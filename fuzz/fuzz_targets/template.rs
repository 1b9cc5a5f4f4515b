//! What people write as a campaign: subject, HTML and text, divided by a line of three hyphens.
//!
//! - No template makes the compiler or the renderer panic, or run for long.
//! - What [`validate`] refuses is rendered for nobody.
//! - Whatever a template and a person's name make of it, a message has only the headers that fanmail gives it, each
//!   line ends with CRLF and has at most 998 characters (RFC 5322 2.1.1), and nothing in it is a NUL.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_domain::{
    BatchId, CampaignId, Content, EmailAddress, Extras, LaneNo, Subscriber, SubscriberId, SubscriberStatus, Timestamp,
};
use fanmail_engine::ports::{Mailer, Recipient, Submission};
use fanmail_mailer::{Outgoing, Postman, Transport, UnsubscribeLinks, validate};
use libfuzzer_sys::fuzz_target;

const CAMPAIGN: CampaignId = CampaignId(7);
/// The only headers of a message and of its parts.
const HEADERS: [&str; 13] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "x-fanmail-recipient",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

static PEOPLE: LazyLock<[Subscriber; 2]> = LazyLock::new(|| {
    [
        person("ann@example.org", "Ann Lee", r#"{"city":"Köln","n":3,"tags":["a","b"],"company":{"name":"X & Y"}}"#),
        // Who signs up may call themselves what they like.
        person("eve@example.org", "Eve\r\nBcc: all@example.org\r\n\r\n<b>\0 \"é", r#"{"city":"</p>{{ 1 }}\r\n.\r\n"}"#),
    ]
});

fuzz_target!(|text: &str| {
    let content = content(text);
    let valid = validate(&content).is_ok();
    let postman = postman();
    for (position, subscriber) in PEOPLE.iter().enumerate() {
        let batch = BatchId { campaign: CAMPAIGN, lane: LaneNo(0), seq: 0 };
        let made = postman.render(&content, Recipient { subscriber, batch, position });
        assert!(valid || made.is_err(), "rendered what is not valid");
        if let Ok(made) = made {
            check(&made.message.text());
        }
    }
});

fn content(text: &str) -> Content {
    let mut parts = text.splitn(3, "\n---\n");
    Content {
        campaign: CAMPAIGN,
        version: 1,
        campaign_name: "June".to_owned(),
        subject: parts.next().unwrap_or_default().to_owned(),
        from: "Acme News <news@acme.example>".to_owned(),
        html: parts.next().unwrap_or_default().to_owned(),
        text: parts.next().map(str::to_owned),
        extras: Extras::default(),
    }
}

fn check(message: &[u8]) {
    assert!(!message.contains(&0), "a NUL");
    assert!(message.ends_with(b"\r\n"), "the last line does not end");
    for line in message.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(!line.contains(&b'\r') && line.len() <= 998, "a lone CR or a long line");
    }
    assert_eq!(count(message, b"\n"), count(message, b"\r\n"), "a lone LF");
    let end = message.windows(4).position(|four| four == b"\r\n\r\n").expect("headers end");
    let headers = std::str::from_utf8(&message[..end]).expect("headers are UTF-8");
    for line in headers.split("\r\n").filter(|line| !line.starts_with([' ', '\t'])) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        assert!(HEADERS.contains(&name.as_str()), "a header that nobody asked for");
    }
}

fn count(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len()).filter(|window| *window == what).count()
}

struct Void;

impl Transport for Void {
    async fn submit(&self, _: Outgoing) -> Submission {
        Submission::Accepted
    }
}

fn postman() -> Postman<Void> {
    let key = UnsubscribeKey::new("0123456789abcdef").expect("it is long enough");
    let links = UnsubscribeLinks::new("https://mail.acme.example", key).expect("it is a URL");
    Postman::new(Void, links, || Timestamp(1_782_806_706_789))
}

fn person(email: &str, name: &str, attribs: &str) -> Subscriber {
    let email = EmailAddress::parse(email).expect("it is an address");
    Subscriber {
        id: SubscriberId::derive(&email, 0),
        email,
        name: name.to_owned(),
        attribs: attribs.to_owned(),
        status: SubscriberStatus::Enabled,
        lists: BTreeMap::new(),
        rev: 0,
        created_at: Timestamp(0),
    }
}
