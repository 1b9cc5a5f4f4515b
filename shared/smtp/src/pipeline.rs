//! Messages over a server that offers PIPELINING (RFC 2920), one round trip each.
//!
//! ```text
//! ->  MAIL RCPT DATA                                first
//! <-  250 250 354
//! ->  body of first . | MAIL RCPT DATA              second, "behind" first
//! <-  250 250 250 354
//! ->  body of second . | MAIL RCPT DATA             third
//! ```
//!
//! In one write a text may stand before commands, and DATA only behind them (RFC 2920 section 3.1).
//! Where the server also offers CHUNKING (RFC 3030), a message with nothing before it needs no 354 either:
//!
//! ```text
//! ->  MAIL RCPT BDAT-LAST text | RSET MAIL RCPT DATA
//! <-  250 250 250               250  250  250  354
//! ```
//!
//! - One body at most is unanswered, so a connection that dies leaves one message in doubt. Of the one behind it
//!   the server has heard commands only: it was surely not taken and begins again on another connection, once.
//! - Every reply is read, in the order of the commands. A refused message costs the next one nothing: what it
//!   left open (a [`Debt`]) is paid in the same write as the next commands.
//! - A message behind another still *waits for the connection*: its patience is the pool's. When that ends, or its
//!   sender goes, the one before it is served to its end, and then the connection closes: a transaction that
//!   has its 354 cannot be taken back.
//! - No message is put behind a BDAT without RSET: what a server thinks after a refused BDAT is indeterminate
//!   (RFC 3030 section 2).

use std::borrow::Cow;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::task::yield_now;

use crate::classify::{Verdict, classify};
use crate::commands::{self, Debt};
use crate::failure::Failure;
use crate::order::{Order, Probe, Ticket};
use crate::outcome::{Outcome, Phase};
use crate::pool::Shared;
use crate::reply::Reply;
use crate::session::{ConnectError, Connection};
use crate::transaction::ended_in_step;
use crate::verdicts::{Ended, Form, judge};
use crate::wire::Wire;

/// How a conversation ended for those who took part.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// The last message, to be told when the connection's future is settled.
    pub(crate) told: Option<(Ticket, Outcome)>,
    /// The same for a probe.
    pub(crate) probed: Option<(Probe, Result<(), ConnectError>)>,
    /// Surely not taken; to be sent over a fresh connection.
    pub(crate) again: Option<Order>,
}

impl End {
    pub(crate) fn told(order: Order, outcome: Outcome) -> Self {
        Self { told: Some((order.ticket, outcome)), ..Self::default() }
    }

    pub(crate) fn tell(&mut self) {
        if let Some((ticket, outcome)) = self.told.take() {
            ticket.answer(outcome);
        }
        if let Some((probe, result)) = self.probed.take() {
            // Whoever asked may have gone.
            let _ = probe.answer.send(result);
        }
    }
}

/// A message whose commands have been written.
#[derive(Debug)]
struct Begun {
    order: Order,
    /// What goes before its commands and is answered first.
    lead: Debt,
    form: Form,
}

/// One connection while messages travel on it.
#[derive(Debug)]
pub(crate) struct Pipe<'a> {
    wire: Wire,
    connection: &'a mut Connection,
    pool: &'a Shared,
    behind: Option<Begun>,
    /// The commands of `behind`.
    behind_line: Vec<u8>,
    /// A message behind has given up and the replies to its commands are still to come.
    doomed: bool,
}

impl<'a> Pipe<'a> {
    /// Takes over a connection that is in step.
    pub(crate) fn new(connection: &'a mut Connection, pool: &'a Shared) -> Option<Self> {
        let wire = connection.wire.take()?;
        Some(Self { wire, connection, pool, behind: None, behind_line: Vec::new(), doomed: false })
    }

    /// Sends `first` and what waits in the queue, until nothing does or something goes wrong. The connection gets
    /// its wire back if it is in step.
    pub(crate) async fn run(mut self, first: Order, form: Form, reused: bool) -> End {
        let lead = std::mem::take(&mut self.connection.debt);
        let mut current = Begun { order: first, lead, form };
        let mut begun = self.begin(&mut current).await;
        loop {
            let ended = match begun {
                Ok(()) => self.finish(&mut current).await,
                Err(ended) => ended,
            };
            if !ended.in_step || self.doomed {
                return self.lost(current.order, ended, reused);
            }
            let Some(behind) = self.behind.take() else { return self.settled(current.order, ended) };
            current.order.ticket.answer(ended.outcome);
            current = behind;
            begun = self.promote(&mut current).await;
        }
    }

