//! Every way in which a call can end, one at a time, on fresh and on kept connections.

use fanmail_ses::stub::{Act, Stub, When};
use fanmail_ses::{Answer, Client, Enforcement, Failure, SesConfig};

use crate::support::{LARGE, SHORT, client, config, send, word};

/// What happens to one request, what the client says, and how many requests came in whole. On a fresh connection and
/// on a kept one the client says the same.
async fn holds(act: Act, octets: usize, expected: &str, complete: u64) {
    for kept in [false, true] {
        let stub = Stub::start().unwrap();
        let timeout = if matches!(act, Act::Stall(_)) { SHORT } else { config(stub.url()).timeout };
        let client = Client::new(SesConfig { timeout, ..config(stub.url()) }).unwrap();
        if kept {
            assert_eq!(word(&send(&client, 10).await), "accepted");
        }
        stub.script([act.clone()]);

        let answer = send(&client, octets).await;

        assert_eq!(word(&answer), expected, "{act:?} {kept} {answer}");
        assert_eq!(stub.complete() - u64::from(kept), complete, "{act:?} {kept}");
        assert_eq!(client.counts().reused, u64::from(kept), "{act:?} {kept}");
    }
}

#[tokio::test]
async fn what_ses_says_decides() {
    let daily = "Daily message quota exceeded.";
    for (status, name, text, expected) in [
        (429, "TooManyRequestsException", "Maximum sending rate exceeded.", "provider"),
        (400, "ThrottlingException", "Maximum sending rate exceeded.", "provider"),
        (400, "ThrottlingException", daily, "quota"),
        (400, "LimitExceededException", daily, "quota"),
        (400, "SendingPausedException", "", "configuration"),
        (400, "AccountSuspendedException", "", "configuration"),
        (400, "MailFromDomainNotVerifiedException", "", "configuration"),
        (404, "NotFoundException", "Configuration set does not exist.", "configuration"),
        (403, "SignatureDoesNotMatch", "", "configuration"),
        (403, "ExpiredTokenException", "", "configuration"),
        (400, "MessageRejected", "a virus", "rejected"),
        (400, "BadRequestException:http://errors.test/", "illegal", "rejected"),
        (500, "InternalFailure", "", "unknown"),
        (502, "", "", "unknown"),
        (503, "ServiceUnavailable", "", "unknown"),
        (504, "", "", "unknown"),
    ] {
        holds(Act::Refuse(status, name, text), 7000, expected, 1).await;
    }
}

#[tokio::test]
async fn a_status_line_is_an_answer_whatever_comes_after_it() {
    holds(Act::Cut(25), 7000, "accepted", 1).await;
    holds(Act::WrongLength, 7000, "accepted", 1).await;
    let cut =
        "HTTP/1.1 400 Bad Request\r\nx-amzn-errortype: MessageRejected\r\ncontent-length: 900\r\n\r\n{\"mess";
    holds(Act::Raw(cut.into()), 7000, "rejected", 1).await;
}

#[tokio::test]
async fn no_status_line_after_the_last_byte_is_in_doubt() {
    for act in [
        Act::Close(When::After),
        Act::Reset(When::After),
        Act::Stall(When::After),
        Act::Cut(0),
        Act::Cut(12),
        Act::Raw(b"220 mail.test ESMTP\r\n".into()),
        Act::Raw(b"HTTP/1.1 100 Continue\r\n\r\n".into()),
        Act::Answer(200, "<html>welcome</html>".into()),
    ] {
        holds(act, 7000, "unknown", 1).await;
    }
}

#[tokio::test]
async fn a_request_that_the_server_stops_reading_surely_was_not_sent() {
    let stub = Stub::start().unwrap();
    for act in [Act::Close(When::Before), Act::Reset(When::Amid), Act::Close(When::Amid)] {
        let client = client(&stub);
        stub.script([act.clone()]);
        let answer = send(&client, LARGE).await;
        assert_eq!(word(&answer), "provider", "{act:?} {answer}");
    }
    let hasty = Client::new(SesConfig { timeout: 4 * SHORT, ..config(stub.url()) }).unwrap();
    stub.script([Act::Stall(When::Before)]);
    let answer = send(&hasty, LARGE).await;
    assert!(matches!(answer.failure(), Some(Failure::TimedOut(_))), "{answer}");
    assert_eq!((word(&answer), stub.complete(), stub.seen().len()), ("provider", 0, 4));
}

#[tokio::test]
async fn a_request_that_broke_on_a_kept_connection_goes_out_once_more_and_arrives_once() {
    for act in [Act::Reset(When::Amid), Act::Close(When::Before)] {
        let stub = Stub::start().unwrap();
        let client = client(&stub);
        stub.script([Act::Accept, act.clone()]);
        assert_eq!(word(&send(&client, 10).await), "accepted");

        let answer = send(&client, LARGE).await;

        assert_eq!(word(&answer), "accepted", "{act:?} {answer}");
        assert_eq!((stub.complete(), client.counts().retried), (2, 1), "one for each call");
    }
}

