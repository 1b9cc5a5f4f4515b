//! To SES: a message arrives as it was made, with tags that find its place again.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use fanmail_domain::{BatchId, LaneNo};
use fanmail_engine::ports::{Mailer, Refusal, Scope, Submission};
use fanmail_engine::settle::{EventKind, ProviderEvent};
use fanmail_mailer::SesTransport;
use fanmail_ses::stub::{Act, Stub, When};
use fanmail_ses::{Client, SesConfig};
use mail_parser::decoders::base64::base64_decode;
use serde_json::Value;

use crate::support::{CAMPAIGN, ann, content, postman, render_with};

fn transport(stub: &Stub) -> SesTransport {
    let who = Credentials::new("AKIDEXAMPLE", "geheim", None, None, "test");
    let now = || UNIX_EPOCH + Duration::from_secs(1_782_806_706);
    let config = SesConfig { endpoint: Some(stub.url()), ..SesConfig::new("eu-west-1", who, now) };
    SesTransport::new(Client::new(config).unwrap(), Some("fanmail-events".into()))
}

#[tokio::test]
async fn a_message_arrives_as_it_was_made_and_its_events_find_its_place() {
    let stub = Stub::start().unwrap();
    let postman = postman(transport(&stub));
    let message = render_with(&postman, &content("Hi", ".<br>..dots"), &ann()).unwrap();
    let (sent, place) = (message.message.text().into_owned(), message.place);

    assert_eq!(postman.submit(message).await, Submission::Accepted);

    let body: Value = serde_json::from_slice(&stub.seen()[0].body).unwrap();
    let data = body["Content"]["Raw"]["Data"].as_str().unwrap();
    assert_eq!(base64_decode(data.as_bytes()).unwrap(), sent);
    assert_eq!(body["FromEmailAddress"], "news@acme.example");
    assert_eq!(body["Destination"]["ToAddresses"], serde_json::json!(["ann@example.org"]));
    assert_eq!(body["ConfigurationSetName"], "fanmail-events");
    let tags = body["EmailTags"].as_array().unwrap();
    let tag = |name: &str| tags.iter().find(|tag| tag["Name"] == name).and_then(|tag| tag["Value"].as_str());
    let event = ProviderEvent::read("Send", None, tag).unwrap();
    let batch = BatchId { campaign: CAMPAIGN, lane: LaneNo(3), seq: 4 };
    assert_eq!(event, ProviderEvent { batch, position: place.position, kind: EventKind::Send });
}

#[tokio::test]
async fn what_ses_says_comes_back_as_what_it_means() {
    let refusal = |code, text: &str| Refusal { code: Some(code), text: text.into() };
    let daily = "Daily message quota exceeded.";
    for (act, expected) in [
        (
            Act::Refuse(400, "MessageRejected", "a virus"),
            Submission::Rejected(refusal(400, "MessageRejected: a virus")),
        ),
        (
            Act::Refuse(429, "TooManyRequestsException", "slow down"),
            Submission::Deferred(Scope::Provider, refusal(429, "TooManyRequestsException: slow down")),
        ),
        (
            Act::Refuse(400, "ThrottlingException", daily),
            Submission::Deferred(
                Scope::Quota,
                refusal(400, "ThrottlingException: Daily message quota exceeded."),
            ),
        ),
        (
            Act::Refuse(403, "ExpiredTokenException", "expired"),
            Submission::Deferred(Scope::Credentials, refusal(403, "ExpiredTokenException: expired")),
        ),
        (
            Act::Refuse(400, "SendingPausedException", "paused"),
            Submission::Deferred(Scope::Credentials, refusal(400, "SendingPausedException: paused")),
        ),
        (Act::Refuse(503, "ServiceUnavailable", "later"), Submission::Unknown),
        (Act::Close(When::After), Submission::Unknown),
    ] {
        let stub = Stub::start().unwrap();
        stub.script([act]);
        let postman = postman(transport(&stub));
        let message = render_with(&postman, &content("Hi", "<p>x"), &ann()).unwrap();
        assert_eq!(postman.submit(message).await, expected);
        assert_eq!(stub.complete(), 1);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_no_doubt() {
    let stub = Stub::start().unwrap();
    let postman = postman(transport(&stub));
    drop(stub);
    let message = render_with(&postman, &content("Hi", "<p>x"), &ann()).unwrap();

    let submission = postman.submit(message).await;

    assert!(
        matches!(&submission, Submission::Deferred(Scope::Provider, why) if why.text.contains("could not be reached")),
        "{submission:?}"
    );
}

#[tokio::test]
async fn the_ceiling_is_asked_for_once() {
    let stub = Stub::start().unwrap();
    let transport = transport(&stub);
    for _ in 0..3 {
        assert_eq!(transport.ceiling().await, Some(14.0));
    }
    assert_eq!(stub.complete(), 1);
}
