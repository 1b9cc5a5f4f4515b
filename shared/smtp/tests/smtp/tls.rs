//! STARTTLS and implicit TLS: what is encrypted, what is believed, and what failures mean then.

use fanmail_smtp::{Envelope, Message, Outcome, Pool, ServerConfig, Tls};
use rustls::HandshakeKind;
use tokio::task::JoinSet;

use crate::script::{Act, Said, say};
use crate::server::Server;
use crate::tls_front::{Front, Manner, WRONG};
use crate::{MESSAGE, SHORT, config, huge_message, is_accepted, message, send};

const GO: Manner = Manner::StartTls { answer: "220 2.0.0 go\r\n" };

/// One message to a front, without any other server behind it than a friendly one.
async fn outcome(manner: Manner, tls: Tls) -> (Outcome, Front, Server) {
    let server = Server::friendly().await;
    let front = Front::start(&server, manner).await;
    let outcome = send(&Pool::new(front.config(tls))).await;
    (outcome, front, server)
}

#[tokio::test]
async fn implicit_tls_begins_with_the_first_byte() {
    let (outcome, _front, server) = outcome(Manner::Implicit, Tls::Implicit).await;
    assert!(is_accepted(&outcome), "{outcome}");
    assert_eq!(server.stored(), 1);
}

#[tokio::test]
async fn after_starttls_everything_is_asked_again() {
    for tls in [Tls::Required, Tls::Opportunistic] {
        let (outcome, front, server) = outcome(GO, tls).await;
        assert!(is_accepted(&outcome), "the SIZE 1 offered in the clear was believed: {outcome}");
        assert_eq!(front.read(|log| log.clear.clone()), ["EHLO localhost", "STARTTLS"]);
        assert_eq!((server.heard("EHLO"), server.stored()), (1, 1));
    }
}

#[tokio::test]
async fn bytes_behind_the_220_end_the_connection() {
    let injected = Manner::StartTls { answer: "220 2.0.0 go\r\n250 SIZE 1000\r\n" };
    for tls in [Tls::Required, Tls::Opportunistic] {
        let (outcome, front, _server) = outcome(injected, tls).await;
        assert_eq!(outcome.to_string(), "deferred by server at TLS: the server did not keep to SMTP");
        assert_eq!(front.read(|log| (log.clear.len(), log.handshakes.len())), (2, 0));
    }
}

#[tokio::test]
async fn required_and_not_offered_sends_nothing() {
    let server = Server::friendly().await;
    let required = ServerConfig { tls: Tls::Required, ..config(&server) };
    let outcome = send(&Pool::new(required)).await;
    let expected = "misconfigured, seen at TLS: the server does not offer STARTTLS, which is required";
    assert_eq!(outcome.to_string(), expected);
    server.until(|log| log.closed == [0]).await;
    assert_eq!(
        server.read(|log| log.heard.iter().map(|h| h.1.clone()).collect::<Vec<_>>()),
        ["EHLO localhost", "QUIT"]
    );
}

#[tokio::test]
async fn required_and_refused_sends_nothing() {
    let table = [
        ("454 4.7.0 later\r\n", "deferred by server at TLS: the server answered 454 4.7.0"),
        ("421 4.3.2 bye\r\n", "deferred by server at TLS: the server answered 421 4.3.2"),
        ("502 5.5.1 what\r\n", "misconfigured, seen at TLS: the server answered 502 5.5.1"),
        ("250 fine\r\n", "deferred by server at TLS: the server answered 250"),
    ];
    for (answer, expected) in table {
        let (outcome, _front, server) = outcome(Manner::StartTls { answer }, Tls::Required).await;
        assert_eq!(outcome.to_string(), expected);
        assert_eq!(server.heard("MAIL"), 0);
    }
}

#[tokio::test]
async fn opportunistic_goes_on_in_the_clear_only_without_an_offer_or_after_a_refusal() {
    let server = Server::friendly().await;
    let opportunistic = ServerConfig { tls: Tls::Opportunistic, ..config(&server) };
    assert!(is_accepted(&send(&Pool::new(opportunistic)).await), "not offered");

    for answer in ["454 4.7.0 later\r\n", "502 5.5.1 what\r\n"] {
        let (outcome, front, server) = outcome(Manner::StartTls { answer }, Tls::Opportunistic).await;
        assert!(is_accepted(&outcome), "{outcome}");
        assert_eq!((front.read(|log| log.clear.len()), server.stored()), (2, 1));
    }

    for answer in ["220 go\r\n\x15\x03\x01\x00\x02\x02\x28", "421 4.3.2 bye\r\n"] {
        let (outcome, _front, server) = outcome(Manner::StartTls { answer }, Tls::Opportunistic).await;
        assert!(outcome.to_string().starts_with("deferred by server at TLS: "), "{outcome}");
        assert_eq!(server.heard("MAIL"), 0, "nothing was said in the clear");
    }
}

