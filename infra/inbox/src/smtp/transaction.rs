//! MAIL, RCPT, DATA and the message: where the script interferes and where a message is recorded.
//!
//! A message is recorded before anything is said about it.

use std::io;
use std::sync::Arc;

use super::Flow;
use super::chunks::Chunks;
use super::command::{Mail, Refusal};
use super::content::{Headers, unstuff};
use super::session::Session;
use super::wire::Content;
use crate::director::Director;
use crate::hold::Held;
use crate::script::{Action, Phase};
use crate::store::Incoming;

/// Most recipients of one message. RFC 5321, 4.5.3.1.8, asks for 100 at least.
const MAX_RECIPIENTS: usize = 1000;

const NO_MAIL: Refusal = (503, "5.5.1", "MAIL first");
const NO_RECIPIENTS: Refusal = (554, "5.5.1", "no valid recipients");
const NO_SPACE: Refusal = (452, "4.3.1", "cannot keep the message");
pub(super) const TOO_LARGE: Refusal = (552, "5.3.4", "message too large");

/// A transaction in progress, with the script under which it began.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) director: Arc<Director>,
    number: u64,
    sender: String,
    utf8: bool,
    recipients: Vec<Arc<str>>,
    /// The rule that was taken for what is still to come.
    pub(super) rule: Option<usize>,
    /// What came of the message, once a BDAT has.
    pub(super) chunks: Option<Chunks>,
}

impl Session {
    pub(super) async fn mail(&mut self, mail: Mail) -> io::Result<Flow> {
        if let Some(refusal) = self.out_of_order().or_else(|| self.unfit(&mail)) {
            return Ok(self.refuse(refusal));
        }
        let director = self.shared.director();
        let number = director.transaction();
        let rule = director.at_mail(number);
        if let Some(flow) = self.script_acts(&director, rule, Phase::Mail).await? {
            return Ok(flow);
        }
        let Mail { sender, utf8, .. } = mail;
        let recipients = Vec::new();
        self.envelope = Some(Envelope { director, number, sender, utf8, recipients, rule, chunks: None });
        self.wire.reply(250, "2.1.0", "sender ok");
        Ok(Flow::Go)
    }

    pub(super) async fn rcpt(&mut self, recipient: String) -> io::Result<Flow> {
        if let Some(refusal) = self.between_chunks() {
            return Ok(self.refuse(refusal));
        }
        let Some(mut envelope) = self.envelope.take() else { return Ok(self.refuse(NO_MAIL)) };
        let flow = self.rcpt_in(&mut envelope, recipient).await;
        self.envelope = Some(envelope);
        flow
    }

    async fn rcpt_in(&mut self, envelope: &mut Envelope, recipient: String) -> io::Result<Flow> {
        if !recipient.is_ascii() && !envelope.utf8 {
            return Ok(self.refuse((553, "5.6.7", "SMTPUTF8 was not asked for")));
        }
        if envelope.recipients.len() == MAX_RECIPIENTS {
            return Ok(self.refuse((452, "4.5.3", "too many recipients")));
        }
        let director = envelope.director.clone();
        let rule = envelope.rule.or_else(|| director.at_rcpt(envelope.number, &recipient));
        if let Some(flow) = self.script_acts(&director, rule, Phase::Rcpt).await? {
            return Ok(flow);
        }
        if director.rule(rule).is_some_and(|rule| rule.acts_after(Phase::Rcpt)) {
            envelope.rule = rule;
        }
        envelope.recipients.push(recipient.into());
        self.wire.reply(250, "2.1.5", "recipient ok");
        Ok(Flow::Go)
    }

    pub(super) async fn data(&mut self) -> io::Result<Flow> {
        if let Some(refusal) = self.between_chunks() {
            return Ok(self.refuse(refusal));
        }
        let envelope = match self.take_ready() {
            Ok(envelope) => envelope,
            Err(refusal) => return Ok(self.refuse(refusal)),
        };
        if let Some(flow) = self.script_acts(&envelope.director, envelope.rule, Phase::Data).await? {
            self.envelope = Some(envelope);
            return Ok(flow);
        }
        self.wire.raw(format_args!("354 end with <CR><LF>.<CR><LF>\r\n"));
        self.message(envelope).await
    }

