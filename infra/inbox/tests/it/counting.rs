//! What the inbox tells afterwards: counts, records, waits, and that nothing stays behind.

use std::time::{Duration, Instant};

use fanmail_inbox::{Action, Inbox, InboxConfig, Phase, Rule};
use tokio::task::JoinSet;

use crate::client::{Client, SOON, inbox, inbox_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_connections_at_once_are_all_counted() {
    const CONNECTIONS: usize = 64;
    const EACH: usize = 25;
    let inbox = inbox().await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(Client::hello(&inbox).await);
    }
    assert_eq!(inbox.open_connections(), CONNECTIONS as u64);

    let mut sending = JoinSet::new();
    for (c, mut client) in clients.into_iter().enumerate() {
        sending.spawn(async move {
            for n in 0..EACH {
                assert!(client.mail(&format!("r{n}.{c}@example.com")).await.starts_with("250"));
            }
            client.ask("QUIT").await;
            assert_eq!(client.reply().await, "closed");
        });
    }
    inbox.wait_for(|now| now.accepted == (CONNECTIONS * EACH) as u64, SOON).await.unwrap();
    sending.join_all().await;

    let copies = inbox.recipients();
    assert_eq!((copies.len(), copies.values().max()), (CONNECTIONS * EACH, Some(&1)));
    let seqs: Vec<_> = inbox.deliveries().iter().map(|delivery| delivery.seq).collect();
    assert!(seqs.iter().copied().eq(1..=(CONNECTIONS * EACH) as u64));
    for delivery in inbox.deliveries() {
        let body = String::from_utf8(inbox.message(delivery.seq).unwrap().unwrap()).unwrap();
        assert!(body.contains(&format!("<{}>", delivery.recipient)), "the body belongs to its record");
    }
    assert_eq!((inbox.open_connections(), inbox.max_open_connections()), (0, CONNECTIONS as u64));
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_copy_is_counted_for_each_recipient_without_regard_to_case() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    client.ask("MAIL FROM:<news@example.com>").await;
    for recipient in ["a@example.com", "A@Example.com", "b@example.com"] {
        assert!(client.ask(&format!("RCPT TO:<{recipient}>")).await.starts_with("250"));
    }
    client.ask("DATA").await;
    client.ask(".").await;

    let copies = inbox.recipients();
    assert_eq!((copies["a@example.com"], copies["b@example.com"]), (2, 1));
    let now = inbox.snapshot();
    assert_eq!((now.messages, now.accepted, now.recipients, now.with_several), (1, 3, 2, 1));
    assert_eq!(inbox.deliveries()[1].recipient, "A@Example.com", "the record shows it as it came");
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_record_names_everything_about_its_message() {
    let keep_headers = vec!["X-Fanmail-Campaign".to_owned()];
    let inbox = Inbox::start(InboxConfig { keep_headers, ..InboxConfig::default() }).await.unwrap();
    let before = Instant::now();
    let mut client = Client::hello(&inbox).await;
    for command in ["MAIL FROM:<news@example.com>", "RCPT TO:<b@example.com>", "DATA"] {
        client.ask(command).await;
    }
    let text =
        "x-fanmail-campaign: 7\r\n a\r\nMessage-Id:  <id@x> \r\nX-Other: no\r\n\r\nX-Fanmail-Campaign: 8\r\n";
    client.ask(&format!("{text}.")).await;

    let delivery = inbox.deliveries().remove(0);
    assert_eq!(delivery.sender, "news@example.com");
    assert_eq!((delivery.seq, delivery.connection, delivery.size), (1, 1, text.len() as u64));
    assert_eq!(delivery.message_id.as_deref(), Some("<id@x>"));
    assert_eq!(delivery.headers, [("X-Fanmail-Campaign".to_owned(), "7 a".to_owned())]);
    assert!(delivery.at_ms > 1_700_000_000_000);
    let at = inbox.started() + delivery.elapsed;
    assert!(before <= at && at <= Instant::now());
    assert_eq!(inbox.last_accept_at(), Some(at));
    inbox.shutdown().await;
}

#[tokio::test]
async fn the_window_finds_the_densest_stretch() {
    // Three at once, and one half a second later: the inbox itself makes the gap.
    let late = Rule::new(Action::Accept).to_address("late@example.com").delayed(Phase::Dot, 500);
    let inbox = inbox_with([late]).await;
    assert_eq!((inbox.max_in_window(Duration::from_secs(1)), inbox.last_accept_at()), (0, None));
    let mut client = Client::hello(&inbox).await;
    for recipient in ["a@example.com", "b@example.com", "c@example.com", "late@example.com"] {
        client.mail(recipient).await;
    }
    let at: Vec<_> = inbox.deliveries().iter().map(|delivery| delivery.elapsed).collect();
    assert!(Duration::from_millis(500) <= at[3] - at[2]);
    for window in [Duration::ZERO, at[1] - at[0], at[2] - at[0], at[3] - at[2], at[3] - at[0]] {
        let since = |begin: Duration| at.iter().filter(|&&at| begin <= at && at <= begin + window).count();
        let densest = at.iter().map(|&begin| since(begin)).max().unwrap();
        assert_eq!(inbox.max_in_window(window), densest, "{window:?} of {at:?}");
    }
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_wait_ends_with_the_acceptance_itself() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    let accepted = inbox.wait_for(|now| now.accepted == 3, SOON);
    let sending = async {
        for _ in 0..3 {
            client.mail("b@example.com").await;
        }
        // Stays open: the end of the connection would wake the wait as well.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        reached = accepted => reached.unwrap(),
        () = sending => unreachable!("it is pending"),
    }
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_wait_that_is_in_vain_tells_how_far_it_came() {
    let inbox = inbox().await;
    Client::hello(&inbox).await.mail("b@example.com").await;
    let now = inbox.wait_for(|now| now.accepted == 2, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(now.accepted, 1);
    inbox.shutdown().await;
}

#[tokio::test]
async fn bodies_lie_in_the_given_folder_and_beyond_one_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let config = InboxConfig { spool_folder: Some(folder.path().to_owned()), ..InboxConfig::default() };
    let inbox = Inbox::start(config).await.unwrap();
    let mut client = Client::hello(&inbox).await;
    let body = |n: usize| format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(700_000 + n));
    for n in 0..4 {
        for command in ["MAIL FROM:<>", "RCPT TO:<b@example.com>", "DATA"] {
            client.ask(command).await;
        }
        assert!(client.ask(&format!("{}.", body(n))).await.starts_with("250"));
    }
    for n in [2, 0, 3, 1] {
        assert!(inbox.message(n as u64 + 1).unwrap().unwrap() == body(n).as_bytes(), "message {n}");
    }
    assert!(inbox.message(5).unwrap().is_none());
    let spooled = std::fs::metadata(folder.path().join("messages.spool")).unwrap().len();
    assert_eq!(spooled, inbox.snapshot().bytes);
    inbox.shutdown().await;
}

#[tokio::test]
async fn without_bodies_the_counts_are_the_same() {
    let inbox = Inbox::start(InboxConfig { keep_bodies: false, ..InboxConfig::default() }).await.unwrap();
    Client::hello(&inbox).await.mail("b@example.com").await;
    assert_eq!(inbox.deliveries()[0].message_id.as_deref(), Some("<b@example.com>"));
    assert!(inbox.message(1).unwrap().is_none());
    inbox.shutdown().await;
}

#[tokio::test]
async fn clearing_forgets_messages_but_never_reuses_a_number() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    client.mail("b@example.com").await;
    inbox.clear().unwrap();
    assert_eq!((inbox.accepted(), inbox.recipients().len(), inbox.snapshot().bytes), (0, 0, 0));
    assert!(inbox.message(1).unwrap().is_none());

    client.mail("b@example.com").await;
    assert_eq!(inbox.deliveries()[0].seq, 2);
    assert!(inbox.message(2).unwrap().is_some() && inbox.message(1).unwrap().is_none());
    assert_eq!(inbox.recipients()["b@example.com"], 1);
    inbox.shutdown().await;
}

#[tokio::test]
async fn after_shutdown_connections_are_gone_and_the_port_is_free() {
    let inbox = inbox().await;
    let addr = inbox.smtp_addr();
    let mut client = Client::hello(&inbox).await;
    inbox.shutdown().await;
    assert_eq!(client.reply().await, "closed");
    assert!(Client::dial(addr).await.is_err());

    let again = Inbox::start(InboxConfig { smtp_addr: addr, ..InboxConfig::default() }).await.unwrap();
    assert_eq!(again.smtp_addr(), addr);
    assert!(Client::hello(&again).await.mail("b@example.com").await.starts_with("250"));
    again.shutdown().await;
}
