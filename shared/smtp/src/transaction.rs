//! One message on one connection in lockstep: `[RSET] MAIL RCPT DATA body-and-dot`.
//!
//! For servers without PIPELINING, and for callers that keep a [`Connection`] of their own. The next command goes out when the reply to the last one allows it. After a refusal
//! between RCPT and DATA the server still has a transaction open; the RSET that ends it is sent with the
//! next message, so that the refusal is not kept waiting for it.

use std::time::Duration;

use crate::budget::Budget;
use crate::classify::{Verdict, classify};
use crate::commands::{self, Debt};
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::{Outcome, Phase};
use crate::reply::Reply;
use crate::session::Connection;
use crate::wire::Wire;

/// Longest wait for the answer to a lone dot that no message goes with. One that comes meanwhile waits for it too.
const DEBT_PATIENCE: Duration = Duration::from_secs(1);

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
            self.debt = if matches!(phase, Phase::Rcpt | Phase::Data) { Debt::Reset } else { Debt::None };
        }
        Outcome::conclude(phase, answer)
    }

    /// Sends what the last transaction left unsaid. False when the connection is lost.
    pub(crate) async fn pay(&mut self) -> bool {
        let debt = std::mem::take(&mut self.debt);
        let Some(mut wire) = self.wire.take() else { return false };
        let paid = wire.command(debt.line(), self.timeouts.command.min(DEBT_PATIENCE)).await;
        if debt.is_paid_by(&paid) {
            self.wire = Some(wire);
        }
        self.wire.is_some()
    }

    /// What the server has said it will not take is not even begun.
    pub(crate) fn check(&self, message: &Message) -> Result<(), Failure> {
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
        let (mut mail, mut rcpt) = (Vec::new(), Vec::new());
        commands::mail(&mut mail, self.capabilities(), message);
        commands::rcpt(&mut rcpt, message);
        let steps = [
            (Phase::Reset, self.debt.line(), limit),
            (Phase::Mail, &mail, limit),
            (Phase::Rcpt, &rcpt, limit),
            (Phase::Data, commands::DATA, self.timeouts.data_initiation),
        ];
        let skip = usize::from(self.debt == Debt::None);
        for (phase, line, limit) in steps.into_iter().skip(skip) {
            let answer = wire.command(line, limit).await;
            if classify(phase, answer.as_ref()) != Verdict::Proceed {
                return (phase, answer);
            }
        }
        self.finish(wire, message, budget).await
    }

    /// The message, its terminator and what the server says to them.
    async fn finish(&self, wire: &mut Wire, message: &Message, budget: Budget) -> End {
        // A reply that is there already would be taken for the one to the dot.
        if !wire.is_quiet() {
            return (Phase::Data, wire.unasked(self.timeouts.command).await);
        }
        wire.set_deadline(budget.body());
        let written = wire.body(message.wire(), &[], self.timeouts.data_block).await;
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
pub(crate) fn ended_in_step(phase: Phase, answer: &Result<Reply, Failure>) -> bool {
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