    /// Takes the transaction for its message, if one may come.
    pub(super) fn take_ready(&mut self) -> Result<Envelope, Refusal> {
        let ready = self.envelope.take_if(|envelope| !envelope.recipients.is_empty());
        ready.ok_or_else(|| if self.envelope.is_some() { NO_RECIPIENTS } else { NO_MAIL })
    }

    /// Reads the message and settles the transaction.
    async fn message(&mut self, envelope: Envelope) -> io::Result<Flow> {
        if !self.wire.body_began().await? {
            return Ok(Flow::Close);
        }
        if let Some(flow) = self.script_acts(&envelope.director, envelope.rule, Phase::Body).await? {
            return Ok(flow);
        }
        let content = self.wire.next_content(self.shared.config.max_message_bytes).await?;
        match content {
            None => Ok(Flow::Close),
            Some(Content::TooLarge) => Ok(self.refuse(TOO_LARGE)),
            Some(Content::Stuffed(content)) => self.settle(&envelope, &unstuff(&content)).await,
        }
    }

    /// Records the message and answers its end, as far as the script lets it.
    pub(super) async fn settle(&mut self, envelope: &Envelope, body: &[u8]) -> io::Result<Flow> {
        if let Some(flow) = self.script_acts(&envelope.director, envelope.rule, Phase::Dot).await? {
            return Ok(flow);
        }
        match envelope.director.rule(envelope.rule).map(|rule| &rule.action) {
            Some(Action::AcceptThenDropReply { by }) => match self.record(envelope, body) {
                Err(refusal) => Ok(self.refuse(refusal)),
                Ok(_) => Ok((*by).into()),
            },
            Some(Action::AcceptThenHold) => {
                let recorded = self.record(envelope, body);
                self.hold(envelope, body, recorded.is_ok()).await.map(|go| self.answer_if(go, recorded))
            }
            Some(Action::HoldBeforeAccept) => {
                let go = self.hold(envelope, body, false).await?;
                let recorded = if go { self.record(envelope, body) } else { Err(NO_SPACE) };
                Ok(self.answer_if(go, recorded))
            }
            Some(Action::Accept | Action::Reply { .. } | Action::Close { .. } | Action::Reset { .. })
            | None => {
                let recorded = self.record(envelope, body);
                Ok(self.answer_if(true, recorded))
            }
        }
    }

    fn answer_if(&mut self, go: bool, recorded: Result<u64, Refusal>) -> Flow {
        match recorded {
            _ if !go => return Flow::Close,
            Ok(seq) => {
                let status =
                    if self.shared.config.capabilities.enhanced_status_codes { " 2.0.0" } else { "" };
                self.wire.raw(format_args!("250{status} queued as {seq}\r\n"));
            }
            Err((code, status, text)) => self.wire.reply(code, status, text),
        }
        Flow::Go
    }

    fn record(&self, envelope: &Envelope, body: &[u8]) -> Result<u64, Refusal> {
        let headers = Headers::read(body, &self.shared.keep_headers);
        let recorded = self.shared.store.accept(Incoming {
            connection: self.connection,
            sender: &envelope.sender,
            recipients: &envelope.recipients,
            body,
            message_id: headers.message_id,
            headers: headers.kept,
        });
        self.shared.changed.notify_waiters();
        recorded.map_err(|err| {
            tracing::warn!(error = %err, "could not keep a message");
            NO_SPACE
        })
    }

    /// Waits until released. `false` if the client went away before.
    async fn hold(&mut self, envelope: &Envelope, body: &[u8], stored: bool) -> io::Result<bool> {
        let held = Held {
            connection: self.connection,
            recipients: envelope.recipients.iter().map(|recipient| recipient.to_string()).collect(),
            message_id: Headers::read(body, &[]).message_id,
            stored,
        };
        self.wire.flush().await?;
        let mut ticket = self.shared.holds.enter(held, &self.shared.changed);
        tokio::select! {
            biased;
            () = ticket.released() => Ok(true),
            () = self.wire.gone() => Ok(false),
        }
    }

    /// What is wrong with MAIL, apart from its order among the commands before.
    fn unfit(&self, mail: &Mail) -> Option<Refusal> {
        if self.envelope.is_some() {
            return Some((503, "5.5.1", "a transaction is open"));
        }
        if !mail.sender.is_ascii() && !mail.utf8 {
            return Some((553, "5.6.7", "SMTPUTF8 was not asked for"));
        }
        let limit = self.shared.config.max_message_bytes as u64;
        mail.size.filter(|&size| size > limit).map(|_| TOO_LARGE)
    }
}
