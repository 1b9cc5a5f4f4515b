//! What may happen to one message, case by case and in every mode: what the client says, and the truth at the server.

use fanmail_smtp::{Pool, ServerConfig};

use crate::script::{Act, Mode, Said, say};
use crate::server::Server;
use crate::{MESSAGE, PATIENT, SHORT, config, huge_message, is_accepted, message, pool, send};

/// The first message meets `script`. Checks the client's words, the server's truth, how many connections
/// it took to send another message afterwards, and that this one arrived.
pub(crate) async fn case(
    modes: &[Mode],
    said: &str,
    kept: usize,
    connections: usize,
    script: impl Fn(&Said) -> Act + Clone + Send + Sync + 'static,
) {
    case_with(modes, MESSAGE, said, kept, connections, script).await;
}

async fn case_with(
    modes: &[Mode],
    text: &[u8],
    said: &str,
    kept: usize,
    connections: usize,
    script: impl Fn(&Said) -> Act + Clone + Send + Sync + 'static,
) {
    for &mode in modes {
        let server = Server::start_in(mode, script.clone()).await;
        let pool = pool(&server);

        let outcome = pool.send(message(text).into()).await;
        assert!(outcome.to_string().starts_with(said), "{mode:?}: expected {said:?}, got {outcome}");
        assert_eq!(server.stored(), kept, "{mode:?}: {said}");

        let next = send(&pool).await;
        assert!(is_accepted(&next), "{mode:?}: after {said}: {next}");
        assert_eq!(server.stored(), kept + 1, "{mode:?}: the first one was not sent again: {said}");
        assert_eq!(server.sessions(), connections, "{mode:?}: {said}");
    }
}

fn at(verb: &'static str, reply: &'static str) -> impl Fn(&Said) -> Act + Clone + Send + Sync + 'static {
    move |said| if said.first(verb) { say(reply) } else { Act::Usual }
}

fn closing_at(
    verb: &'static str,
    reply: &'static str,
) -> impl Fn(&Said) -> Act + Clone + Send + Sync + 'static {
    move |said| if said.first(verb) { Act::SayAndClose(reply.to_owned()) } else { Act::Usual }
}

#[tokio::test]
async fn accepted_is_told_with_the_servers_reply() {
    for mode in Mode::ALL {
        let server = Server::start_in(mode, |_| Act::Usual).await;
        let outcome = send(&pool(&server)).await;
        assert!(is_accepted(&outcome) && outcome.reply().unwrap().text() == "2.0.0 queued", "{outcome}");
        assert_eq!(server.stored(), 1);
        assert_eq!(server.heard("BDAT"), usize::from(mode == Mode::Chunked), "the test's own premise");
    }
}

#[tokio::test]
async fn refusals_leave_the_connection_usable() {
    case(&Mode::ALL, "rejected at MAIL: the server answered 550 5.1.8", 0, 1, at("MAIL", "550 5.1.8 no"))
        .await;
    case(&Mode::ALL, "rejected at RCPT: the server answered 550 5.1.1", 0, 1, at("RCPT", "550 5.1.1 who?"))
        .await;
    case(&Mode::WITH_DATA, "rejected at DATA: the server answered 554", 0, 1, at("DATA", "554 no")).await;
    case(
        &Mode::ALL,
        "rejected at end of data: the server answered 550 5.7.1",
        0,
        1,
        at(".", "550 5.7.1 spam"),
    )
    .await;
}

#[tokio::test]
async fn deferrals_leave_the_connection_usable() {
    case(&Mode::ALL, "deferred by server at MAIL: the server answered 451", 0, 1, at("MAIL", "451 later"))
        .await;
    case(
        &Mode::ALL,
        "deferred by server at MAIL: the server answered 454",
        0,
        1,
        at("MAIL", "454 Throttling failure"),
    )
    .await;
    case(
        &Mode::ALL,
        "deferred by recipient at RCPT: the server answered 450",
        0,
        1,
        at("RCPT", "450 greylisted"),
    )
    .await;
    case(
        &Mode::WITH_DATA,
        "deferred by recipient at DATA: the server answered 451",
        0,
        1,
        at("DATA", "451 later"),
    )
    .await;
    case(
        &Mode::ALL,
        "deferred by recipient at end of data: the server answered 451",
        0,
        1,
        at(".", "451 later"),
    )
    .await;
    case(
        &Mode::ALL,
        "deferred by server at end of data: the server answered 454",
        0,
        1,
        at(".", "454 Throttling"),
    )
    .await;
}

