//! The dialogue of each AUTH mechanism, and what a refusal means.

use fanmail_smtp::{Credentials, Mechanism, Outcome, Pool, ServerConfig};

use crate::script::{Act, Said, say};
use crate::server::Server;
use crate::{config, is_accepted, send};

fn login(server: &Server, mechanism: Mechanism) -> Pool {
    let (user, password) = ("fan".to_owned(), "geheim".to_owned());
    Pool::new(ServerConfig { credentials: Some(Credentials { user, password, mechanism }), ..config(server) })
}

/// A server that offers `auth` and knows exactly these lines and its replies to them.
async fn server(auth: &'static str, dialogue: &'static [(&'static str, &'static str)]) -> Server {
    Server::start(move |said: &Said| match said.verb.as_str() {
        "EHLO" => say(&format!("250-mx.test\r\n250 {auth}")),
        "AUTH" | "TEXT" => match dialogue.iter().find(|(line, _)| *line == said.line) {
            Some((_, reply)) => say(reply),
            None => say("535 5.7.8 not what was expected"),
        },
        _ => Act::Usual,
    })
    .await
}

async fn outcome(
    mechanism: Mechanism,
    auth: &'static str,
    dialogue: &'static [(&'static str, &'static str)],
) -> Outcome {
    let server = server(auth, dialogue).await;
    let outcome = send(&login(&server, mechanism)).await;
    assert_eq!(server.heard("MAIL"), usize::from(is_accepted(&outcome)));
    outcome
}

/// base64 of NUL fan NUL geheim
const PLAIN: (&str, &str) = ("AUTH PLAIN AGZhbgBnZWhlaW0=", "235 2.7.0 welcome");

#[tokio::test]
async fn plain_is_one_command() {
    for mechanism in [Mechanism::Plain, Mechanism::Any] {
        let outcome = outcome(mechanism, "AUTH LOGIN PLAIN", &[PLAIN]).await;
        assert!(is_accepted(&outcome), "{outcome}");
    }
}

const LOGIN: [(&str, &str); 3] =
    [("AUTH LOGIN", "334 VXNlcm5hbWU6"), ("ZmFu", "334 UGFzc3dvcmQ6"), ("Z2VoZWlt", "235 2.7.0 welcome")];

#[tokio::test]
async fn login_is_three() {
    let by_name = outcome(Mechanism::Login, "AUTH PLAIN LOGIN", &LOGIN).await;
    assert!(is_accepted(&by_name), "{by_name}");
    let by_offer = outcome(Mechanism::Any, "AUTH LOGIN", &LOGIN).await;
    assert!(is_accepted(&by_offer), "{by_offer}");
}

#[tokio::test]
async fn cram_md5_answers_the_challenge() {
    // The challenge is `<1@mx.test>`; the answer was made with Python's hmac module.
    let dialogue = &[
        ("AUTH CRAM-MD5", "334 PDFAbXgudGVzdD4="),
        ("ZmFuIDc1ZmRiNWFmN2E5ZmZhOGEyY2FjMzc1OTljYzgwZGZl", "235 2.7.0 welcome"),
    ];
    for mechanism in [Mechanism::CramMd5, Mechanism::Any] {
        let outcome = outcome(mechanism, "AUTH CRAM-MD5 XOAUTH2", dialogue).await;
        assert!(is_accepted(&outcome), "{outcome}");
    }
}

#[tokio::test]
async fn a_challenge_that_is_none_gets_no_answer() {
    let outcome = outcome(Mechanism::CramMd5, "AUTH CRAM-MD5", &[("AUTH CRAM-MD5", "334 <1@mx.test>")]).await;
    assert_eq!(outcome.to_string(), "deferred by server at AUTH: the server did not keep to SMTP");
}

/// base64 of `user=fan^Aauth=Bearer geheim^A^A`
const BEARER: &str = "AUTH XOAUTH2 dXNlcj1mYW4BYXV0aD1CZWFyZXIgZ2VoZWltAQE=";

#[tokio::test]
async fn xoauth2_is_one_command() {
    let outcome = outcome(Mechanism::XOAuth2, "AUTH PLAIN XOAUTH2", &[(BEARER, "235 2.7.0 welcome")]).await;
    assert!(is_accepted(&outcome), "{outcome}");
}

#[tokio::test]
async fn the_explanation_of_a_refused_token_is_answered_by_an_empty_line() {
    let dialogue = &[(BEARER, "334 eyJzdGF0dXMiOiI0MDAifQ=="), ("", "535 5.7.8 token expired")];
    let outcome = outcome(Mechanism::XOAuth2, "AUTH XOAUTH2", dialogue).await;
    assert_eq!(outcome.to_string(), "misconfigured, seen at AUTH: the server answered 535 5.7.8");
}

#[tokio::test]
async fn a_question_too_many_ends_the_session() {
    let asking: [(Mechanism, &'static str, &'static [_]); 3] = [
        (Mechanism::Plain, "AUTH PLAIN", &[("AUTH PLAIN AGZhbgBnZWhlaW0=", "334 ")]),
        (Mechanism::Login, "AUTH LOGIN", &[LOGIN[0], LOGIN[1], ("Z2VoZWlt", "334 bW9yZQ==")]),
        (Mechanism::XOAuth2, "AUTH XOAUTH2", &[(BEARER, "334 e30="), ("", "334 e30=")]),
    ];
    for (mechanism, auth, dialogue) in asking {
        let outcome = outcome(mechanism, auth, dialogue).await;
        assert_eq!(outcome.to_string(), "deferred by server at AUTH: the server answered 334", "{mechanism}");
    }
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_a_wrong_setting() {
    let outcome = outcome(Mechanism::XOAuth2, "AUTH PLAIN LOGIN", &[]).await;
    let expected = "misconfigured, seen at AUTH: the server offers AUTH PLAIN and LOGIN, not XOAUTH2";
    assert_eq!(outcome.to_string(), expected);
}

#[tokio::test]
async fn what_a_mechanism_cannot_carry_is_refused_before_it_is_said() {
    for (mechanism, password) in [(Mechanism::Plain, "a\0b"), (Mechanism::XOAuth2, "a\x01b")] {
        let server = server("AUTH PLAIN XOAUTH2", &[]).await;
        let credentials = Credentials { user: "fan".to_owned(), password: password.to_owned(), mechanism };
        let outcome =
            send(&Pool::new(ServerConfig { credentials: Some(credentials), ..config(&server) })).await;
        assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome}");
        assert_eq!(server.heard("AUTH"), 0);
    }
}

#[tokio::test]
async fn no_text_about_a_failure_holds_the_password() {
    let server = server("AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2", &[]).await;
    for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5, Mechanism::XOAuth2] {
        let pool = login(&server, mechanism);
        let outcome = send(&pool).await;
        let probe = pool.probe().await.unwrap_err();
        let texts = format!("{outcome} {outcome:?} {probe} {probe:?} {pool:?}");
        for secret in ["geheim", "Z2VoZWlt", "AGZhbgBnZWhlaW0="] {
            assert!(!texts.contains(secret), "{texts}");
        }
    }
}
