//! Several servers as one: who gets what, who is left out, and what moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fanmail_smtp::{
    self as smtp, Balance, BreakerSettings, DomainLimits, Envelope, Message, Outcome, Servers,
};

use crate::script::{Act, Said, say};
use crate::server::Server;
use crate::{MESSAGE, SHORT, config, is_accepted};

/// Out after the first failure, and for longer than a test.
pub(crate) const STRICT: BreakerSettings =
    BreakerSettings { failures: 1, pause: Duration::from_secs(600), longest_pause: Duration::from_secs(600) };

/// Never out.
pub(crate) const LENIENT: BreakerSettings = BreakerSettings { failures: u32::MAX, ..STRICT };

pub(crate) fn site(server: &Server, breaker: BreakerSettings) -> smtp::Server {
    smtp::Server { breaker, ..smtp::Server::new(config(server)) }
}

fn servers(all: &[&Server], balance: Balance, breaker: BreakerSettings) -> Servers {
    Servers::new(all.iter().map(|server| site(server, breaker)).collect(), balance, DomainLimits::default())
}

pub(crate) fn message(domain: &str) -> Arc<Message> {
    let envelope = Envelope::new("shop@sender.test", format!("fan@{domain}")).unwrap();
    Arc::new(Message::new(envelope, MESSAGE.into()))
}

pub(crate) async fn send(servers: &Servers) -> Outcome {
    servers.send(message("rcpt.test")).await
}

pub(crate) async fn send_well(servers: &Servers, count: usize) {
    for _ in 0..count {
        let outcome = send(servers).await;
        assert!(is_accepted(&outcome), "{outcome}");
    }
}

/// Says 421 instead of a greeting.
async fn failing() -> Server {
    Server::start(|said| match said.verb.as_str() {
        "CONNECT" => Act::SayAndClose("421 4.3.2 not now".to_owned()),
        _ => Act::Usual,
    })
    .await
}

#[tokio::test]
async fn round_robin_gives_each_the_same() {
    let (a, b, c) = (Server::friendly().await, Server::friendly().await, Server::friendly().await);
    send_well(&servers(&[&a, &b, &c], Balance::RoundRobin, STRICT), 9).await;
    assert_eq!([a.stored(), b.stored(), c.stored()], [3, 3, 3]);
}

#[tokio::test]
async fn weights_are_shares() {
    let (a, b) = (Server::friendly().await, Server::friendly().await);
    let heavy = smtp::Server { weight: 3, ..site(&a, STRICT) };
    let all = vec![heavy, site(&b, STRICT)];
    send_well(&Servers::new(all, Balance::Weighted, DomainLimits::default()), 8).await;
    assert_eq!([a.stored(), b.stored()], [6, 2]);
}

#[tokio::test]
async fn least_connections_avoids_who_is_slow() {
    let slow = Server::start(|said| if said.verb == "RCPT" { Act::Silence } else { Act::Usual }).await;
    let quick = Server::friendly().await;
    let servers = servers(&[&slow, &quick], Balance::LeastConnections, STRICT);
    let stuck = tokio::spawn({
        let servers = servers.clone();
        async move { send(&servers).await }
    });
    slow.until(|log| log.messages == 1).await;

    send_well(&servers, 5).await;

    assert_eq!((slow.heard("MAIL"), quick.stored()), (1, 5));
    assert_eq!(servers.status()[0].under_way, 1);
    stuck.abort();
    assert!(stuck.await.unwrap_err().is_cancelled());
    assert_eq!(servers.status()[0].under_way, 0, "a message that was broken off holds nothing");
}

#[tokio::test]
async fn a_domain_stays_with_its_server() {
    let (a, b) = (Server::friendly().await, Server::friendly().await);
    let servers = servers(&[&a, &b], Balance::DomainHash, STRICT);
    for n in 0..20 {
        for domain in [format!("shop{n}.test"), format!("SHOP{n}.test")] {
            assert!(is_accepted(&servers.send(message(&domain)).await));
        }
    }
    for server in [&a, &b] {
        let mut lines: Vec<_> =
            server.read(|log| log.stored.iter().map(|stored| stored.rcpt.to_lowercase()).collect());
        assert!(lines.len() >= 2, "all went to the other");
        lines.sort();
        assert!(lines.chunks(2).all(|pair| pair[0] == pair[1]), "{lines:?}");
    }
}

