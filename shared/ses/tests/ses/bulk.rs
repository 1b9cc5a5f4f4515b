//! Fifty messages in one call, and an answer for each.

use fanmail_ses::stub::{Act, Stub, When};
use fanmail_ses::{Answer, Bulk, BulkEntry, Client, InlineTemplate, Piece, SesConfig};

use crate::support::{SHORT, client, config, word};

const STATUSES: [(&str, &str); 15] = [
    ("SUCCESS", "accepted"),
    ("MESSAGE_REJECTED", "rejected"),
    ("INVALID_PARAMETER", "rejected"),
    ("MAIL_FROM_DOMAIN_NOT_VERIFIED", "configuration"),
    ("CONFIGURATION_SET_NOT_FOUND", "configuration"),
    ("CONFIGURATION_SET_SENDING_PAUSED", "configuration"),
    ("TEMPLATE_NOT_FOUND", "configuration"),
    ("ACCOUNT_SUSPENDED", "configuration"),
    ("ACCOUNT_SENDING_PAUSED", "configuration"),
    ("INVALID_SENDING_POOL_NAME", "configuration"),
    ("ACCOUNT_THROTTLED", "provider"),
    ("TRANSIENT_FAILURE", "provider"),
    ("ACCOUNT_DAILY_QUOTA_EXCEEDED", "quota"),
    ("FAILED", "unknown"),
    ("SOMETHING_NEW", "unknown"),
];

fn template() -> InlineTemplate {
    let text = [Piece::Literal("Dear "), Piece::Value(0)];
    InlineTemplate::new(&[Piece::Literal("Hello")], &text, &text).unwrap()
}

async fn send(client: &Client, entries: usize) -> Result<Vec<Answer>, Answer> {
    let template = template();
    let mut bulk = Bulk::new(&template, "news@acme.test", Some("fanmail"));
    for _ in 0..entries {
        bulk.push(&BulkEntry { to: "fan@rcpt.test", values: &["Ann"], headers: &[], tags: &[("lane", "0")] })
            .unwrap();
    }
    client.send_bulk(&bulk).await
}

#[tokio::test]
async fn each_entry_has_its_own_answer() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    let result =
        |(status, _): &(&str, &str)| format!(r#"{{"Status":"{status}","Error":"e","MessageId":"m"}}"#);
    let results: Vec<_> = STATUSES.iter().map(result).collect();
    stub.script([Act::Answer(200, format!(r#"{{"BulkEmailEntryResults":[{}]}}"#, results.join(",")))]);

    let answers = send(&client, STATUSES.len()).await.unwrap();

    let words: Vec<_> = answers.iter().map(word).collect();
    assert_eq!(words, STATUSES.map(|(_, word)| word));
}

#[tokio::test]
async fn fifty_go_in_one_call() {
    let stub = Stub::start().unwrap();
    let answers = send(&client(&stub), 50).await.unwrap();
    assert!(answers.len() == 50 && answers.iter().all(|answer| word(answer) == "accepted"));
    assert_eq!((stub.complete(), stub.seen()[0].target.as_str()), (1, "POST /v2/email/outbound-bulk-emails"));
}

#[tokio::test]
async fn a_call_that_ends_as_a_whole_has_one_answer_for_all() {
    let stub = Stub::start().unwrap();
    let hasty = Client::new(SesConfig { timeout: SHORT, ..config(stub.url()) }).unwrap();
    for (act, expected) in [
        (Act::Refuse(400, "BadRequestException", "no"), "rejected"),
        (Act::Refuse(429, "TooManyRequestsException", ""), "provider"),
        (Act::Refuse(500, "InternalFailure", ""), "unknown"),
        (Act::Close(When::After), "unknown"),
        (Act::Stall(When::After), "unknown"),
        (Act::Cut(40), "unknown"),
        (Act::Answer(200, "{}".into()), "unknown"),
    ] {
        stub.script([act.clone()]);
        let answer = send(&hasty, 2).await.unwrap_err();
        assert_eq!(word(&answer), expected, "{act:?} {answer}");
    }
    assert_eq!(stub.complete(), 7, "never twice");
}
