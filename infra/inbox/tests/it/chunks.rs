//! CHUNKING (RFC 3030): octets are counted, arrive as they are, and are commands in no case.

use fanmail_inbox::{Action, Inbox, InboxConfig, Phase, Rule, Script};

use crate::client::{Client, SOON, chunking, with_chunks};

/// Everything that could mislead a reader: dots, the end of a message, commands, no line end.
const TEXT: &str = ".a\r\n..b\r\n.\r\nMAIL FROM:<no>\r\n\r\n.\r\nBDAT 3 LAST\r\n.\nRSET\r\nQUIT\r\n.";

fn text(inbox: &Inbox, seq: u64) -> String {
    String::from_utf8(inbox.message(seq).unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn a_message_of_one_chunk_arrives_unchanged() {
    let inbox = chunking([]).await;
    assert_eq!(Client::ready(&inbox).await.chunk(TEXT, " LAST").await, "250 2.0.0 queued as 1");
    assert_eq!(text(&inbox, 1), TEXT);
    assert_eq!(Client::ready(&inbox).await.chunk("", " last").await, "250 2.0.0 queued as 2");
    assert_eq!(text(&inbox, 2), "");
    inbox.shutdown().await;
}

#[tokio::test]
async fn several_chunks_are_one_message_wherever_they_are_cut() {
    let inbox = chunking([]).await;
    for cut in 0..=TEXT.len() {
        let mut client = Client::ready(&inbox).await;
        for part in [&TEXT[..cut], "", &TEXT[cut..]] {
            assert_eq!(client.chunk(part, "").await, "250 2.0.0 chunk ok");
            assert_eq!(inbox.accepted(), cut as u64);
        }
        assert!(client.chunk("end", " LAST").await.starts_with("250"));
        assert_eq!(text(&inbox, cut as u64 + 1), format!("{TEXT}end"));
    }
    inbox.shutdown().await;
}

/// One chunk, DATA, a chunk too many and several chunks in one burst, and the codes that are due.
fn burst() -> (String, Vec<&'static str>) {
    const BEGIN: &str = "RSET\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\n";
    let burst = format!(
        "EHLO client.test\r\n{BEGIN}BDAT {} LAST\r\n{TEXT}{BEGIN}DATA\r\n..x\r\n.\r\nBDAT 6 LAST\r\nQUIT\r\n\
         {BEGIN}BDAT 3\r\n\r\n.BDAT 0\r\nBDAT 4 LAST\r\n\r\n\r\nNONSENSE\r\nQUIT\r\n",
        TEXT.len()
    );
    let hello = ["220", "250"];
    let (one, data) = (["250", "250", "250", "250"], ["250", "250", "250", "354", "250"]);
    let (refused, several) = (["503"], ["250", "250", "250", "250", "250", "250"]);
    (burst, [&hello[..], &one, &data, &refused, &several, &["500", "221", "closed"]].concat())
}

#[tokio::test]
async fn bursts_with_chunks_are_answered_in_order_wherever_they_are_cut() {
    let inbox = chunking([]).await;
    let (burst, codes) = burst();
    for cut in 0..burst.len() {
        let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
        client.send(&burst[..cut]).await;
        for (index, code) in codes.iter().enumerate() {
            let reply = client.reply().await;
            assert!(reply.starts_with(code), "cut at {cut}: {reply} instead of {code}");
            if index == 0 {
                client.send(&burst[cut..]).await;
            }
        }
        let seq = cut as u64 * 3;
        let texts = [1, 2, 3].map(|n| text(&inbox, seq + n));
        assert_eq!(texts, [TEXT, ".x\r\n", "\r\n.\r\n\r\n"], "cut at {cut}");
    }
    assert_eq!(inbox.accepted(), burst.len() as u64 * 3);
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_burst_with_chunks_in_single_octets_is_understood() {
    let inbox = chunking([]).await;
    let (burst, codes) = burst();
    let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
    for octet in burst.as_bytes() {
        client.send([*octet]).await;
    }
    for code in codes {
        assert!(client.reply().await.starts_with(code));
    }
    assert_eq!([1, 2, 3].map(|seq| text(&inbox, seq)), [TEXT, ".x\r\n", "\r\n.\r\n\r\n"]);
    inbox.shutdown().await;
}

#[tokio::test]
async fn octets_of_a_refused_chunk_are_no_commands() {
    let later = || Rule::new(Action::reply(Phase::Data, 451, "4.3.0 later")).to_address("later@example.com");
    for (commands, code) in [
        (&[][..], "503"),
        (&["MAIL FROM:<>"], "554"),
        (&["MAIL FROM:<>", "RCPT TO:<b@example.com>"], "552"),
        (&["MAIL FROM:<>", "RCPT TO:<later@example.com>"], "451"),
        (&["MAIL FROM:<>", "RCPT TO:<b@example.com>", "BDAT 0 LAST"], "503"),
    ] {
        let script = Script::of([later()]);
        let config = InboxConfig { max_message_bytes: TEXT.len() - 1, script, ..with_chunks() };
        let inbox = Inbox::start(config).await.unwrap();
        let mut client = Client::hello(&inbox).await;
        for command in commands {
            assert!(client.ask(command).await.starts_with("250"));
        }
        let before = inbox.accepted();
        let (first, second) = TEXT.split_at(20);
        client.send(format!("BDAT {}\r\n{first}", TEXT.len())).await;
        assert_eq!(client.early_reply().await, None, "{code}: before the octets came");

        client.send(format!("{second}VRFY b\r\n")).await;
        let reply = client.reply().await;
        assert!(reply.starts_with(code), "{reply} instead of {code}");
        assert!(client.reply().await.starts_with("252"), "{code}: only VRFY was a command");
        assert_eq!(inbox.accepted(), before);
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn earlier_replies_do_not_wait_for_octets() {
    let inbox = chunking([]).await;
    let mut client = Client::ready(&inbox).await;
    for code in ["250", "503"] {
        client.send("VRFY b\r\nBDAT 5 LAST\r\noct").await;
        assert!(client.reply().await.starts_with("252"));
        client.send("et").await;
        assert!(client.reply().await.starts_with(code));
    }
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_refused_chunk_ends_its_transaction() {
    let inbox = chunking([Rule::new(Action::reply(Phase::Data, 451, "later")).times(1)]).await;
    let mut client = Client::ready(&inbox).await;
    assert_eq!(client.chunk("one", "").await, "451 later");
    assert!(client.chunk("two", " LAST").await.starts_with("503"));
    assert!(client.mail("b@example.com").await.starts_with("250"), "RSET is not needed");
    assert_eq!(inbox.accepted(), 1);
    inbox.shutdown().await;
}

#[tokio::test]
async fn chunks_over_the_limit_get_552_once_and_the_next_message_passes() {
    let config = InboxConfig { max_message_bytes: 1000, ..with_chunks() };
    let inbox = Inbox::start(config).await.unwrap();
    for (sizes, code) in [([600, 400], "250"), ([600, 401], "552"), ([600, 3_000_000], "552")] {
        let mut client = Client::ready(&inbox).await;
        let [first, second] = sizes.map(|size| "x".repeat(size));
        assert!(client.chunk(&first, "").await.starts_with("250"));
        let reply = client.chunk(&second, "").await;
        assert!(reply.starts_with(code), "{sizes:?}: {reply}");
        let end = client.chunk("", " LAST").await;
        assert_eq!(end.starts_with("503"), code == "552", "{sizes:?}: {end}");
        assert!(client.mail("b@example.com").await.starts_with("250"));
    }
    assert_eq!(inbox.accepted(), 4);
    inbox.shutdown().await;
}

#[tokio::test]
async fn an_announced_size_takes_no_room_by_itself() {
    let config = InboxConfig { max_message_bytes: usize::MAX, ..with_chunks() };
    let inbox = Inbox::start(config).await.unwrap();
    for size in [1 << 60, u64::MAX] {
        let mut client = Client::ready(&inbox).await;
        client.send(format!("BDAT {size} LAST\r\nonly this")).await;
        drop(client);
        inbox.wait_for(|now| now.open_connections == 0, SOON).await.unwrap();
    }
    assert_eq!(inbox.accepted(), 0);
    assert!(Client::ready(&inbox).await.chunk("x", " LAST").await.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn chunks_are_taken_where_they_are_offered() {
    for (config, offered) in [(with_chunks(), true), (InboxConfig::default(), false)] {
        let inbox = Inbox::start(config).await.unwrap();
        let mut client = Client::ready(&inbox).await;
        let reply = client.ask("BDAT 0 LAST").await;
        assert!(reply.starts_with(if offered { "250" } else { "502" }), "{reply}");
        let hello = client.ask("EHLO client.test").await;
        assert_eq!(hello.lines().any(|line| &line[4..] == "CHUNKING"), offered, "{hello}");
        inbox.shutdown().await;
    }
}

#[tokio::test]
async fn where_the_size_cannot_be_read_the_conversation_ends() {
    let inbox = chunking([]).await;
    let long = format!("BDAT 9 {}\r\n", "x".repeat(20_000));
    for (line, code) in [
        (&b"BDAT\r\n"[..], "501"),
        (b"BDAT nine LAST\r\n", "501"),
        (b"BDAT 9 FIRST\r\n", "501"),
        (b"BDAT 9 LAST\n", "500"),
        (b"BDAT 9 \xff\r\n", "500"),
        (long.as_bytes(), "500"),
    ] {
        let mut client = Client::ready(&inbox).await;
        client.send([line, b"RSET\r\nVRFY b\r\n"].concat()).await;
        let reply = client.reply().await;
        assert!(reply.starts_with(code), "{line:?}: {reply}");
        assert_eq!(client.reply().await, "closed", "{line:?}: what follows is no command");
    }
    inbox.shutdown().await;
}

#[tokio::test]
async fn between_chunks_only_chunks_get_on() {
    let inbox = chunking([]).await;
    let mut client = Client::ready(&inbox).await;
    assert!(client.chunk("one ", "").await.starts_with("250"));
    for command in ["MAIL FROM:<a@example.com>", "RCPT TO:<c@example.com>", "DATA"] {
        assert!(client.ask(command).await.starts_with("503"), "{command}");
    }
    assert!(client.ask("NOOP").await.starts_with("250"));
    assert!(client.chunk("two", " LAST").await.starts_with("250"));
    assert_eq!((text(&inbox, 1).as_str(), inbox.accepted()), ("one two", 1));
    inbox.shutdown().await;
}

#[tokio::test]
async fn reset_and_hello_forget_the_chunks() {
    let inbox = chunking([]).await;
    for (seq, command) in [(1, "RSET"), (2, "EHLO client.test")] {
        let mut client = Client::ready(&inbox).await;
        assert!(client.chunk("forgotten", "").await.starts_with("250"));
        assert!(client.ask(command).await.starts_with("250"));
        assert!(client.chunk("lost", " LAST").await.starts_with("503"), "{command}");
        for command in ["MAIL FROM:<>", "RCPT TO:<b@example.com>"] {
            client.ask(command).await;
        }
        assert!(client.chunk("kept", " LAST").await.starts_with("250"));
        assert_eq!(text(&inbox, seq), "kept", "{command}");
    }
    inbox.shutdown().await;
}
