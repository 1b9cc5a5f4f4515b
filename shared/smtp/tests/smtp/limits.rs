//! Limits of several servers: they are waited for and never exceeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fanmail_smtp::{self as smtp, Balance, DomainLimits, Servers};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::script::{Act, Said};
use crate::server::Server;
use crate::servers::{LENIENT, STRICT, message, send, send_well, site};
use crate::{SHORT, is_accepted};

#[tokio::test]
async fn a_domain_never_has_more_messages_under_way_than_allowed() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    // Messages end in pairs only, so two must be under way at once, on whichever servers.
    let pairs = Arc::new(Barrier::new(2));
    let script = || {
        let (under_way, most, pairs) = (under_way.clone(), most.clone(), pairs.clone());
        move |said: &Said| match said.verb.as_str() {
            "MAIL" => {
                most.fetch_max(under_way.fetch_add(1, SeqCst) + 1, SeqCst);
                Act::Usual
            }
            "." => {
                under_way.fetch_sub(1, SeqCst);
                Act::Together(pairs.clone())
            }
            _ => Act::Usual,
        }
    };
    let (a, b) = (Server::start(script()).await, Server::start(script()).await);
    let limits = DomainLimits { conns: Some(2), rate: None };
    let all = vec![site(&a, STRICT), site(&b, STRICT)];
    let servers = Servers::new(all, Balance::RoundRobin, limits);

    let sending: JoinSet<_> = (0..20)
        .map(|_| {
            let servers = servers.clone();
            async move { send(&servers).await }
        })
        .collect();
    assert!(sending.join_all().await.iter().all(is_accepted));

    assert_eq!((most.load(SeqCst), a.stored() + b.stored()), (2, 20));
}

#[tokio::test]
async fn a_full_domain_holds_up_no_other() {
    let script = |said: &Said| if said.line.contains("full.test") { Act::Silence } else { Act::Usual };
    let server = Server::start(script).await;
    let limits = DomainLimits { conns: Some(1), rate: None };
    let mut one = site(&server, LENIENT);
    one.config.timeouts.wait = SHORT;
    let servers = Servers::new(vec![one], Balance::RoundRobin, limits);
    let stuck = tokio::spawn({
        let servers = servers.clone();
        async move { servers.send(message("full.test")).await }
    });
    server.until(|log| log.heard.iter().any(|(_, line)| line.starts_with("RCPT"))).await;

    assert!(is_accepted(&servers.send(message("other.test")).await));
    let outcome = servers.send(message("FULL.test")).await;

    let expected =
        "deferred by server at waiting for a connection: the limits set here left no room within 200 ms";
    assert_eq!(outcome.to_string(), expected);
    stuck.abort();
}

#[tokio::test]
async fn a_servers_rate_is_kept_by_all_who_send() {
    let server = Server::friendly().await;
    let paced = smtp::Server { rate: Some(50), ..site(&server, STRICT) };
    let servers = Servers::new(vec![paced], Balance::RoundRobin, DomainLimits::default());
    let begun = Instant::now();
    let sending: JoinSet<_> = (0..11)
        .map(|_| {
            let servers = servers.clone();
            async move { send(&servers).await }
        })
        .collect();
    assert!(sending.join_all().await.iter().all(is_accepted));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(190), "ten gaps of 20 ms, of which 10 ms may be made up: {took:?}");
}

#[tokio::test]
async fn a_message_that_cannot_wait_for_its_moment_takes_another_server() {
    let (slow, other) = (Server::friendly().await, Server::friendly().await);
    let mut paced = smtp::Server { rate: Some(1), ..site(&slow, STRICT) };
    paced.config.timeouts.wait = SHORT;
    let all = vec![paced, site(&other, STRICT)];
    let servers = Servers::new(all, Balance::RoundRobin, DomainLimits::default());

    send_well(&servers, 4).await;

    assert_eq!((slow.stored(), other.stored()), (1, 3));
    assert!(servers.status()[0].in_service, "our own limit is not the server's failure");
}
