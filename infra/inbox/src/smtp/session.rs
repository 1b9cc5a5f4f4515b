//! The order of commands: greeting, hello, login, transactions, quit.

use std::io;
use std::sync::Arc;

use super::Flow;
use super::command::{Command, Refusal};
use super::instead::Instead;
use super::transaction::Envelope;
use super::wire::{Line, Wire};
use crate::config::Auth;
use crate::script::Phase;
use crate::shared::Shared;

/// One client from greeting to end.
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) shared: Arc<Shared>,
    pub(super) connection: u64,
    pub(super) authenticated: bool,
    /// The transaction that MAIL began.
    pub(super) envelope: Option<Envelope>,
    greeted: bool,
}

impl Session {
    pub(super) fn new(wire: Wire, shared: Arc<Shared>, connection: u64) -> Self {
        Self { wire, shared, connection, authenticated: false, envelope: None, greeted: false }
    }

    pub(super) fn into_wire(self) -> Wire {
        self.wire
    }

    /// Talks until the end, and says how to make it.
    pub(super) async fn run(&mut self) -> io::Result<Flow> {
        let mut flow = self.greet().await?;
        while flow == Flow::Go {
            let Some(line) = self.wire.next_line().await? else { return Ok(Flow::Go) };
            flow = match line {
                Line::Text(line) => match str::from_utf8(&line) {
                    Ok(line) => self.obey(line).await?,
                    Err(_) => self.refuse_line("a command is UTF-8 text"),
                },
                Line::TooLong => self.refuse_line("line too long"),
                Line::BareLf => self.refuse_line("lines end with CR LF"),
            };
        }
        Ok(flow)
    }

    async fn obey(&mut self, line: &str) -> io::Result<Flow> {
        match Command::parse(line, &self.shared.config.capabilities) {
            Ok(command) => self.carry_out(command).await,
            Err(refusal) => Ok(self.refuse(refusal)),
        }
    }

    /// Answers what is no line. Where chunks are offered it may have been a BDAT, and then what follows is no
    /// command; as that cannot be told any more, the conversation ends.
    fn refuse_line(&mut self, text: &'static str) -> Flow {
        self.refuse((500, "5.5.2", text));
        if self.shared.config.capabilities.chunking { Flow::Close } else { Flow::Go }
    }

    pub(super) fn refuse(&mut self, (code, status, text): Refusal) -> Flow {
        self.wire.reply(code, status, text);
        Flow::Go
    }

    async fn greet(&mut self) -> io::Result<Flow> {
        let director = self.shared.director();
        if let Some(rule) = director.connection() {
            if let Some(delay) = rule.delay {
                self.pause(delay.ms).await?;
            }
            if let Some(instead) = Instead::of(&rule.action, Phase::Connect) {
                let flow = self.act(instead);
                // A refused connection is of no more use (RFC 5321, 3.1, would only let the client quit).
                return Ok(if flow == Flow::Go { Flow::Close } else { flow });
            }
        }
        self.wire.raw(format_args!("220 {} ESMTP\r\n", self.shared.config.hostname));
        Ok(Flow::Go)
    }

    async fn carry_out(&mut self, command: Command) -> io::Result<Flow> {
        match command {
            Command::Ehlo => self.ehlo(),
            Command::Helo => self.helo(),
            Command::Mail(mail) => return self.mail(mail).await,
            Command::Rcpt(recipient) => return self.rcpt(recipient).await,
            Command::Data => return self.data().await,
            Command::Bdat(chunk) => return self.bdat(chunk).await,
            Command::Rset => {
                self.envelope = None;
                self.wire.reply(250, "2.0.0", "forgotten");
            }
            Command::Noop => self.wire.reply(250, "2.0.0", "ok"),
            Command::Vrfy => self.wire.reply(252, "2.5.0", "cannot verify, but will take it"),
            Command::Quit => {
                self.wire.reply(221, "2.0.0", "bye");
                return Ok(Flow::Close);
            }
            // An end of file in the middle of AUTH leaves nothing to close in order.
            Command::Auth(auth) => {
                self.auth(auth).await?;
            }
        }
        Ok(Flow::Go)
    }

    /// Whether MAIL and AUTH may come.
    pub(super) fn out_of_order(&self) -> Option<Refusal> {
        if !self.greeted {
            return Some((503, "5.5.1", "EHLO or HELO first"));
        }
        let must_login = matches!(self.shared.config.auth, Auth::Only(_)) && !self.authenticated;
        must_login.then_some((530, "5.7.0", "AUTH first"))
    }

    fn helo(&mut self) {
        self.begin();
        self.wire.raw(format_args!("250 {}\r\n", self.shared.config.hostname));
    }

    /// Answers with the extensions (RFC 5321, 4.1.1.1). The host name comes first, so that every extension is a
    /// line of its own and the last one has the space.
    fn ehlo(&mut self) {
        self.begin();
        let config = &self.shared.config;
        let offered = config.capabilities;
        let size = format!("SIZE {}", config.max_message_bytes);
        let lines = [
            (true, config.hostname.as_str()),
            (offered.pipelining, "PIPELINING"),
            (offered.size, size.as_str()),
            (offered.eight_bit_mime, "8BITMIME"),
            (offered.smtp_utf8, "SMTPUTF8"),
            (offered.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
            (offered.chunking, "CHUNKING"),
            (config.auth != Auth::Off, "AUTH PLAIN LOGIN"),
        ];
        let lines: Vec<_> = lines.iter().filter(|(offered, _)| *offered).map(|(_, line)| *line).collect();
        for (index, line) in lines.iter().enumerate() {
            let gap = if index + 1 == lines.len() { ' ' } else { '-' };
            self.wire.raw(format_args!("250{gap}{line}\r\n"));
        }
    }

    /// A hello also ends a transaction (RFC 5321, 4.1.4).
    fn begin(&mut self) {
        self.greeted = true;
        self.envelope = None;
    }
}
