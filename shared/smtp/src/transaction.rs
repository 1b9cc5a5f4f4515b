//! One message on one connection: `[RSET] MAIL RCPT DATA body-and-dot`.
//!
//! In lockstep: the next command goes out when the reply to the last one allows it. After a refusal
//! between RCPT and DATA the server still has a transaction open; the RSET that ends it is sent with the
//! next message, so that the refusal is not kept waiting for it.

use crate::budget::Budget;
use crate::classify::{Verdict, classify};
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::{Outcome, Phase};
use crate::reply::Reply;
use crate::session::Connection;
use crate::wire::Wire;

/// The step a transaction ended at, and its answer.
type End = (Phase, Result<Reply, Failure>);

impl Connection {
    /// Sends one message to one recipient.
    ///
    /// Dropping the future closes the TCP connection; whether the server has the message then is for
    /// the caller to doubt.
    pub async fn send(&mut self, message: &Message) -> Outcome {
        self.send_within(message, Budget::begin(self.timeouts.message)).await
    }

    /// The same, with what is left of a budget.
    pub(crate) async fn send_within(&mut self, message: &Message, budget: Budget) -> Outcome {
        if let Err(failure) = self.check(message) {
            return Outcome::conclude(Phase::Prepare, Err(failure));
        }

        let Some(mut wire) = self.wire.take() else {
            return Outcome::conclude(Phase::Reset, Err(Failure::Unusable));
        };
        self.messages = self.messages.saturating_add(1);
        wire.set_deadline(budget.before_body());
        let (phase, answer) = self.transact(&mut wire, message, budget).await;
        wire.set_deadline(None);
        if ended_in_step(phase, &answer) {
            self.wire = Some(wire);
            self.needs_reset = matches!(phase, Phase::Rcpt | Phase::Data);
        }
        Outcome::conclude(phase, answer)
    }

    /// What the server has said it will not take is not even begun.
    fn check(&self, message: &Message) -> Result<(), Failure> {
        let (offered, content) = (self.capabilities(), message.content());
        match offered.max_size {
            Some(limit) if limit < content.size => {
                return Err(Failure::TooLarge { size: content.size, limit });
            }
            Some(_) | None => {}
        }
        if message.envelope().is_international() && !offered.smtp_utf8 {
            return Err(Failure::NeedsExtension("SMTPUTF8"));
        }
        // RFC 6152 section 3: without the extension such a message must not be sent.
        if content.eight_bit && !offered.eight_bit_mime {
            return Err(Failure::NeedsExtension("8BITMIME"));
        }
        Ok(())
    }

    async fn transact(&self, wire: &mut Wire, message: &Message, budget: Budget) -> End {
        let limit = self.timeouts.command;
        let steps = [
            (Phase::Reset, "RSET\r\n".to_owned(), limit),
            (Phase::Mail, self.mail_line(message), limit),
            (Phase::Rcpt, format!("RCPT TO:<{}>\r\n", message.envelope().to()), limit),
            (Phase::Data, "DATA\r\n".to_owned(), self.timeouts.data_initiation),
        ];
        let skip = usize::from(!self.needs_reset);
        for (phase, line, limit) in steps.into_iter().skip(skip) {
            let answer = wire.command(line.as_bytes(), limit).await;
            if classify(phase, answer.as_ref()) != Verdict::Proceed {
                return (phase, answer);
            }
        }
        self.finish(wire, message, budget).await
    }

    fn mail_line(&self, message: &Message) -> String {
        let (offered, envelope, content) = (self.capabilities(), message.envelope(), message.content());
        let size = if offered.size { format!(" SIZE={}", content.size) } else { String::new() };
        let body = if content.eight_bit && offered.eight_bit_mime { " BODY=8BITMIME" } else { "" };
        let utf8 = if envelope.is_international() { " SMTPUTF8" } else { "" };
        format!("MAIL FROM:<{}>{size}{body}{utf8}\r\n", envelope.from())
    }

    /// The message, its terminator and what the server says to them.
    async fn finish(&self, wire: &mut Wire, message: &Message, budget: Budget) -> End {
        // A reply that is there already would be taken for the one to the dot.
        if !wire.is_quiet() {
            return (Phase::Data, wire.unasked(self.timeouts.command).await);
        }
        wire.set_deadline(budget.body());
        let written = wire.body(message.wire(), self.timeouts.data_block).await;
        wire.set_deadline(budget.end());
        match written {
            Ok(None) => (Phase::EndOfData, wire.reply(self.timeouts.end_of_data).await),
            Ok(Some(last_word)) => (Phase::Body, Ok(last_word)),
            Err(failure) => (Phase::Body, Err(failure)),
        }
    }
}

/// The connection may carry another message. 421 closes it; 503 says that the server sees another step than
/// we do; RSET must succeed; a message broken off in its middle cannot be taken back.
fn ended_in_step(phase: Phase, answer: &Result<Reply, Failure>) -> bool {
    let Ok(reply) = answer else { return false };
    let expected = match phase {
        Phase::Mail | Phase::Rcpt | Phase::Data => reply.class() >= 4,
        Phase::EndOfData => reply.class() != 3,
        Phase::Reset
        | Phase::Body
        | Phase::Wait
        | Phase::Connect
        | Phase::Greeting
        | Phase::Hello
        | Phase::Tls
        | Phase::Auth
        | Phase::Prepare => false,
    };
    expected && !matches!(reply.code(), 421 | 503) && classify(phase, Ok(reply)) != Verdict::Misconfigured
}
