//! Every step has its own time-out, and says which it was.

use std::time::Duration;

use fanmail_smtp::{Credentials, Mechanism, Outcome, Pool, ServerConfig, Timeouts};

use crate::script::{Act, Mode, Said};
use crate::server::Server;
use crate::{MESSAGE, PATIENT, SHORT, config, huge_message, is_accepted, pool, send};

/// Far above what is short, far below what is patient.
async fn in_time(send: impl Future<Output = Outcome>) -> Outcome {
    tokio::time::timeout(25 * SHORT, send).await.expect("the short time-out had no effect")
}

/// The server falls silent at `verb`, and only the time-outs that `shorten` changes are short.
async fn silent_at(
    mode: Mode,
    verb: &'static str,
    message: &[u8],
    shorten: impl FnOnce(&mut Timeouts),
) -> String {
    let server = Server::start_in(mode, move |said| match said.session {
        // A body that is read would be read to its end.
        0 if said.verb == verb && verb == "BODY" => Act::Deaf(None),
        0 if said.verb == verb => Act::Silence,
        _ => Act::Usual,
    })
    .await;
    let mut config = config(&server);
    config.credentials =
        Some(Credentials { user: "u".to_owned(), password: "p".to_owned(), mechanism: Mechanism::Any });
    shorten(&mut config.timeouts);
    let hasty = Pool::new(config);

    let outcome = in_time(hasty.send(crate::message(message).into())).await;

    if verb != "BODY" {
        server.until(|log| log.closed == [0]).await;
    }
    assert!(is_accepted(&send(&pool(&server)).await), "the server is well otherwise");
    outcome.to_string()
}

#[tokio::test]
async fn each_step_ends_at_its_own_time_out() {
    let command = |t: &mut Timeouts| t.command = SHORT;
    let out = |phase: &str| format!("deferred by server at {phase}: time ran out after 200 ms");

    for mode in Mode::WITH_DATA {
        assert_eq!(silent_at(mode, "CONNECT", MESSAGE, |t| t.greeting = SHORT).await, out("greeting"));
        assert_eq!(silent_at(mode, "EHLO", MESSAGE, command).await, out("EHLO"));
        assert_eq!(silent_at(mode, "AUTH", MESSAGE, command).await, out("AUTH"));
        assert_eq!(silent_at(mode, "MAIL", MESSAGE, command).await, out("MAIL"));
        assert_eq!(silent_at(mode, "RCPT", MESSAGE, command).await, out("RCPT"));
        assert_eq!(silent_at(mode, "DATA", MESSAGE, |t| t.data_initiation = SHORT).await, out("DATA"));
        let body = silent_at(mode, "BODY", &huge_message(), |t| t.data_block = SHORT).await;
        assert_eq!(body, out("message body"));
    }
    let unknown = "unknown: time ran out after 200 ms";
    for mode in Mode::ALL {
        assert_eq!(silent_at(mode, ".", MESSAGE, |t| t.end_of_data = SHORT).await, unknown);
    }
    assert_eq!(silent_at(Mode::Chunked, "MAIL", MESSAGE, command).await, unknown, "the chunk is written");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_ends_at_its_time_out() {
    // Nobody accepts and the queue is full, so Linux drops further requests without a word.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(Ok(tcp)) = tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(tcp);
    }

    let timeouts = Timeouts { connect: SHORT, ..PATIENT };
    let config = ServerConfig { timeouts, ..ServerConfig::new("127.0.0.1", address.port()) };
    let outcome = in_time(send(&Pool::new(config))).await;

    let text = outcome.to_string();
    assert!(text.starts_with("deferred by server at connect: time ran out after "), "{text}");
}

#[tokio::test]
async fn waiting_for_a_connection_ends_at_its_time_out() {
    let server = Server::start(|said| if said.first("RCPT") { Act::Silence } else { Act::Usual }).await;
    let mut config = ServerConfig { max_conns: 1, ..config(&server) };
    config.timeouts.wait = SHORT;
    let pool = Pool::new(config);

    let busy = tokio::spawn({
        let pool = pool.clone();
        async move { send(&pool).await }
    });
    server.until(|log| log.heard.iter().any(|(_, line)| line.starts_with("RCPT"))).await;
    let outcome = send(&pool).await;

    let expected = "deferred by server at waiting for a connection: \
                    no connection of the pool became free within 200 ms";
    assert_eq!(outcome.to_string(), expected);
    busy.abort();
}

#[tokio::test]
async fn one_message_ends_within_its_budget_wherever_the_server_falls_silent() {
    let budget = Duration::from_millis(1500);
    let verbs = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."];
    for (verb, mode) in
        verbs.into_iter().flat_map(|verb| [Mode::Lockstep, Mode::Pipelined].map(|m| (verb, m)))
    {
        let silent = move |said: &Said| if said.verb == verb { Act::Silence } else { Act::Usual };
        let server = Server::start_in(mode, silent).await;
        let timeouts = Timeouts::default().within(budget);
        let pool = Pool::new(ServerConfig { timeouts, ..config(&server) });
        let ended = tokio::time::timeout(budget, send(&pool)).await;
        assert!(ended.is_ok(), "silent at {verb}");
    }
}

#[tokio::test]
async fn a_slow_server_gets_what_is_left_of_the_budget_and_not_a_share_per_step() {
    let budget = Duration::from_secs(4);
    let server = Server::start(|said| if said.verb == "RCPT" { Act::Silence } else { Act::Usual }).await;
    let timeouts = Timeouts::default().within(budget);
    let begun = std::time::Instant::now();
    let outcome = send(&Pool::new(ServerConfig { timeouts, ..config(&server) })).await;
    let waited = begun.elapsed();
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome}");
    assert!(waited > budget / 3 && waited < budget * 3 / 4, "{waited:?}");
}
