//! Each kind of misbehaviour: what the client sees, and what the inbox knows to be true.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use fanmail_inbox::{Action, HangUp, Inbox, Phase, Rule, Script, Throttle, Who};

use crate::client::{Client, SOON, inbox, inbox_with, scripted};

/// Sends one message on a new connection: how it ended, and how many copies were accepted by then.
async fn outcome(inbox: &Inbox) -> (String, u64) {
    let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
    for command in ["", "EHLO client.test\r\n"] {
        client.send(command).await;
        let reply = client.reply().await;
        if !reply.starts_with('2') {
            return (reply, inbox.accepted());
        }
    }
    (client.mail("b@example.com").await, inbox.accepted())
}

#[tokio::test]
async fn hanging_up_at_any_phase_shows_as_what_it_is() {
    for phase in [Phase::Connect, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Body, Phase::Dot] {
        for (action, end) in [(Action::Close { phase }, "closed"), (Action::Reset { phase }, "reset")] {
            let inbox = inbox_with([Rule::new(action).times(1)]).await;
            assert_eq!(outcome(&inbox).await, (end.to_owned(), 0), "{phase:?}");
            assert_eq!(outcome(&inbox).await.1, 1, "{phase:?}: once only");
            inbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn any_refusal_comes_at_its_phase_and_nothing_is_kept() {
    for (phase, goes_on) in [
        (Phase::Connect, false),
        (Phase::Mail, true),
        (Phase::Rcpt, true),
        (Phase::Data, true),
        (Phase::Dot, true),
    ] {
        let inbox = inbox_with([Rule::new(Action::reply(phase, 451, "4.3.0 later")).times(1)]).await;
        let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
        let greeting = client.reply().await;
        if goes_on {
            client.ask("EHLO client.test").await;
            assert_eq!(client.mail("b@example.com").await, "451 4.3.0 later", "{phase:?}");
            assert_eq!(inbox.accepted(), 0);
            client.ask("RSET").await;
            assert!(
                client.mail("b@example.com").await.starts_with("250"),
                "{phase:?}: the connection stays usable"
            );
        } else {
            assert_eq!((greeting.as_str(), client.reply().await.as_str()), ("451 4.3.0 later", "closed"));
        }
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_421_is_the_last_word() {
    for phase in [Phase::Connect, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
        let inbox = inbox_with([Rule::new(Action::unavailable(phase))]).await;
        let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
        // In one burst, so that there is unread input when the connection ends.
        client.send("EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n").await;
        let mut replies = Vec::new();
        while replies.last().is_none_or(|reply| reply != "closed") {
            replies.push(client.reply().await);
        }
        assert!(replies[replies.len() - 2].starts_with("421 "), "{phase:?}: {replies:?}");
        assert_eq!(inbox.accepted(), 0);
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_dropped_reply_does_not_change_the_truth() {
    for (by, end) in [(HangUp::Close, "closed"), (HangUp::Reset, "reset")] {
        let inbox = inbox_with([Rule::new(Action::AcceptThenDropReply { by })]).await;
        assert_eq!(outcome(&inbox).await, (end.to_owned(), 1));
        assert_eq!(inbox.recipients()["b@example.com"], 1);
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_held_is_answered_when_released() {
    for (action, stored) in [(Action::AcceptThenHold, true), (Action::HoldBeforeAccept, false)] {
        let inbox = inbox_with([Rule::new(action).times(2)]).await;
        let (mut one, mut two) = (Client::hello(&inbox).await, Client::hello(&inbox).await);
        let sending =
            tokio::spawn(async move { tokio::join!(one.mail("a@example.com"), two.mail("b@example.com")) });

        let held = inbox.held(2, SOON).await.unwrap();
        let mut who: Vec<_> = held.iter().map(|held| held.recipients[0].as_str()).collect();
        who.sort_unstable();
        assert_eq!(who, ["a@example.com", "b@example.com"]);
        assert!(held.iter().all(|held| held.stored == stored));
        assert_eq!(held[0].message_id, Some(format!("<{}>", held[0].recipients[0])));
        assert_eq!(inbox.accepted(), if stored { 2 } else { 0 });

        assert_eq!(inbox.release_all(), 2);
        let (one, two) = sending.await.unwrap();
        assert!(one.starts_with("250") && two.starts_with("250"));
        assert_eq!((inbox.accepted(), inbox.snapshot().held, inbox.release_all()), (2, 0, 0));
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_held_is_let_go() {
    for (action, accepted) in [(Action::AcceptThenHold, 1), (Action::HoldBeforeAccept, 0)] {
        let inbox = inbox_with([Rule::new(action)]).await;
        let mut client = Client::hello(&inbox).await;
        client.send("MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n").await;
        inbox.held(1, SOON).await.unwrap();
        drop(client);
        inbox.wait_for(|now| now.held == 0 && now.open_connections == 0, SOON).await.unwrap();
        assert_eq!(inbox.accepted(), accepted);
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn commands_sent_while_held_are_answered_after_the_release() {
    let inbox = inbox_with([Rule::new(Action::AcceptThenHold)]).await;
    let mut client = Client::hello(&inbox).await;
    client.send("MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nx\r\n.\r\n").await;
    inbox.held(1, SOON).await.unwrap();
    for code in ["250", "250", "354"] {
        assert!(client.reply().await.starts_with(code), "earlier replies are not held");
    }
    client.send("VRFY b\r\n").await;
    inbox.release_all();
    assert!(client.reply().await.starts_with("250"));
    assert!(client.reply().await.starts_with("252"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_delay_comes_at_its_phase_before_the_action() {
    const MS: u64 = 120;
    for phase in [Phase::Connect, Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Body, Phase::Dot] {
        let action =
            if phase == Phase::Connect { Action::Accept } else { Action::reply(Phase::Dot, 550, "no") };
        let inbox = inbox_with([Rule::new(action).delayed(phase, MS)]).await;
        let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
        let mut slow = Vec::new();
        for (at, command) in [
            (Some(Phase::Connect), ""),
            (None, "EHLO client.test\r\n"),
            (Some(Phase::Mail), "MAIL FROM:<>\r\n"),
            (Some(Phase::Rcpt), "RCPT TO:<b@example.com>\r\n"),
            (Some(Phase::Data), "DATA\r\n"),
            (Some(Phase::Dot), "x\r\n.\r\n"),
        ] {
            let begin = Instant::now();
            client.send(command).await;
            client.reply().await;
            if begin.elapsed() >= Duration::from_millis(MS) {
                slow.push(at.unwrap());
            }
        }
        // The body has no reply of its own; its delay shows at the dot.
        assert!(
            slow.contains(if phase == Phase::Body { &Phase::Dot } else { &phase }),
            "{phase:?}: {slow:?}"
        );
        assert_eq!(inbox.accepted(), u64::from(phase == Phase::Connect));
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn the_first_rule_that_matches_a_recipient_wins() {
    let no = |text: &str| Action::reply(Phase::Rcpt, 550, text);
    let inbox = inbox_with([
        Rule::new(Action::Accept).to_address("VIP@closed.test"),
        Rule::new(no("domain")).to(Who::Domain("closed.test".to_owned())),
        Rule::new(no("prefix")).to(Who::LocalPrefix("bad-".to_owned())),
        Rule::new(Action::reply(Phase::Dot, 450, "any")).messages(5..6),
    ])
    .await;
    let mut client = Client::hello(&inbox).await;
    for (recipient, reply) in [
        ("vip@closed.test", "250"),
        ("bad-x@Closed.Test", "550 domain"),
        ("BAD-x@open.test", "550 prefix"),
        ("bad@sub.closed.test", "250"),
        ("x@open.test", "450 any"),
        ("x@open.test", "250"),
    ] {
        let got = client.mail(recipient).await;
        assert!(got.starts_with(reply), "{recipient}: {got}");
        client.ask("RSET").await;
    }
    assert_eq!(inbox.accepted(), 3);
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_rule_that_is_used_up_makes_way_for_the_next() {
    let inbox = inbox_with([
        Rule::new(Action::reply(Phase::Dot, 450, "first")).times(1),
        Rule::new(Action::reply(Phase::Mail, 450, "second")).times(1),
    ])
    .await;
    let mut client = Client::hello(&inbox).await;
    assert_eq!(client.mail("b@example.com").await, "450 first");
    assert_eq!(client.mail("b@example.com").await, "450 second");
    assert!(client.mail("b@example.com").await.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn one_refused_recipient_leaves_the_others() {
    let inbox =
        inbox_with([Rule::new(Action::reply(Phase::Rcpt, 550, "gone")).to_address("b@example.com")]).await;
    let mut client = Client::hello(&inbox).await;
    client.ask("MAIL FROM:<>").await;
    for (recipient, code) in [("a", "250"), ("b", "550"), ("c", "250")] {
        assert!(client.ask(&format!("RCPT TO:<{recipient}@example.com>")).await.starts_with(code));
    }
    client.ask("DATA").await;
    assert!(client.ask(".").await.starts_with("250"));
    let copies = inbox.recipients();
    assert_eq!((copies.len(), copies.get("b@example.com")), (2, None));
    inbox.shutdown().await;
}

#[tokio::test]
async fn odds_are_met_and_repeat_with_the_seed() {
    async fn refused(seed: u64) -> Vec<u32> {
        let rules = vec![Rule::new(Action::reply(Phase::Mail, 451, "later")).odds(0.25)];
        let inbox = scripted(Script { rules, seed, ..Script::default() }).await;
        let mut client = Client::hello(&inbox).await;
        let mut refused = Vec::new();
        for n in 0..400 {
            if client.ask("MAIL FROM:<>").await.starts_with("451") {
                refused.push(n);
            }
            client.ask("RSET").await;
        }
        inbox.shutdown().await;
        refused
    }
    let (a, again, b) = (refused(1).await, refused(1).await, refused(2).await);
    assert_eq!(a, again);
    assert_ne!(a, b);
    assert!((70..130).contains(&a.len()), "{} of 400", a.len());
}

#[tokio::test]
async fn refused_connections_come_back_on_the_same_port() {
    let inbox = inbox().await;
    let mut open = Client::hello(&inbox).await;
    for _ in 0..3 {
        inbox.set_script(Script { refuse_connections: true, ..Script::default() }).await.unwrap();
        let err = Client::dial(inbox.smtp_addr()).await.err().unwrap();
        assert_eq!(err.kind(), ErrorKind::ConnectionRefused);
        assert!(open.mail("b@example.com").await.starts_with("250"), "open connections stay");

        inbox.set_script(Script::default()).await.unwrap();
        assert!(Client::hello(&inbox).await.mail("b@example.com").await.starts_with("250"));
    }
    assert_eq!(inbox.accepted(), 6);
    inbox.shutdown().await;
}

#[tokio::test]
async fn an_inbox_can_start_refusing() {
    let inbox = scripted(Script { refuse_connections: true, ..Script::default() }).await;
    assert!(Client::dial(inbox.smtp_addr()).await.is_err());
    inbox.set_script(Script::default()).await.unwrap();
    assert!(outcome(&inbox).await.0.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn one_connection_too_many_gets_421() {
    let inbox = scripted(Script { max_connections: Some(2), ..Script::default() }).await;
    let (mut first, _second) = (Client::hello(&inbox).await, Client::hello(&inbox).await);
    let mut third = Client::dial(inbox.smtp_addr()).await.unwrap();
    assert!(third.reply().await.starts_with("421 "));
    assert_eq!(third.reply().await, "closed");
    assert_eq!((inbox.open_connections(), inbox.max_open_connections()), (2, 2));

    // Whoever reads the answer to QUIT has made room already.
    first.ask("QUIT").await;
    let _fourth = Client::hello(&inbox).await;
    inbox.shutdown().await;
}

#[tokio::test]
async fn what_is_above_the_rate_is_refused() {
    const RATE: u32 = 5;
    for phase in [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
        let throttle = Some(Throttle { phase, ..Throttle::of_mail(RATE) });
        let inbox = scripted(Script { throttle, ..Script::default() }).await;
        let mut client = Client::hello(&inbox).await;
        let begin = Instant::now();
        let mut throttled = 0;
        while throttled == 0 || inbox.accepted() <= u64::from(RATE) {
            let reply = client.mail("b@example.com").await;
            throttled += u32::from(reply.starts_with("454 Throttling failure"));
            client.ask("RSET").await;
            assert!(throttled > 0 || inbox.accepted() < 10_000, "{phase:?}: never above the rate");
        }
        // The first passed after the beginning, and one more than the rate passed a second after it.
        let elapsed = inbox.last_accept_at().unwrap() - begin;
        assert!(Duration::from_secs(1) <= elapsed, "{phase:?}: {elapsed:?}");
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_transaction_ends_under_the_script_under_which_it_began() {
    let inbox = inbox_with([Rule::new(Action::reply(Phase::Dot, 550, "old script"))]).await;
    let mut client = Client::hello(&inbox).await;
    for command in ["MAIL FROM:<>", "RCPT TO:<b@example.com>", "DATA"] {
        client.ask(command).await;
    }
    inbox.set_script(Script::default()).await.unwrap();
    assert_eq!(client.ask(".").await, "550 old script");
    assert!(client.mail("b@example.com").await.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_script_that_cannot_work_is_not_taken() {
    let inbox = inbox().await;
    let refusal = |text: &str| Action::reply(Phase::Mail, 451, text);
    for rule in [
        Rule::new(refusal("later")).to_address("b@example.com"),
        Rule::new(refusal("two\r\nlines")),
        Rule::new(Action::reply(Phase::Rcpt, 250, "fine")),
        Rule::new(Action::reply(Phase::Body, 451, "later")),
        Rule::new(Action::Accept).odds(1.5),
        Rule::new(refusal("later")).delayed(Phase::Dot, 1),
        Rule::new(refusal("later")).delayed(Phase::Connect, 1),
    ] {
        assert!(inbox.set_script(Script::of([rule.clone()])).await.is_err(), "{rule:?}");
        assert_eq!(inbox.script(), Script::default());
    }
    let throttle = Some(Throttle { phase: Phase::Body, ..Throttle::of_mail(1) });
    assert!(inbox.set_script(Script { throttle, ..Script::default() }).await.is_err());
    inbox.shutdown().await;
}