    /// Writes the commands of the first message, and all of it as a chunk.
    async fn begin(&mut self, current: &mut Begun) -> Result<(), Ended> {
        self.connection.messages = self.connection.messages.saturating_add(1);
        let timeouts = self.connection.timeouts;
        let order = &mut current.order;
        self.wire.out.clear();
        self.wire.out.extend_from_slice(current.lead.line());
        commands::mail(&mut self.wire.out, self.connection.capabilities(), &order.message);
        commands::rcpt(&mut self.wire.out, &order.message);
        if current.form == Form::Data {
            self.wire.out.extend_from_slice(commands::DATA);
            self.wire.set_deadline(order.budget.before_body());
            let written = wanted(&mut order.ticket, self.wire.flush(timeouts.command)).await;
            return written.map_err(|failure| Ended::lost(current.lead.phase(), Err(failure)));
        }
        commands::bdat(&mut self.wire.out, &order.message);
        self.take_behind(Debt::Reset);
        match self.write(order, Form::Chunk).await {
            Ok(None) => Ok(()),
            // The first reply of all, so the one to the first command.
            Ok(Some(last_word)) => Err(Ended::lost(current.lead.phase(), Ok(last_word))),
            Err(failure) => Err(Ended::lost(Phase::Body, Err(failure))),
        }
    }

    /// The message behind becomes the current one.
    async fn promote(&mut self, current: &mut Begun) -> Result<(), Ended> {
        let order = &mut current.order;
        self.wire.set_deadline(order.budget.before_body());
        if order.ticket.is_withdrawn() {
            return Err(Ended::lost(Phase::Mail, Err(Failure::Closed)));
        }
        if self.wire.out.is_empty() {
            return Ok(());
        }
        let rest = wanted(&mut order.ticket, self.wire.flush(self.connection.timeouts.command)).await;
        rest.map_err(|failure| Ended::lost(current.lead.phase(), Err(failure)))
    }

    /// Reads the replies to the commands of the current message and, if they allow it, sends its body.
    async fn finish(&mut self, current: &mut Begun) -> Ended {
        match self.replies(current).await {
            Ok(()) => self.data(&mut current.order).await,
            Err(ended) => ended,
        }
    }

    /// `Ok` when the server has said 354.
    async fn replies(&mut self, current: &mut Begun) -> Result<(), Ended> {
        let Begun { order, lead, form } = current;
        let timeouts = self.connection.timeouts;
        if *lead != Debt::None {
            let paid = self.reply(&mut order.ticket, timeouts.command).await;
            if !lead.is_paid_by(&paid) {
                return Err(Ended::lost(form.phase_of_silence(Phase::Reset, &paid), paid));
            }
        }
        let mut refusal = None;
        for phase in [Phase::Mail, Phase::Rcpt] {
            let answer = self.reply(&mut order.ticket, timeouts.command).await;
            let refused = classify(phase, answer.as_ref()) != Verdict::Proceed;
            match answer {
                Ok(reply) if reply.code() != 421 => {
                    if refused && refusal.is_none() {
                        refusal = Some((phase, reply));
                    }
                }
                // No more replies will come.
                last => return Err(Ended::after(refusal, form.phase_of_silence(phase, &last), last)),
            }
        }
        let (phase, limit) = match form {
            Form::Data => (Phase::Data, timeouts.data_initiation),
            Form::Chunk => (Phase::EndOfData, timeouts.end_of_data),
        };
        match self.reply(&mut order.ticket, limit).await {
            Ok(reply) if reply.code() != 421 => self.judge(*form, refusal, reply),
            last => Err(Ended::after(refusal, phase, last)),
        }
    }

    fn judge(&self, form: Form, refusal: Option<(Phase, Reply)>, last: Reply) -> Result<(), Ended> {
        if form == Form::Chunk && refusal.is_none() && matches!(last.code(), 500..=504) {
            self.pool.chunking_refused.store(true, Relaxed);
        }
        judge(form, refusal, last)
    }

    /// The body with the next message's commands, and what the server says to the dot.
    async fn data(&mut self, order: &mut Order) -> Ended {
        let timeouts = self.connection.timeouts;
        self.behind_line.clear();
        if !self.take_behind(Debt::None) && self.connection.messages > 1 {
            // The sender of the message just answered may have another one, given a turn.
            yield_now().await;
            self.take_behind(Debt::None);
        }
        // A reply that is there already would be taken for the one to the dot.
        if !self.wire.is_quiet() {
            return Ended::lost(Phase::Data, self.wire.unasked(timeouts.command).await);
        }
        match self.write(order, Form::Data).await {
            Ok(None) => {
                let answer = self.reply(&mut order.ticket, timeouts.end_of_data).await;
                let in_step = ended_in_step(Phase::EndOfData, &answer);
                Ended { in_step, ..Ended::lost(Phase::EndOfData, answer) }
            }
            Ok(Some(last_word)) => Ended::lost(Phase::Body, Ok(last_word)),
            Err(failure) => Ended::lost(Phase::Body, Err(failure)),
        }
    }

