//! Greeting, EHLO, AUTH, QUIT and the probe.

use fanmail_smtp::{Connection, Credentials, Mechanism, Mechanisms, Outcome, Pool, ServerConfig};

use crate::script::{Act, Said, say};
use crate::server::Server;
use crate::{MESSAGE, PATIENT, SHORT, config, is_accepted, message, pool, send};

fn with_login(server: &Server) -> ServerConfig {
    let credentials =
        Credentials { user: "fan".to_owned(), password: "geheim".to_owned(), mechanism: Mechanism::Any };
    ServerConfig { credentials: Some(credentials), ..config(server) }
}

async fn probe(server: &Server) -> String {
    match Pool::new(with_login(server)).probe().await {
        Ok(()) => "well".to_owned(),
        Err(err) => err.to_string().replace(&server.port.to_string(), "PORT"),
    }
}

#[tokio::test]
async fn a_session_says_ehlo_and_learns_what_is_offered() {
    let server = Server::friendly().await;
    let connection =
        Connection::connect(&ServerConfig { hello: "sender.test".to_owned(), ..config(&server) })
            .await
            .unwrap();

    assert_eq!(server.heard("EHLO sender.test"), 1);
    assert_eq!(connection.capabilities().max_size, Some(50_000_000));
    assert_eq!(
        connection.capabilities().auth,
        Some(Mechanisms { plain: true, login: true, ..Mechanisms::default() })
    );
}

#[tokio::test]
async fn a_server_without_ehlo_gets_helo() {
    let server = Server::start(|said| if said.verb == "EHLO" { say("502 what?") } else { Act::Usual }).await;
    let mut connection = Connection::connect(&config(&server)).await.unwrap();
    assert!(is_accepted(&connection.send(&message(MESSAGE)).await));
    assert_eq!((server.heard("HELO localhost"), server.heard("MAIL FROM:<shop@sender.test> ")), (1, 0));
}

#[tokio::test]
async fn a_hello_name_that_would_break_the_line_is_refused() {
    let server = Server::friendly().await;
    for hello in ["", "a b", "a\r\nMAIL FROM:<x@y>"] {
        let outcome = send(&Pool::new(ServerConfig { hello: hello.to_owned(), ..config(&server) })).await;
        assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{hello:?}: {outcome}");
    }
    assert_eq!(server.sessions(), 0);
}

#[tokio::test]
async fn replies_are_read_wherever_the_network_cuts_them() {
    let cut = |text: &'static str, at: usize| {
        let (a, b) = text.as_bytes().split_at(at.min(text.len()));
        Act::Pieces(vec![a.to_vec(), b.to_vec()])
    };
    for at in 0..=48 {
        let server = Server::start(move |said: &Said| match said.verb.as_str() {
            "CONNECT" => cut("220-mx.test\r\n220-we watch you\r\n220 ready\r\n", at),
            "EHLO" => cut("250-mx.test\r\n250-SIZE 1000\r\n250 8BITMIME\r\n", at),
            "MAIL" => cut("250-2.1.0 sender\r\n250 2.1.0 ok\r\n", at),
            "." => Act::StoreAnd(Box::new(cut("250-2.0.0 queued\r\n250 2.0.0 as 1\r\n", at))),
            _ => Act::Usual,
        })
        .await;
        let outcome = send(&pool(&server)).await;
        assert!(is_accepted(&outcome), "cut at {at}: {outcome}");
        assert_eq!(outcome.reply().unwrap().text(), "2.0.0 queued\n2.0.0 as 1");
    }
}

#[tokio::test]
async fn nothing_is_said_about_auth_without_credentials() {
    let server = Server::friendly().await;
    assert!(is_accepted(&send(&pool(&server)).await));
    assert_eq!(server.heard("AUTH"), 0);
}