#[tokio::test]
async fn a_refusal_before_the_body_is_followed_by_rset() {
    for verb in ["RCPT", "DATA"] {
        let server = Server::start(at(verb, "550 no")).await;
        let pool = pool(&server);
        let _ = send(&pool).await;
        assert_eq!(server.heard("RSET"), 0, "the outcome does not wait for it");
        assert!(is_accepted(&send(&pool).await));
        assert!(is_accepted(&send(&pool).await));
        assert_eq!(server.heard("RSET"), 1, "after {verb}");
    }
}

#[tokio::test]
async fn service_closing_is_about_the_server_and_ends_the_connection() {
    case(
        &Mode::ALL,
        "deferred by server at MAIL: the server answered 421",
        0,
        2,
        closing_at("MAIL", "421 bye"),
    )
    .await;
    case(
        &Mode::ALL,
        "deferred by server at RCPT: the server answered 421",
        0,
        2,
        closing_at("RCPT", "421 bye"),
    )
    .await;
    case(
        &Mode::WITH_DATA,
        "deferred by server at DATA: the server answered 421",
        0,
        2,
        closing_at("DATA", "421 bye"),
    )
    .await;
    case(
        &Mode::ALL,
        "deferred by server at end of data: the server answered 421",
        0,
        2,
        closing_at(".", "421 bye"),
    )
    .await;
}

#[tokio::test]
async fn a_421_ends_the_connection_even_if_the_server_keeps_it_open() {
    case(&Mode::ALL, "deferred by server at RCPT: the server answered 421", 0, 2, at("RCPT", "421 bye"))
        .await;
}

#[tokio::test]
async fn a_connection_lost_before_the_body_is_surely_not() {
    for verb in ["MAIL", "RCPT", "DATA"] {
        let lost = format!("deferred by server at {verb}: ");
        case(&Mode::WITH_DATA, &lost, 0, 2, move |said| if said.first(verb) { Act::Fin } else { Act::Usual })
            .await;
        // A reset may overtake the replies before it.
        let rst = move |said: &Said| if said.first(verb) { Act::Rst } else { Act::Usual };
        case(&[Mode::Lockstep], &lost, 0, 2, rst).await;
        case(&[Mode::Pipelined, Mode::Lenient], "deferred by server at ", 0, 2, rst).await;
    }
}

