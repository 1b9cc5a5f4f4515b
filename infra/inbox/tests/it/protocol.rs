//! What a client may rely on: order, bursts, dots, limits, login.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanmail_inbox::{Auth, Capabilities, Credentials, Inbox, InboxConfig};

use crate::client::{Client, inbox};

/// Two messages with everything in them that could mislead a reader, and the replies that are due.
const BURST: &str = "EHLO client.test\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n\
    Subject: one\r\n\r\n..dot\r\n...\r\n.\n.x\r\nMAIL FROM:<no>\r\n\r\n.\r\n\
    NOOP\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n.\r\nNONSENSE\r\nQUIT\r\n";
const FIRST: &str = "Subject: one\r\n\r\n.dot\r\n..\r\n\n.x\r\nMAIL FROM:<no>\r\n\r\n";
const CODES: [&str; 12] =
    ["220", "250", "250", "250", "354", "250", "250", "250", "250", "354", "250", "500"];

#[tokio::test]
async fn bursts_are_answered_in_order_wherever_they_are_cut() {
    let inbox = inbox().await;
    for cut in 0..BURST.len() {
        let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
        client.send(&BURST[..cut]).await;
        // Makes sure that the first part was read before the second is sent.
        let ready = client.reply().await;
        assert!(ready.starts_with("220"));
        client.send(&BURST[cut..]).await;

        for code in &CODES[1..] {
            let reply = client.reply().await;
            assert!(reply.starts_with(code), "cut at {cut}: {reply} instead of {code}");
        }
        assert!(client.reply().await.starts_with("221"));
        assert_eq!(client.reply().await, "closed");
        let seq = cut as u64 * 2 + 1;
        assert_eq!(inbox.message(seq).unwrap().unwrap(), FIRST.as_bytes(), "cut at {cut}");
        assert_eq!(inbox.message(seq + 1).unwrap().unwrap(), b"");
    }
    assert_eq!(inbox.accepted(), BURST.len() as u64 * 2);
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_burst_in_single_octets_is_understood() {
    let inbox = inbox().await;
    let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
    for octet in BURST.as_bytes() {
        client.send([*octet]).await;
    }
    for code in CODES {
        assert!(client.reply().await.starts_with(code));
    }
    assert_eq!(inbox.message(1).unwrap().unwrap(), FIRST.as_bytes());
    inbox.shutdown().await;
}

#[tokio::test]
async fn stuffed_dots_are_taken_away_and_nothing_else() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    for command in ["MAIL FROM:<>", "RCPT TO:<b@example.com>", "DATA"] {
        client.ask(command).await;
    }
    client.send("..first\r\nmiddle.\r\n....\r\n.. \r\nno end\n.\nyet\r\n.\n\r\nend\r\n.\r\n").await;
    assert!(client.reply().await.starts_with("250"));
    let message = String::from_utf8(inbox.message(1).unwrap().unwrap()).unwrap();
    assert_eq!(message, ".first\r\nmiddle.\r\n...\r\n. \r\nno end\n.\nyet\r\n\n\r\nend\r\n");
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_client_that_is_still_writing_at_the_end_can_finish() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    assert!(client.ask("QUIT").await.starts_with("221"));
    assert_eq!(client.reply().await, "closed");
    // If nobody took the first one, the system would answer with a reset, and the second one would fail.
    client.send("NOOP\r\n").await;
    client.send("NOOP\r\n").await;
    inbox.shutdown().await;
}

#[tokio::test]
async fn commands_out_of_order_get_503() {
    let inbox = inbox().await;
    let mut client = Client::dial(inbox.smtp_addr()).await.unwrap();
    client.reply().await;
    for (command, code) in [
        ("MAIL FROM:<a@example.com>", "503"),
        ("HELO client.test", "250"),
        ("RCPT TO:<b@example.com>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:<a@example.com>", "250"),
        ("MAIL FROM:<a@example.com>", "503"),
        ("DATA", "554"),
        ("RSET", "250"),
        ("RCPT TO:<b@example.com>", "503"),
        ("VRFY b", "252"),
        ("NOOP", "250"),
        ("BDAT 3 LAST", "502"),
        ("FNORD", "500"),
        ("MAIL FROM:nobody", "501"),
    ] {
        let reply = client.ask(command).await;
        assert!(reply.starts_with(code), "{command}: {reply}");
    }
    assert_eq!(inbox.accepted(), 0);
    inbox.shutdown().await;
}