#[tokio::test]
async fn a_failing_server_is_left_alone_and_nothing_is_lost() {
    let (bad, good) = (failing().await, Server::friendly().await);
    let breaker = BreakerSettings { failures: 3, ..STRICT };
    let servers = servers(&[&bad, &good], Balance::RoundRobin, breaker);

    send_well(&servers, 20).await;

    assert_eq!((bad.sessions(), good.stored()), (3, 20));
    let in_service: Vec<_> = servers.status().iter().map(|status| status.in_service).collect();
    assert_eq!(in_service, [false, true]);
}

#[tokio::test]
async fn a_server_that_is_well_again_comes_back() {
    let ill = Arc::new(AtomicBool::new(true));
    let script = {
        let ill = ill.clone();
        move |said: &Said| match said.verb.as_str() {
            "CONNECT" if ill.load(SeqCst) => Act::SayAndClose("421 4.3.2 not now".to_owned()),
            _ => Act::Usual,
        }
    };
    let (server, other) = (Server::start(script).await, Server::friendly().await);
    let breaker = BreakerSettings { failures: 1, pause: SHORT, longest_pause: SHORT };
    let servers = servers(&[&server, &other], Balance::RoundRobin, breaker);
    send_well(&servers, 2).await;
    assert_eq!((server.sessions(), servers.status()[0].in_service), (1, false));

    ill.store(false, SeqCst);
    while !servers.status()[0].in_service {
        tokio::task::yield_now().await;
    }
    send_well(&servers, 4).await;

    assert_eq!((server.stored(), other.stored()), (2, 4), "each got its turns again");
}

#[tokio::test]
async fn when_all_are_out_the_last_failure_is_the_answer_at_once() {
    let (a, b) = (failing().await, failing().await);
    let servers = servers(&[&a, &b], Balance::RoundRobin, STRICT);
    let expected = "deferred by server at greeting: the server answered 421 4.3.2";
    for _ in 0..5 {
        assert_eq!(send(&servers).await.to_string(), expected);
        assert_eq!((a.sessions(), b.sessions()), (1, 1));
    }
}

#[tokio::test]
async fn a_wrong_setting_stays_one_while_its_server_is_out() {
    let script = |said: &Said| if said.verb == "MAIL" { say("530 5.7.0 log in") } else { Act::Usual };
    let (a, b) = (Server::start(script).await, Server::start(script).await);
    let servers = servers(&[&a, &b], Balance::RoundRobin, STRICT);
    for _ in 0..3 {
        let outcome = send(&servers).await;
        assert_eq!(outcome.to_string(), "misconfigured, seen at MAIL: the server answered 530 5.7.0");
    }
    assert_eq!((a.heard("MAIL"), b.heard("MAIL")), (1, 1));
}

#[tokio::test]
async fn a_single_server_is_never_taken_out() {
    let server = failing().await;
    let servers = servers(&[&server], Balance::RoundRobin, STRICT);
    for asked in 1..=4 {
        let outcome = send(&servers).await;
        assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome}");
        assert_eq!(server.sessions(), asked);
    }
}

#[tokio::test]
async fn settings_are_wrong_only_if_every_server_says_so() {
    let script = |said: &Said| if said.verb == "MAIL" { say("530 5.7.0 log in") } else { Act::Usual };
    let (down, wrong) = (failing().await, Server::start(script).await);
    for order in [[&down, &wrong], [&wrong, &down]] {
        let servers = servers(&order, Balance::RoundRobin, STRICT);
        for when in ["asked", "both out"] {
            let outcome = send(&servers).await;
            let expected = "deferred by server at greeting: the server answered 421 4.3.2";
            assert_eq!(outcome.to_string(), expected, "{when}");
        }
    }
    assert_eq!((down.sessions(), wrong.sessions()), (2, 2));
}

#[tokio::test]
async fn without_servers_the_settings_are_wrong() {
    let none = Servers::new(Vec::new(), Balance::DomainHash, DomainLimits::default());
    assert!(matches!(send(&none).await, Outcome::Misconfigured { .. }));
}

/// The first server meets the script; the second is friendly. Returns the outcome and what each has.
async fn moved(script: impl Fn(&Said) -> Act + Send + Sync + 'static) -> (String, usize, usize) {
    let (first, second) = (Server::start(script).await, Server::friendly().await);
    let servers = servers(&[&first, &second], Balance::RoundRobin, LENIENT);
    let outcome = send(&servers).await;
    (outcome.to_string(), first.stored(), second.stored())
}