#[tokio::test]
async fn a_certificate_must_be_good_for_the_name_unless_told_otherwise() {
    let server = Server::friendly().await;
    let wrong = Front::with_certificate(&server, Manner::Implicit, WRONG).await;
    let right = Front::start(&server, Manner::Implicit).await;
    let unknown_issuer =
        ServerConfig { roots: fanmail_smtp::Roots::default(), ..right.config(Tls::Implicit) };
    for config in [wrong.config(Tls::Implicit), unknown_issuer] {
        let outcome = send(&Pool::new(config.clone())).await;
        assert_eq!(outcome.to_string(), "deferred by server at TLS: the TLS handshake failed");
        let lenient = ServerConfig { verify_certificate: false, ..config };
        assert!(is_accepted(&send(&Pool::new(lenient)).await));
    }
    assert_eq!(server.stored(), 2);
}

#[tokio::test]
async fn the_second_connection_resumes_the_session_of_the_first() {
    for (manner, tls) in [(Manner::Implicit, Tls::Implicit), (GO, Tls::Required)] {
        let server = Server::friendly().await;
        let front = Front::start(&server, manner).await;
        let pool = Pool::new(ServerConfig { max_messages_per_connection: 1, ..front.config(tls) });
        for _ in 0..3 {
            assert!(is_accepted(&send(&pool).await));
        }
        use HandshakeKind::{Full, Resumed};
        assert_eq!(front.read(|log| log.handshakes.clone()), [Full, Resumed, Resumed]);
    }
}

#[tokio::test]
async fn a_server_of_tls_1_2_is_served_and_resumed_as_well() {
    let server = Server::friendly().await;
    let front = Front::of_tls_1_2(&server, GO).await;
    let pool = Pool::new(ServerConfig { max_messages_per_connection: 2, ..front.config(Tls::Required) });
    for _ in 0..4 {
        assert!(is_accepted(&send(&pool).await));
    }
    assert_eq!(front.read(|log| log.handshakes.clone()), [HandshakeKind::Full, HandshakeKind::Resumed]);
    assert_eq!(pool.stats().counts().found_stale, 0);
}

#[tokio::test]
async fn one_connection_carries_many_messages() {
    let (_, front, server) = outcome(Manner::Implicit, Tls::Implicit).await;
    let pool = Pool::new(front.config(Tls::Implicit));
    for _ in 0..5 {
        assert!(is_accepted(&send(&pool).await));
    }
    assert_eq!((server.sessions(), server.stored()), (2, 6), "one of them from before");
    assert_eq!(pool.stats().counts().found_stale, 0);
}

#[tokio::test]
async fn messages_that_come_at_once_share_a_connection_and_keep_their_own_answers() {
    let script = |said: &Said| match said.verb.as_str() {
        "EHLO" => say("250-mx.test\r\n250-PIPELINING\r\n250 SIZE"),
        "RCPT" if said.line.contains("nobody") => say("550 5.1.1 who?"),
        _ => Act::Usual,
    };
    let server = Server::start(script).await;
    let front = Front::start(&server, Manner::Implicit).await;
    let pool = Pool::new(ServerConfig { max_conns: 1, ..front.config(Tls::Implicit) });
    let sending: JoinSet<_> = (0..60)
        .map(|n| {
            let (pool, exists) = (pool.clone(), n % 3 != 0);
            let to = if exists { format!("fan{n}@rcpt.test") } else { format!("nobody{n}@rcpt.test") };
            // Some are larger than a record of TLS.
            let text = "0123456789\r\n".repeat(1 + 500 * (n % 5));
            let message = Message::new(Envelope::new("", to).unwrap(), text.into());
            async move { is_accepted(&pool.send(message.into()).await) == exists }
        })
        .collect();

    assert!(sending.join_all().await.into_iter().all(|right| right));
    assert_eq!((server.sessions(), server.stored()), (1, 40));
}

#[tokio::test]
async fn an_idle_connection_that_ended_is_seen_without_a_round_trip() {
    for last_line in [None, Some("421 4.4.2 idle for too long")] {
        let server = Server::friendly().await;
        let front = Front::start(&server, Manner::Implicit).await;
        let pool = Pool::new(front.config(Tls::Implicit));
        assert!(is_accepted(&send(&pool).await));
        server.hang_up(0, last_line).await;
        front.until(|log| log.ended == 1).await;

        assert!(is_accepted(&send(&pool).await));
        let counts = pool.stats().counts();
        assert_eq!((counts.found_stale, counts.retried), (1, 0));
    }
}