    /// Writes the text and the commands behind it. From here on it may be in doubt.
    async fn write(&mut self, order: &mut Order, form: Form) -> Result<Option<Reply>, Failure> {
        let Order { message, budget, ticket, .. } = order;
        let text = match form {
            Form::Data => Cow::Borrowed(message.wire()),
            Form::Chunk => message.text(),
        };
        ticket.reach(Phase::EndOfData);
        self.wire.set_deadline(budget.body());
        let limit = self.connection.timeouts.data_block;
        let written = wanted(ticket, self.wire.body(&text, &self.behind_line, limit)).await;
        self.wire.set_deadline(budget.end());
        written
    }

    /// Puts the commands of a waiting message behind the body that is about to be written. True if there is one.
    fn take_behind(&mut self, lead: Debt) -> bool {
        if self.connection.messages >= self.pool.config.max_messages_per_connection {
            return false;
        }
        let Some(order) = self.next_order() else { return false };
        self.connection.messages += 1;
        self.pool.stats.reused.fetch_add(1, Relaxed);
        self.pool.stats.pipelined.fetch_add(1, Relaxed);
        let line = &mut self.behind_line;
        line.extend_from_slice(lead.line());
        commands::mail(line, self.connection.capabilities(), &order.message);
        commands::rcpt(line, &order.message);
        line.extend_from_slice(commands::DATA);
        self.behind = Some(Begun { order, lead, form: Form::Data });
        true
    }

    /// The message that has waited longest and that this server takes.
    fn next_order(&self) -> Option<Order> {
        loop {
            let order = self.pool.queue.take_message()?;
            match self.connection.check(&order.message) {
                Ok(()) => return Some(order),
                Err(why) => order.ticket.answer(Outcome::conclude(Phase::Prepare, Err(why))),
            }
        }
    }

    /// The next reply, or `Closed` when the sender of the current message goes. Meanwhile the message behind may lose its patience.
    async fn reply(&mut self, ticket: &mut Ticket, limit: Duration) -> Result<Reply, Failure> {
        // Most replies come together with the one before: no clock, no timer.
        if let Some(answer) = self.wire.read_ahead() {
            return answer;
        }
        let begun = Instant::now();
        let mut left = limit;
        loop {
            let behind = self.behind.as_ref().and_then(|behind| behind.order.patient_until);
            let patience = behind.map(|until| until.saturating_duration_since(Instant::now()));
            let shorter = patience.filter(|&patience| patience < self.wire.clip(left));
            match (wanted(ticket, self.wire.reply(shorter.unwrap_or(left))).await, shorter) {
                (Err(Failure::TimedOut(_)), Some(_)) => self.give_up_behind(),
                (answer, _) => return answer,
            }
            left = limit.saturating_sub(begun.elapsed());
        }
    }

    fn give_up_behind(&mut self) {
        if let Some(Begun { order, .. }) = self.behind.take() {
            self.doomed = true;
            let why = Failure::PoolBusy(order.patience);
            order.ticket.answer(Outcome::conclude(Phase::Wait, Err(why)));
        }
    }

    /// In step, and nothing is under way.
    fn settled(mut self, order: Order, ended: Ended) -> End {
        self.wire.set_deadline(None);
        self.connection.debt = ended.debt;
        self.connection.wire = Some(self.wire);
        End::told(order, ended.outcome)
    }

    /// Closes the connection.
    fn lost(self, mut order: Order, ended: Ended, reused: bool) -> End {
        let stats = &self.pool.stats;
        let reused = reused || self.connection.messages > 1;
        if ended.is_untouched() && self.behind.is_none() && reused && order.begin_again() {
            stats.retried.fetch_add(1, Relaxed);
            return End { again: Some(order), ..End::default() };
        }
        let mut again = self.behind.map(|behind| behind.order);
        if again.as_mut().is_some_and(Order::begin_again) {
            stats.moved.fetch_add(1, Relaxed);
        } else {
            again = None;
        }
        End { again, ..End::told(order, ended.outcome) }
    }
}

/// The step, or `Closed` as soon as nobody waits for its message any more.
async fn wanted<T>(
    ticket: &mut Ticket,
    step: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        result = step => result,
        () = ticket.withdrawn() => Err(Failure::Closed),
    }
}
