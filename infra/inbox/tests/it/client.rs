//! A client that says exactly what a test wants, octet by octet.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fanmail_inbox::{Capabilities, Inbox, InboxConfig, Rule, Script};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Fails a test that would hang. Nothing waits for it to pass.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Long enough for a reply that must not come yet. Only a test that fails gets one.
const TOO_SOON: Duration = Duration::from_millis(100);

/// An inbox with the default configuration.
pub(crate) async fn inbox() -> Inbox {
    Inbox::start(InboxConfig::default()).await.unwrap()
}

/// An inbox that follows these rules.
pub(crate) async fn inbox_with(rules: impl IntoIterator<Item = Rule>) -> Inbox {
    scripted(Script::of(rules)).await
}

/// An inbox that follows this script.
pub(crate) async fn scripted(script: Script) -> Inbox {
    Inbox::start(InboxConfig { script, ..InboxConfig::default() }).await.unwrap()
}

/// The default configuration, with chunks.
pub(crate) fn with_chunks() -> InboxConfig {
    let capabilities = Capabilities { chunking: true, ..Capabilities::default() };
    InboxConfig { capabilities, ..InboxConfig::default() }
}

/// An inbox that takes chunks and follows these rules.
pub(crate) async fn chunking(rules: impl IntoIterator<Item = Rule>) -> Inbox {
    Inbox::start(InboxConfig { script: Script::of(rules), ..with_chunks() }).await.unwrap()
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects, without reading the greeting.
    pub(crate) async fn dial(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Connects and says EHLO.
    pub(crate) async fn hello(inbox: &Inbox) -> Self {
        let mut client = Self::dial(inbox.smtp_addr()).await.unwrap();
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.ask("EHLO client.test").await.starts_with("250"));
        client
    }

    /// Connects and begins a transaction with one recipient.
    pub(crate) async fn ready(inbox: &Inbox) -> Self {
        let mut client = Self::hello(inbox).await;
        for command in ["MAIL FROM:<>", "RCPT TO:<b@example.com>"] {
            assert!(client.ask(command).await.starts_with("250"), "{command}");
        }
        client
    }

    /// Writes octets as they are, in one write.
    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.unwrap();
    }

    /// Reads one reply, all its lines, without the last line end. "closed" and "reset" tell how it ended instead.
    pub(crate) async fn reply(&mut self) -> String {
        tokio::time::timeout(SOON, self.read_reply()).await.expect("no reply")
    }

    /// What is answered already. Nothing is lost of a reply that comes later.
    pub(crate) async fn early_reply(&mut self) -> Option<String> {
        tokio::time::timeout(TOO_SOON, self.read_reply()).await.ok()
    }

    /// Sends a command and reads the reply.
    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n")).await;
        self.reply().await
    }

    /// Sends a chunk in one write and reads the reply. `marker` is empty or " LAST".
    pub(crate) async fn chunk(&mut self, octets: &str, marker: &str) -> String {
        self.send(format!("BDAT {}{marker}\r\n{octets}", octets.len())).await;
        self.reply().await
    }

    /// Sends one message in lockstep and returns the first reply that was no consent, or the last one.
    pub(crate) async fn mail(&mut self, recipient: &str) -> String {
        for command in ["MAIL FROM:<news@example.com>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
            let reply = self.ask(command).await;
            if !reply.starts_with(['2', '3']) {
                return reply;
            }
        }
        self.ask(&format!("Message-ID: <{recipient}>\r\n\r\nHello\r\n.")).await
    }

    async fn read_reply(&mut self) -> String {
        loop {
            if let Some(reply) = self.take_reply() {
                return reply;
            }
            match self.stream.read_buf(&mut self.unread).await {
                Ok(0) => return "closed".to_owned(),
                Ok(_) => {}
                Err(err) if err.kind() == io::ErrorKind::ConnectionReset => return "reset".to_owned(),
                Err(err) => panic!("{err}"),
            }
        }
    }

    fn take_reply(&mut self) -> Option<String> {
        let text = str::from_utf8(&self.unread).unwrap();
        let mut len = 0;
        for line in text.split_inclusive("\r\n").filter(|line| line.ends_with("\r\n")) {
            len += line.len();
            if line.as_bytes()[3] == b' ' {
                let reply = text[..len - 2].to_owned();
                self.unread.drain(..len);
                return Some(reply);
            }
        }
        None
    }
}