#[tokio::test]
async fn a_second_connection_that_breaks_is_the_end() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    let reset = Act::Reset(When::Amid);
    stub.script([Act::Accept, reset.clone(), reset]);
    assert_eq!(word(&send(&client, 10).await), "accepted");

    assert_eq!(word(&send(&client, LARGE).await), "provider");

    assert_eq!((stub.complete(), stub.opened()), (1, 2));
}

#[tokio::test]
async fn a_verdict_before_the_last_byte_is_heard() {
    let stub = Stub::start().unwrap();
    let client = Client::new(SesConfig { timeout: 3 * SHORT, ..config(stub.url()) }).unwrap();
    let too_large = "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stub.script([Act::Raw(too_large.into())]);
    assert_eq!(word(&send(&client, 10).await), "rejected");
    stub.script([Act::Early(too_large.into())]);

    let answer = client.send_email(&crate::support::email(&vec![b'x'; LARGE], &[])).await;

    assert_eq!(word(&answer), "rejected", "{answer}");
}

#[tokio::test]
async fn nobody_there_is_surely_not_sent() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    drop(stub);

    let answer = send(&client, 7000).await;

    assert!(matches!(answer.failure(), Some(Failure::Connect(_))), "{answer}");
    assert_eq!(word(&answer), "provider");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_until_somebody_mends_them() {
    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::{ProvideCredentials, future};

    #[derive(Debug)]
    struct Nobody;
    impl ProvideCredentials for Nobody {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("nobody")))
        }
    }
    let stub = Stub::start().unwrap();
    let config =
        SesConfig { endpoint: Some(stub.url()), ..SesConfig::new("eu-west-1", Nobody, crate::support::now) };
    let client = Client::new(config).unwrap();

    assert_eq!(word(&send(&client, 10).await), "configuration");
    assert_eq!(stub.opened(), 0);
}

#[tokio::test]
async fn a_slow_answer_is_waited_for_and_names_its_id() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    stub.script([Act::Slow(SHORT)]);
    let answer = send(&client, 7000).await;
    assert!(matches!(&answer, Answer::Accepted { message_id: Some(id) } if id == "stub-1"), "{answer}");
}

#[tokio::test]
async fn a_request_is_what_the_reference_says() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    let tags = [("campaign", "7")];
    let _ = client.send_email(&crate::support::email(b"Subject: a\r\n\r\nb\r\n", &tags)).await;

    let seen = stub.seen().remove(0);

    assert_eq!((seen.target.as_str(), seen.status), ("POST /v2/email/outbound-emails", Some(200)));
    let header =
        |name: &str| seen.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("x-amz-security-token"), Some("token/=="));
    assert_eq!(header("x-amz-date"), Some("20261122T083500Z"));
    assert_eq!(header("host"), Some(stub.address().to_string().as_str()));
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body["Destination"]["ToAddresses"][0], "fan@rcpt.test");
}

#[tokio::test]
async fn the_account_is_asked_for_once_and_remembered() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    stub.script([Act::Slow(SHORT)]);
    let (first, second) = tokio::join!(client.known_account(), client.known_account());
    assert_eq!((first, first.map(|account| account.max_send_rate)), (second, Some(14.0)));
    assert!(client.known_account().await.is_some());
    assert_eq!(stub.complete(), 1);
}

#[tokio::test]
async fn an_account_that_is_too_old_is_asked_for_again_and_stands_if_nobody_answers() {
    let stub = Stub::start().unwrap();
    let account_age = std::time::Duration::ZERO;
    let client = Client::new(SesConfig { account_age, ..config(stub.url()) }).unwrap();
    stub.script([Act::Refuse(500, "", ""), Act::Accept, Act::Close(When::After)]);
    let mut known = Vec::new();
    for _ in 0..4 {
        known.push(client.known_account().await.is_some());
    }
    assert_eq!((known, stub.complete()), (vec![false, true, true, true], 4));
}

#[tokio::test]
async fn the_account_is_told_or_the_reason_why_not() {
    let stub = Stub::start().unwrap();
    let client = client(&stub);
    let account = client.account().await.unwrap();
    assert_eq!((account.max_send_rate, account.max_24_hour_send), (14.0, Some(50_000.0)));
    assert_eq!(account.enforcement_status, Enforcement::Healthy);

    stub.script([Act::Refuse(429, "TooManyRequestsException", "slow down"), Act::Answer(200, "{}".into())]);
    assert!(matches!(client.account().await, Err(Failure::Refused(why)) if why.status() == Some(429)));
    assert!(matches!(client.account().await, Err(Failure::Protocol(_))));
}