#[tokio::test]
async fn refused_credentials_are_a_wrong_setting_and_not_a_deferral() {
    let server =
        Server::start(|said| if said.verb == "AUTH" { say("535 5.7.8 no") } else { Act::Usual }).await;
    let outcome = send(&Pool::new(with_login(&server))).await;
    assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome}");
    assert_eq!(outcome.to_string(), "misconfigured, seen at AUTH: the server answered 535 5.7.8");
    assert_eq!(server.heard("MAIL"), 0);

    let server =
        Server::start(|said| if said.verb == "AUTH" { say("454 4.7.0 later") } else { Act::Usual }).await;
    let outcome = send(&Pool::new(with_login(&server))).await;
    assert_eq!(outcome.to_string(), "deferred by server at AUTH: the server answered 454 4.7.0");
}

#[tokio::test]
async fn missing_credentials_are_a_wrong_setting() {
    let server =
        Server::start(|said| if said.verb == "MAIL" { say("530 5.7.0 log in") } else { Act::Usual }).await;
    let outcome = send(&pool(&server)).await;
    assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome}");
}

#[tokio::test]
async fn quit_is_said_and_answered() {
    let server = Server::friendly().await;
    Connection::connect(&config(&server)).await.unwrap().quit().await;
    server.until(|log| log.closed == [0]).await;
    assert_eq!(server.heard("QUIT"), 1);
}

#[tokio::test]
async fn a_dropped_handshake_closes_its_connection() {
    let server = Server::start(|said| if said.verb == "EHLO" { Act::Silence } else { Act::Usual }).await;
    let config = config(&server);
    tokio::select! {
        _ = Connection::connect(&config) => panic!("nothing answers EHLO"),
        () = server.until(|log| !log.heard.is_empty()) => {}
    }
    server.until(|log| log.closed == [0]).await;
}

#[tokio::test]
async fn the_probe_says_in_one_sentence_what_is_wrong() {
    let answering = |verb: &'static str, reply: &'static str| {
        Server::start(move |said: &Said| if said.verb == verb { say(reply) } else { Act::Usual })
    };
    let table = [
        ("NOOP", "", "well"),
        ("CONNECT", "554 5.3.2 no", "127.0.0.1:PORT refuses service: it greets with 554 5.3.2"),
        (
            "CONNECT",
            "SSH-2.0-x",
            "what listens at 127.0.0.1:PORT does not speak SMTP, or expects TLS from the start",
        ),
        ("EHLO", "421 busy", "127.0.0.1:PORT failed at EHLO: the server answered 421"),
        (
            "EHLO",
            "250 mx",
            "credentials are configured for 127.0.0.1:PORT, but the server offers no AUTH (many do only under TLS)",
        ),
        ("AUTH", "535 5.7.8 no", "127.0.0.1:PORT refused the credentials: 535 5.7.8"),
        ("AUTH", "454 4.7.0 no", "127.0.0.1:PORT cannot check the credentials now: 454 4.7.0"),
    ];
    for (verb, reply, sentence) in table {
        let server = answering(verb, reply).await;
        assert_eq!(probe(&server).await, sentence);
    }
}

#[tokio::test]
async fn the_probe_tells_silence_and_absence_apart() {
    let server = Server::start(|_| Act::Silence).await;
    let mut config = config(&server);
    config.timeouts.greeting = SHORT;
    let err = Pool::new(config).probe().await.unwrap_err().to_string();
    assert!(
        err.ends_with("sent no greeting within 200 ms: it is slow, or expects TLS from the start"),
        "{err}"
    );

    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    let config = ServerConfig { timeouts: PATIENT, ..ServerConfig::new("127.0.0.1", port) };
    let err = Pool::new(config).probe().await.unwrap_err().to_string();
    assert!(err.contains("refuses connections"), "{err}");
}

#[tokio::test]
async fn the_probed_connection_serves_the_next_message() {
    let server = Server::friendly().await;
    let pool = Pool::new(with_login(&server));
    pool.probe().await.unwrap();
    assert!(is_accepted(&send(&pool).await));
    assert_eq!(server.sessions(), 1);
}