#[tokio::test]
async fn what_was_surely_not_taken_moves_to_another_server() {
    let accepted = ("accepted: 250 2.0.0".to_owned(), 0, 1);
    for verb in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"] {
        let rst = move |said: &Said| if said.verb == verb { Act::Rst } else { Act::Usual };
        assert_eq!(moved(rst).await, accepted, "lost at {verb}");
    }
    for (verb, reply) in [
        ("MAIL", "421 4.3.2 bye"),
        ("MAIL", "530 5.7.0 log in"),
        ("RCPT", "454 4.7.0 throttled"),
        ("DATA", "503 out of step"),
        (".", "421 4.3.2 bye"),
    ] {
        let answer = move |said: &Said| if said.verb == verb { say(reply) } else { Act::Usual };
        assert_eq!(moved(answer).await, accepted, "{reply} at {verb}");
    }
}

#[tokio::test]
async fn what_the_server_decided_or_may_have_does_not_move() {
    for (verb, reply, said) in [
        ("RCPT", "550 5.1.1 who?", "rejected at RCPT: the server answered 550 5.1.1"),
        ("RCPT", "450 4.2.0 greylisted", "deferred by recipient at RCPT: the server answered 450 4.2.0"),
        (".", "554 5.7.1 spam", "rejected at end of data: the server answered 554 5.7.1"),
        (".", "451 4.2.2 full", "deferred by recipient at end of data: the server answered 451 4.2.2"),
    ] {
        let answer = move |heard: &Said| if heard.verb == verb { say(reply) } else { Act::Usual };
        assert_eq!(moved(answer).await, (said.to_owned(), 0, 0));
    }
    let dies = |said: &Said| if said.verb == "." { Act::Rst } else { Act::Usual };
    let (said, first, second) = moved(dies).await;
    assert!(said.starts_with("unknown: "), "{said}");
    assert_eq!((first, second), (0, 0));

    let stores_and_dies = |said: &Said| match said.verb.as_str() {
        "." => Act::StoreAnd(Box::new(Act::Rst)),
        _ => Act::Usual,
    };
    let (said, first, second) = moved(stores_and_dies).await;
    assert!(said.starts_with("unknown: "), "{said}");
    assert_eq!((first, second), (1, 0), "delivered twice");
}

#[tokio::test]
async fn each_server_is_asked_once_per_message() {
    let (a, b, c) = (failing().await, failing().await, failing().await);
    for balance in [Balance::RoundRobin, Balance::LeastConnections, Balance::Weighted, Balance::DomainHash] {
        let before = a.sessions();
        let outcome = send(&servers(&[&a, &b, &c], balance, LENIENT)).await;
        assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome}");
        assert_eq!([a.sessions(), b.sessions(), c.sessions()], [before + 1; 3], "{balance:?}");
    }
}

#[tokio::test]
async fn all_attempts_together_stay_within_the_budget_of_one_message() {
    let (a, b, c) =
        (Server::start(|_| Act::Silence).await, Server::start(|_| Act::Silence).await, failing().await);
    let budget = 5 * SHORT;
    let patience = |server: &Server, greeting| {
        let mut site = site(server, LENIENT);
        site.config.timeouts = site.config.timeouts.within(budget);
        site.config.timeouts.greeting = greeting;
        site
    };
    // The second begins late and has only what the first left; the third has nothing left.
    let all = vec![patience(&a, SHORT), patience(&b, 10 * budget), patience(&c, budget)];
    let servers = Servers::new(all, Balance::RoundRobin, DomainLimits::default());
    let begun = Instant::now();
    let outcome = send(&servers).await;
    let took = begun.elapsed();
    assert!(outcome.to_string().starts_with("deferred by server at greeting: time ran out"), "{outcome}");
    assert!(
        SHORT < took && took < budget * 7 / 10,
        "half of the budget is for what precedes the body: {took:?}"
    );
    assert_eq!((a.sessions(), b.sessions(), c.sessions()), (1, 1, 0));
}

#[tokio::test]
async fn closing_ends_all_sessions() {
    let (a, b) = (Server::friendly().await, Server::friendly().await);
    let servers = servers(&[&a, &b], Balance::RoundRobin, STRICT);
    send_well(&servers, 2).await;
    servers.close().await;
    assert_eq!((a.heard("QUIT"), b.heard("QUIT")), (1, 1));
    let outcome = send(&servers).await;
    assert_eq!(outcome.to_string(), "deferred by server at waiting for a connection: the pool is closed");
}
