//! One connection of the scripted server: takes commands one after another, also such as came together.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::script::{Act, Delivery, Log, Mode, Said, Stored};
use crate::server::{Manner, Order};

/// A connection, what has been heard of it and what it is about.
pub(crate) struct Session {
    pub(crate) tcp: TcpStream,
    pub(crate) buffer: Vec<u8>,
    /// Not yet written.
    pub(crate) replies: Vec<u8>,
    pub(crate) log: watch::Sender<Log>,
    pub(crate) manner: Manner,
    pub(crate) inbox: mpsc::UnboundedReceiver<Order>,
    pub(crate) said: Said,
}

/// The session is over.
struct Over;

/// What the server knows of a transaction.
#[derive(Default)]
struct Transaction {
    mail: String,
    rcpt: String,
    /// Both were answered with 2xx.
    has_recipient: bool,
}

impl Session {
    pub(crate) async fn run(mut self) {
        let _ = self.talk().await;
        let Self { tcp, log, said, .. } = self;
        drop(tcp);
        log.send_modify(|log| {
            log.open -= 1;
            log.closed.push(said.session);
        });
    }

    async fn talk(&mut self) -> Result<(), Over> {
        self.hear("CONNECT", "").await?;
        let mut now = Transaction::default();
        loop {
            let line = self.line().await?;
            self.log.send_modify(|log| log.heard.push((self.said.session, line.clone())));
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "MAIL" if !now.mail.is_empty() => self.write(b"503 5.5.1 nested MAIL\r\n").await?,
                "MAIL" => {
                    self.log.send_modify(|log| {
                        self.said.message = log.messages;
                        log.messages += 1;
                    });
                    let taken = self.hear(&verb, &line).await?.starts_with('2');
                    now = Transaction {
                        mail: if taken { line } else { String::new() },
                        ..Transaction::default()
                    };
                }
                "RCPT" => {
                    let taken = self.hear(&verb, &line).await?.starts_with('2');
                    now.has_recipient = taken && !now.mail.is_empty();
                    now.rcpt = line;
                }
                "DATA" if self.manner.mode == Mode::Pipelined && !now.has_recipient => {
                    self.write(b"503 5.5.1 no valid recipients\r\n").await?;
                }
                "DATA" => {
                    if self.hear(&verb, &line).await?.starts_with("354") {
                        let body = self.body().await?;
                        self.end_of_data(std::mem::take(&mut now), body).await?;
                    }
                }
                "BDAT" => {
                    let octets = line.split(' ').nth(1).and_then(|octets| octets.parse().ok()).ok_or(Over)?;
                    let body = self.chunk(octets).await?;
                    // A refused chunk leaves the transaction open (RFC 3030 section 2).
                    let done =
                        if now.has_recipient { std::mem::take(&mut now) } else { Transaction::default() };
                    self.end_of_data(done, body).await?;
                }
                "RSET" => {
                    now = Transaction::default();
                    self.hear(&verb, &line).await?;
                }
                "EHLO" | "HELO" | "AUTH" | "QUIT" => drop(self.hear(&verb, &line).await?),
                _ => drop(self.hear("TEXT", &line).await?),
            }
        }
    }

    /// Asks the script and does it. Returns the beginning of the reply.
    async fn hear(&mut self, verb: &str, line: &str) -> Result<String, Over> {
        self.said.verb = verb.to_owned();
        self.said.line = line.to_owned();
        self.said.more = !self.buffer.is_empty();
        let act = (self.manner.script)(&self.said);
        self.act(act).await
    }

    async fn act(&mut self, act: Act) -> Result<String, Over> {
        match act {
            Act::Usual if self.said.verb == "BODY" => return Ok(String::new()),
            Act::Usual => {
                let reply = usual(&self.said.verb, self.manner.mode);
                self.write(format!("{reply}\r\n").as_bytes()).await?;
                if self.said.verb == "QUIT" {
                    self.deliver().await?;
                    return Err(Over);
                }
                return Ok(reply);
            }
            Act::Say(reply) => {
                self.write(format!("{reply}\r\n").as_bytes()).await?;
                return Ok(reply);
            }
            Act::SayAndClose(reply) => {
                self.write(format!("{reply}\r\n").as_bytes()).await?;
                return Err(self.fin().await);
            }
            Act::Pieces(pieces) => {
                for piece in &pieces {
                    self.write(piece).await?;
                    self.deliver().await?;
                    tokio::task::yield_now().await;
                }
                return Ok(String::from_utf8(pieces.concat()).unwrap());
            }
            Act::Fin => return Err(self.fin().await),
            Act::Rst => {
                self.deliver().await?;
                self.tcp.set_zero_linger().map_err(|_| Over)?;
                return Err(Over);
            }
            Act::Silence => loop {
                self.fill().await?;
            },
            Act::Deaf(reply) => {
                if let Some(reply) = reply {
                    self.write(format!("{reply}\r\n").as_bytes()).await?;
                }
                self.deliver().await?;
                std::future::pending::<()>().await;
            }
            Act::StoreAnd(act) => return Box::pin(self.act(*act)).await,
            Act::Together(barrier) => {
                barrier.wait().await;
                return Box::pin(self.act(Act::Usual)).await;
            }
        }
        Ok(String::new())
    }

    /// No server takes a message for nobody.
    async fn end_of_data(&mut self, transaction: Transaction, body: Vec<u8>) -> Result<(), Over> {
        if !transaction.has_recipient {
            self.log.send_modify(|log| log.lone += 1);
            return self.hear("LONE", "").await.map(drop);
        }
        self.said.verb = ".".to_owned();
        self.said.more = !self.buffer.is_empty();
        let act = (self.manner.script)(&self.said);
        let keep = match &act {
            Act::Usual | Act::Together(_) | Act::StoreAnd(_) => true,
            Act::Say(reply) => reply.starts_with('2'),
            Act::SayAndClose(_) | Act::Pieces(_) | Act::Fin | Act::Rst | Act::Silence | Act::Deaf(_) => false,
        };
        if keep {
            let Transaction { mail, rcpt, .. } = transaction;
            let stored = Stored { session: self.said.session, mail, rcpt, body };
            self.log.send_modify(|log| log.stored.push(stored));
        }
        self.act(act).await.map(drop)
    }

    /// Ends our side, then waits for the client to end its own: no reset comes from unread bytes.
    async fn fin(&mut self) -> Over {
        let _ = self.deliver().await;
        let _ = self.tcp.shutdown().await;
        while self.tcp.read_buf(&mut self.buffer).await.is_ok_and(|n| n > 0) {}
        Over
    }

    async fn line(&mut self) -> Result<String, Over> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return String::from_utf8(line).map_err(|_| Over);
            }
            self.fill().await?;
        }
    }

    async fn body(&mut self) -> Result<Vec<u8>, Over> {
        // The line end of the DATA command counts as the first half of a terminator.
        let mut text = b"\r\n".to_vec();
        let mut scanned = 0;
        let mut asked = false;
        loop {
            text.append(&mut self.buffer);
            if let Some(found) = text[scanned..].windows(5).position(|w| w == b"\r\n.\r\n") {
                self.buffer = text.split_off(scanned + found + 5);
                text.truncate(scanned + found + 2);
                return Ok(unstuff(&text[2..]));
            }
            scanned = text.len().saturating_sub(4);
            self.fill().await?;
            if !std::mem::replace(&mut asked, true) {
                self.hear("BODY", "").await?;
            }
        }
    }

    async fn chunk(&mut self, octets: usize) -> Result<Vec<u8>, Over> {
        self.hear("BODY", "").await?;
        while self.buffer.len() < octets {
            self.fill().await?;
        }
        Ok(self.buffer.drain(..octets).collect())
    }

    async fn fill(&mut self) -> Result<(), Over> {
        self.deliver().await?;
        tokio::select! {
            read = self.tcp.read_buf(&mut self.buffer) => match read {
                Ok(n) if n > 0 => Ok(()),
                _ => Err(Over),
            },
            Some(order) = self.inbox.recv() => {
                if let Some(line) = order.say {
                    self.write(format!("{line}\r\n").as_bytes()).await?;
                }
                self.deliver().await?;
                let _ = self.tcp.shutdown().await;
                let _ = order.done.send(());
                Err(self.fin().await)
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.replies.extend_from_slice(bytes);
        if self.manner.delivery == Delivery::Together { Ok(()) } else { self.deliver().await }
    }

    async fn deliver(&mut self) -> Result<(), Over> {
        let replies = std::mem::take(&mut self.replies);
        if self.manner.delivery != Delivery::Octets {
            return self.tcp.write_all(&replies).await.map_err(|_| Over);
        }
        self.tcp.set_nodelay(true).map_err(|_| Over)?;
        for octet in replies.chunks(1) {
            self.tcp.write_all(octet).await.map_err(|_| Over)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

fn usual(verb: &str, mode: Mode) -> String {
    let reply = match verb {
        "CONNECT" => "220 mx.test ready",
        "EHLO" => {
            let more = match mode {
                Mode::Lockstep => "",
                Mode::Pipelined | Mode::Lenient => "250-PIPELINING\r\n",
                Mode::Chunked => "250-PIPELINING\r\n250-CHUNKING\r\n",
            };
            return format!(
                "250-mx.test\r\n250-SIZE 50000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n{more}250 AUTH PLAIN LOGIN"
            );
        }
        "AUTH" | "TEXT" => "235 2.7.0 welcome",
        "DATA" => "354 go on",
        "QUIT" => "221 2.0.0 bye",
        "." => "250 2.0.0 queued",
        "LONE" if mode == Mode::Chunked => "503 5.5.1 no valid recipients",
        "LONE" => "554 5.5.1 no valid recipients",
        _ => "250 2.1.0 ok",
    };
    reply.to_owned()
}

fn unstuff(text: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(text.len());
    let mut at_line_start = true;
    for &byte in text {
        if !(at_line_start && byte == b'.') {
            body.push(byte);
        }
        at_line_start = byte == b'\n';
    }
    body
}