/// The first message meets `script` behind TLS.
async fn case(text: &[u8], said: &str, kept: usize, script: impl Fn(&Said) -> Act + Send + Sync + 'static) {
    let server = Server::start(script).await;
    let front = Front::start(&server, Manner::Implicit).await;
    let mut config = front.config(Tls::Implicit);
    config.timeouts.data_block = 5 * SHORT;
    let pool = Pool::new(config);

    let outcome = pool.send(message(text).into()).await;
    assert!(outcome.to_string().starts_with(said), "expected {said:?}, got {outcome}");
    assert_eq!(server.stored(), kept, "{said}");

    assert!(is_accepted(&send(&pool).await), "after {said}");
    assert_eq!(server.stored(), kept + 1, "the first one was not sent again: {said}");
}

fn at(verb: &'static str, act: fn() -> Act) -> impl Fn(&Said) -> Act + Send + Sync + 'static {
    move |said| if said.first(verb) { act() } else { Act::Usual }
}

#[tokio::test]
async fn what_is_lost_before_the_end_of_the_body_is_surely_not_taken() {
    for verb in ["MAIL", "RCPT", "DATA"] {
        let lost = format!("deferred by server at {verb}: ");
        case(MESSAGE, &lost, 0, at(verb, || Act::Rst)).await;
        case(MESSAGE, &lost, 0, at(verb, || Act::Fin)).await;
    }
    case(&huge_message(), "deferred by server at message body: ", 0, at("BODY", || Act::Rst)).await;
    case(
        &huge_message(),
        "deferred by server at message body: time ran out",
        0,
        at("BODY", || Act::Deaf(None)),
    )
    .await;
}

#[tokio::test]
async fn what_is_lost_after_the_dot_is_unknown_whatever_the_truth() {
    case(MESSAGE, "unknown: ", 0, at(".", || Act::Rst)).await;
    case(MESSAGE, "unknown: ", 0, at(".", || Act::Fin)).await;
    case(MESSAGE, "unknown: ", 1, at(".", || Act::StoreAnd(Box::new(Act::Rst)))).await;
    case(MESSAGE, "unknown: ", 1, at(".", || Act::StoreAnd(Box::new(Act::Fin)))).await;
    let half = || Act::StoreAnd(Box::new(Act::SayAndClose("250-2.0.0 que".to_owned())));
    case(MESSAGE, "unknown: ", 1, at(".", half)).await;
}

#[tokio::test]
async fn a_verdict_in_the_middle_of_the_body_is_heard_though_bytes_still_wait() {
    let verdict = || Act::Deaf(Some("552 5.3.4 too big after all".to_owned()));
    let said = "rejected at message body: the server answered 552 5.3.4";
    case(&huge_message(), said, 0, at("BODY", verdict)).await;
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let server = Server::friendly().await;
    let front = Front::start(&server, Manner::Implicit).await;
    let text = huge_message();
    let outcome = Pool::new(front.config(Tls::Implicit)).send(message(&text).into()).await;
    assert!(is_accepted(&outcome), "{outcome}");
    assert!(server.read(|log| log.stored[0].body == text));
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_costs_one_time_out() {
    let server = Server::start(|_| Act::Silence).await;
    let mut config = ServerConfig { tls: Tls::Implicit, ..config(&server) };
    config.timeouts.command = SHORT;
    let outcome = send(&Pool::new(config)).await;
    assert_eq!(outcome.to_string(), "deferred by server at TLS: time ran out after 200 ms");
    server.until(|log| log.closed == [0]).await;
}

async fn probe(config: ServerConfig) -> String {
    let port = config.port.to_string();
    match Pool::new(config).probe().await {
        Ok(()) => "well".to_owned(),
        Err(err) => err.to_string().replace(&port, "PORT"),
    }
}

#[tokio::test]
async fn the_probe_says_what_is_wrong_with_tls() {
    let server = Server::start(|said| if said.verb == "CONNECT" { say("220 hi") } else { Act::Usual }).await;
    let right = Front::start(&server, Manner::Implicit).await;
    assert_eq!(probe(right.config(Tls::Implicit)).await, "well");

    let unverified = ServerConfig { roots: fanmail_smtp::Roots::default(), ..right.config(Tls::Implicit) };
    let sentence = probe(unverified).await;
    assert_eq!(
        sentence,
        "no encrypted connection to localhost:PORT came about: invalid peer certificate: UnknownIssuer"
    );

    let refusing = Front::start(&server, Manner::StartTls { answer: "454 4.7.0 later\r\n" }).await;
    assert_eq!(probe(refusing.config(Tls::Required)).await, "localhost:PORT refuses STARTTLS: 454 4.7.0");

    let plain = |tls| ServerConfig { tls, ..config(&server) };
    let sentence = "127.0.0.1:PORT does not offer STARTTLS, but the settings require it";
    assert_eq!(probe(plain(Tls::Required)).await, sentence);
    let sentence = "what listens at 127.0.0.1:PORT does not speak TLS from the start";
    assert_eq!(probe(plain(Tls::Implicit)).await, sentence);
}
