//! The script's phases, for messages in chunks.

use std::time::{Duration, Instant};

use fanmail_inbox::{Action, HangUp, Inbox, InboxConfig, Phase, Rule, Script, Throttle};

use crate::client::{Client, SOON, chunking, with_chunks};

#[tokio::test]
async fn hanging_up_comes_with_the_first_command_the_first_octet_or_the_last() {
    // What is answered, what is not enough, and what then ends it.
    for (phase, passes, waits, ends) in [
        (Phase::Data, &[][..], "BDAT 9", "\r\n"),
        (Phase::Body, &["BDAT 0\r\n"], "BDAT 9\r\n", "1"),
        (Phase::Dot, &["BDAT 3\r\nabc", "BDAT 0\r\n"], "BDAT 2 LAST\r\nd", "e"),
    ] {
        for (action, end) in [(Action::Close { phase }, "closed"), (Action::Reset { phase }, "reset")] {
            let inbox = chunking([Rule::new(action)]).await;
            let mut client = Client::ready(&inbox).await;
            for chunk in passes {
                client.send(chunk).await;
                assert!(client.reply().await.starts_with("250"), "{phase:?}: {chunk}");
            }
            client.send(waits).await;
            assert_eq!(client.early_reply().await, None, "{phase:?}: {waits}");
            client.send(ends).await;
            assert_eq!(client.reply().await, end, "{phase:?}");
            assert_eq!(inbox.accepted(), 0);
            inbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_scripted_reply_comes_behind_the_octets_and_421_is_the_last_word() {
    for phase in [Phase::Data, Phase::Dot] {
        for (code, next) in [(451, "252"), (421, "closed")] {
            let inbox = chunking([Rule::new(Action::reply(phase, code, "no"))]).await;
            let mut client = Client::ready(&inbox).await;
            client.send("BDAT 3 LAST\r\nab").await;
            assert_eq!(client.early_reply().await, None, "{phase:?}: before the octets came");
            client.send("cVRFY b\r\n").await;
            assert_eq!(client.reply().await, format!("{code} no"), "{phase:?}");
            let reply = client.reply().await;
            assert!(reply.starts_with(next), "{phase:?}: {reply} instead of {next}");
            assert_eq!(inbox.accepted(), 0);
            inbox.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_message_has_each_phase_once_however_many_its_chunks() {
    const CHUNKS: u32 = 40;
    const DELAY: Duration = Duration::from_millis(200);
    for phase in [Phase::Data, Phase::Body, Phase::Dot] {
        let inbox = chunking([Rule::new(Action::Accept).delayed(phase, DELAY.as_millis() as u64)]).await;
        let mut client = Client::ready(&inbox).await;
        let begin = Instant::now();
        for _ in 0..CHUNKS {
            assert!(client.chunk("x", "").await.starts_with("250"));
        }
        assert!(client.chunk("x", " LAST").await.starts_with("250"));
        let elapsed = begin.elapsed();
        assert!(DELAY <= elapsed && elapsed < DELAY * CHUNKS, "{phase:?}: {elapsed:?}");
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn the_throttle_counts_messages_and_not_their_chunks() {
    for phase in [Phase::Data, Phase::Dot] {
        let throttle = Some(Throttle { phase, ..Throttle::of_mail(1) });
        let script = Script { throttle, ..Script::default() };
        let inbox = Inbox::start(InboxConfig { script, ..with_chunks() }).await.unwrap();
        let mut client = Client::ready(&inbox).await;
        for marker in ["", "", " LAST"] {
            assert!(client.chunk("x", marker).await.starts_with("250"), "{phase:?}");
        }
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_dropped_reply_to_a_chunk_does_not_change_the_truth() {
    for (by, end) in [(HangUp::Close, "closed"), (HangUp::Reset, "reset")] {
        let inbox = chunking([Rule::new(Action::AcceptThenDropReply { by })]).await;
        let mut client = Client::ready(&inbox).await;
        assert!(client.chunk("not yet", "").await.starts_with("250"));
        assert_eq!(client.chunk("", " LAST").await, end);
        assert_eq!(inbox.message(1).unwrap().unwrap(), b"not yet");
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn a_message_in_chunks_is_held_with_its_commands_answered() {
    for (action, stored) in [(Action::AcceptThenHold, true), (Action::HoldBeforeAccept, false)] {
        let inbox = chunking([Rule::new(action)]).await;
        let mut client = Client::hello(&inbox).await;
        let text = "Message-ID: <1@x>\r\n\r\n.\r\n";
        client.send("MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nBDAT 0\r\n").await;
        client.send(format!("BDAT {} LAST\r\n{text}VRFY b\r\n", text.len())).await;

        let held = inbox.held(1, SOON).await.unwrap().remove(0);
        assert_eq!((held.message_id.as_deref(), held.stored), (Some("<1@x>"), stored));
        assert_eq!(inbox.accepted(), u64::from(stored));
        for code in ["250", "250", "250"] {
            assert!(client.reply().await.starts_with(code), "earlier replies are not held");
        }
        inbox.release_all();
        assert_eq!(client.reply().await, "250 2.0.0 queued as 1");
        assert!(client.reply().await.starts_with("252"));
        assert_eq!(inbox.accepted(), 1);
        inbox.shutdown().await;
    }
}
