//! What senders ask of a pool, and how they get their answer.
//!
//! Every [`Ticket`] is answered exactly once, also when the task that holds it ends early: then with what
//! is known of a message that came as far as the ticket says. A ticket whose sender has gone is *withdrawn*.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::budget::{Budget, clip};
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::{Outcome, Phase};
use crate::session::ConnectError;
use crate::timeouts::Timeouts;

/// Something for the driver of a connection to do.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Send a message.
    Send(Order),
    /// Open a fresh connection and say whether that worked.
    Probe(Probe),
    /// Say QUIT and end; the sender waits for the other half to be dropped.
    Quit(oneshot::Sender<()>),
}

impl Errand {
    /// Nobody waits for it any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        match self {
            Self::Send(order) => order.ticket.is_withdrawn(),
            Self::Probe(probe) => probe.answer.is_closed(),
            Self::Quit(_) => false,
        }
    }

    /// Answers without having done anything.
    pub(crate) fn refuse(self, why: Failure) {
        match self {
            Self::Send(order) => order.ticket.answer(Outcome::conclude(Phase::Wait, Err(why))),
            // Whoever asked has gone if it cannot be answered.
            Self::Probe(probe) => {
                let _ = probe.answer.send(Err(ConnectError { phase: Phase::Wait, why }));
            }
            Self::Quit(_) => {}
        }
    }
}

/// A question whether the server takes mail from us.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) budget: Budget,
    pub(crate) answer: oneshot::Sender<Result<(), ConnectError>>,
}

/// A message to be sent.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) message: Arc<Message>,
    pub(crate) budget: Budget,
    /// How long it may wait for a connection to be free for it, counted from `send`.
    pub(crate) patience: Duration,
    /// When that is over; `None` is never.
    pub(crate) patient_until: Option<Instant>,
    /// It was begun on a connection that died before anything was said about it. Happens once.
    pub(crate) begun_again: bool,
    pub(crate) ticket: Ticket,
}

impl Order {
    pub(crate) fn new(
        message: Arc<Message>,
        timeouts: &Timeouts,
        budget: Budget,
    ) -> (Self, oneshot::Receiver<Outcome>) {
        let patience = clip(timeouts.wait, budget.before_body());
        let (answer, receipt) = oneshot::channel();
        let ticket = Ticket { phase: Phase::Wait, answer: Some(answer) };
        let patient_until = Instant::now().checked_add(patience);
        (Self { message, budget, patience, patient_until, begun_again: false, ticket }, receipt)
    }

    /// Nothing has been said about it on a connection that is gone: it may begin once more, if it is still wanted.
    pub(crate) fn begin_again(&mut self) -> bool {
        let may = !self.begun_again && !self.ticket.is_withdrawn();
        self.begun_again = true;
        may
    }
}

/// The right to an answer.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// How far the message may have come.
    phase: Phase,
    answer: Option<oneshot::Sender<Outcome>>,
}

impl Ticket {
    /// From now on the message may be as far as that.
    pub(crate) fn reach(&mut self, phase: Phase) {
        self.phase = phase;
    }

    pub(crate) fn answer(mut self, outcome: Outcome) {
        self.say(outcome);
    }

    fn say(&mut self, outcome: Outcome) {
        if let Some(answer) = self.answer.take() {
            // A sender that has gone needs no answer.
            let _ = answer.send(outcome);
        }
    }

    /// The sender has gone.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.answer.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Ends when the sender goes. Cancel safe.
    pub(crate) async fn withdrawn(&mut self) {
        if let Some(answer) = &mut self.answer {
            answer.closed().await;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.answer.is_some() {
            self.say(Outcome::conclude(self.phase, Err(Failure::Closed)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Envelope;

    fn order() -> (Order, oneshot::Receiver<Outcome>) {
        let envelope = Envelope::new("a@x", "b@y").unwrap();
        Order::new(Arc::new(Message::new(envelope, Vec::new())), &Timeouts::default(), Budget::begin(None))
    }

    #[test]
    fn a_dropped_order_is_answered_with_what_is_known_of_it() {
        let (dropped, mut receipt) = order();
        drop(dropped);
        assert!(matches!(receipt.try_recv(), Ok(Outcome::Deferred { phase: Phase::Wait, .. })));

        let (mut dropped, mut receipt) = order();
        dropped.ticket.reach(Phase::EndOfData);
        drop(dropped);
        assert!(matches!(receipt.try_recv(), Ok(Outcome::Unknown { .. })));
    }

    #[test]
    fn an_order_begins_again_once_and_only_while_it_is_wanted() {
        let (mut wanted, _receipt) = order();
        assert_eq!([wanted.begin_again(), wanted.begin_again()], [true, false]);

        let (mut unwanted, receipt) = order();
        drop(receipt);
        assert!(unwanted.ticket.is_withdrawn() && !unwanted.begin_again());
    }
}