#[tokio::test]
async fn a_refused_recipient_decides_whatever_else_is_missing() {
    for mode in [Mode::Pipelined, Mode::Lenient, Mode::Chunked] {
        let server = Server::start_in(mode, |said| match said.first("RCPT") {
            true => Act::SayAndClose("550 5.1.1 who?".to_owned()),
            false => Act::Usual,
        })
        .await;
        let outcome = send(&pool(&server)).await;
        assert_eq!(outcome.to_string(), "rejected at RCPT: the server answered 550 5.1.1", "{mode:?}");
    }
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body_is_surely_not() {
    let rst = |said: &Said| if said.first("BODY") { Act::Rst } else { Act::Usual };
    case_with(
        &Mode::ALL,
        &huge_message(),
        "deferred by server at message body: the connection broke",
        0,
        2,
        rst,
    )
    .await;
}

#[tokio::test]
async fn a_verdict_in_the_middle_of_the_body_is_heard() {
    for mode in Mode::WITH_DATA {
        let server = Server::start_in(mode, |said| match said.first("BODY") {
            true => Act::Deaf(Some("552 5.3.4 too big after all".to_owned())),
            false => Act::Usual,
        })
        .await;
        let mut config = config(&server);
        config.timeouts.data_block = SHORT;
        let pool = Pool::new(config);

        let outcome = pool.send(message(&huge_message()).into()).await;

        assert_eq!(outcome.to_string(), "rejected at message body: the server answered 552 5.3.4");
        assert!(is_accepted(&send(&pool).await));
        assert_eq!(server.sessions(), 2, "a message broken off cannot be taken back");
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_dot_is_unknown_whatever_the_truth() {
    let unknown = "unknown: ";
    case(&Mode::ALL, unknown, 0, 2, |said| if said.first(".") { Act::Rst } else { Act::Usual }).await;
    case(&Mode::ALL, unknown, 0, 2, |said| if said.first(".") { Act::Fin } else { Act::Usual }).await;
    let stored = |act: fn() -> Act| {
        move |said: &Said| if said.first(".") { Act::StoreAnd(Box::new(act())) } else { Act::Usual }
    };
    case(&Mode::ALL, unknown, 1, 2, stored(|| Act::Rst)).await;
    case(&Mode::ALL, unknown, 1, 2, stored(|| Act::Fin)).await;
}

#[tokio::test]
async fn a_connection_in_use_that_is_lost_after_the_dot_is_unknown_too() {
    for mode in Mode::ALL {
        let server = Server::start_in(mode, |said| match (said.message, said.verb.as_str()) {
            (1, ".") => Act::StoreAnd(Box::new(Act::Rst)),
            _ => Act::Usual,
        })
        .await;
        let pool = pool(&server);
        assert!(is_accepted(&send(&pool).await));
        let outcome = send(&pool).await.to_string();
        assert!(outcome.starts_with("unknown: "), "{mode:?}: {outcome}");
        assert_eq!((server.stored(), server.sessions()), (2, 1), "{mode:?}");
    }
}

#[tokio::test]
async fn half_a_reply_or_garbage_after_the_dot_is_unknown() {
    for reply in ["250-2.0.0 que", "25", "250-ok\r\n550 no", "HTTP/1.1 200 OK", "354 go on", "\0\0\0"] {
        let stored = move |said: &Said| match said.first(".") {
            true => Act::StoreAnd(Box::new(Act::SayAndClose(reply.to_owned()))),
            false => Act::Usual,
        };
        case(&Mode::ALL, "unknown: ", 1, 2, stored).await;
    }
}

#[tokio::test]
async fn no_reply_to_the_dot_is_unknown() {
    for mode in Mode::ALL {
        let server = Server::start_in(mode, |said| match said.first(".") {
            true => Act::StoreAnd(Box::new(Act::Silence)),
            false => Act::Usual,
        })
        .await;
        let mut config = config(&server);
        config.timeouts.end_of_data = SHORT;
        let pool = Pool::new(config);

        let outcome = send(&pool).await;

        assert_eq!(outcome.to_string(), "unknown: time ran out after 200 ms", "{mode:?}");
        assert!(is_accepted(&send(&pool).await));
        assert_eq!((server.stored(), server.sessions()), (2, 2));
    }
}

#[tokio::test]
async fn connection_refused_is_about_the_server() {
    // Bound and not listening: refused, and nobody else can get the port meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();

    let config = ServerConfig { timeouts: PATIENT, ..ServerConfig::new("127.0.0.1", port) };
    let outcome = send(&Pool::new(config)).await;

    assert_eq!(outcome.to_string(), "deferred by server at connect: the server could not be reached");
}

#[tokio::test]
async fn a_name_without_an_address_is_about_the_server() {
    // RFC 6761 6.4: `.invalid` never resolves.
    let config = ServerConfig { timeouts: PATIENT, ..ServerConfig::new("fanmail.invalid", 25) };
    let outcome = send(&Pool::new(config)).await;
    assert!(outcome.to_string().starts_with("deferred by server at connect: "), "{outcome}");
}

#[tokio::test]
async fn a_refusal_before_the_first_message_is_about_the_server() {
    for reply in ["554 5.3.2 no service", "421 busy", "450 later", "HTTP/1.1 400 Bad Request"] {
        let server = Server::start(move |said| match said.session {
            0 if said.verb == "CONNECT" => say(reply),
            _ => Act::Usual,
        })
        .await;
        let pool = pool(&server);
        let outcome = send(&pool).await;
        assert!(outcome.to_string().starts_with("deferred by server at greeting: "), "{reply}: {outcome}");
        assert!(is_accepted(&send(&pool).await));
    }

    let server =
        Server::start(|said| if said.verb.ends_with("LO") { say("550 not you") } else { Act::Usual }).await;
    let outcome = send(&pool(&server)).await;
    assert_eq!(outcome.to_string(), "deferred by server at EHLO: the server answered 550");
}