#[tokio::test]
async fn overlong_lines_and_bare_line_feeds_are_refused_and_skipped() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    for len in [12_280, 12_290, 100_000] {
        let reply = client.ask(&format!("NOOP {}", "x".repeat(len))).await;
        assert_eq!(reply.starts_with("250"), len < 12_288, "{len}: {reply}");
        assert_eq!(reply.ends_with("line too long"), len > 12_288, "{len}: {reply}");
    }
    client.send("NOOP\nNOOP\r\n").await;
    assert!(client.reply().await.starts_with("500"));
    assert!(client.reply().await.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn messages_over_the_limit_get_552_and_the_next_one_passes() {
    let config = InboxConfig { max_message_bytes: 1000, ..InboxConfig::default() };
    let inbox = Inbox::start(config).await.unwrap();
    let mut client = Client::hello(&inbox).await;
    assert!(client.ask("MAIL FROM:<> SIZE=1001").await.starts_with("552"));
    for (size, code) in [(1000, "250"), (1001, "552"), (200_000, "552"), (1000, "250")] {
        for command in [&format!("MAIL FROM:<> SIZE={}", size.min(1000)), "RCPT TO:<b@example.com>", "DATA"] {
            client.ask(command).await;
        }
        let reply = client.ask(&format!("{}\r\n.", "x".repeat(size - 2))).await;
        assert!(reply.starts_with(code), "{size}: {reply}");
    }
    assert_eq!(inbox.accepted(), 2);
    inbox.shutdown().await;
}

#[tokio::test]
async fn hello_names_what_is_offered_and_nothing_else() {
    let everything = inbox().await;
    let mut client = Client::dial(everything.smtp_addr()).await.unwrap();
    client.reply().await;
    assert_eq!(
        client.ask("EHLO client.test").await,
        "250-inbox.test\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
         250 ENHANCEDSTATUSCODES"
    );
    assert!(client.ask("AUTH PLAIN AGEAYg==").await.starts_with("502"));

    let capabilities = Capabilities {
        pipelining: false,
        eight_bit_mime: false,
        size: false,
        smtp_utf8: false,
        enhanced_status_codes: false,
        chunking: false,
    };
    let bare = Inbox::start(InboxConfig { capabilities, ..InboxConfig::default() }).await.unwrap();
    let mut client = Client::dial(bare.smtp_addr()).await.unwrap();
    client.reply().await;
    assert_eq!(client.ask("EHLO client.test").await, "250 inbox.test");
    assert_eq!(client.ask("NOOP").await, "250 ok");
    assert!(client.ask("MAIL FROM:<> SIZE=1").await.starts_with("555"));
    everything.shutdown().await;
    bare.shutdown().await;
}

#[tokio::test]
async fn only_configured_credentials_may_send() {
    let credentials = Credentials { user: "me".to_owned(), password: "secret".to_owned() };
    let auth = Auth::Only(vec![credentials]);
    let inbox = Inbox::start(InboxConfig { auth, ..InboxConfig::default() }).await.unwrap();
    let plain = |text: &str| format!("AUTH PLAIN {}", STANDARD.encode(text));

    let mut client = Client::hello(&inbox).await;
    assert!(client.ask("MAIL FROM:<>").await.starts_with("530"));
    assert!(client.ask(&plain("\0me\0wrong")).await.starts_with("535"));
    assert!(client.ask("AUTH PLAIN ???").await.starts_with("501"));
    assert!(client.ask("AUTH CRAM-MD5").await.starts_with("504"));
    assert_eq!(client.ask("AUTH PLAIN").await, "334 ");
    assert!(client.ask("*").await.starts_with("501"));
    assert!(client.ask(&plain("\0me\0secret")).await.starts_with("235"));
    assert!(client.mail("b@example.com").await.starts_with("250"));

    let mut client = Client::hello(&inbox).await;
    assert_eq!(client.ask("AUTH LOGIN").await, "334 VXNlcm5hbWU6");
    assert_eq!(client.ask(&STANDARD.encode("me")).await, "334 UGFzc3dvcmQ6");
    assert!(client.ask(&STANDARD.encode("secret")).await.starts_with("235"));
    assert!(client.mail("b@example.com").await.starts_with("250"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn any_credentials_will_do_if_so_configured() {
    let inbox = Inbox::start(InboxConfig { auth: Auth::Any, ..InboxConfig::default() }).await.unwrap();
    let mut client = Client::hello(&inbox).await;
    assert!(client.ask("AUTH PLAIN AGEAYg==").await.starts_with("235"));
    assert!(client.ask("AUTH PLAIN AGEAYg==").await.starts_with("503"));
    inbox.shutdown().await;
}

#[tokio::test]
async fn addresses_outside_ascii_need_smtputf8() {
    let inbox = inbox().await;
    let mut client = Client::hello(&inbox).await;
    assert!(client.ask("MAIL FROM:<a@example.com>").await.starts_with("250"));
    assert!(client.ask("RCPT TO:<ä@example.com>").await.starts_with("553"));
    client.ask("RSET").await;
    assert!(client.ask("MAIL FROM:<ä@example.com> SMTPUTF8").await.starts_with("250"));
    assert!(client.ask("RCPT TO:<ä@example.com>").await.starts_with("250"));
    inbox.shutdown().await;
}
