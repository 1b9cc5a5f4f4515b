//! Handing one window of messages to the provider.
//!
//! The intents are durable by now. Messages leave as fast as the pacing and the connections allow. Once the
//! provider closes its door, by refusing somebody for everybody's sake, the rest of the window stays home:
//! it surely was not taken.

use std::sync::{Mutex, PoisonError};

use fanmail_domain::pacing::GIVE_UP_AFTER;
use fanmail_domain::{FailReason, RecipientEvent, StatusReason};
use futures::StreamExt;

use super::run::{Rendered, Run};
use crate::ports::{
    Audience, Campaigns, Clock, Ledger, Mailer, PortError, Refusal, Scope, Submission, Tasks,
};

/// Whether the provider takes messages at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// It does.
    Open,
    /// It does not, for this reason.
    Closed(StatusReason),
}

impl<S, Q, M, C> Run<'_, '_, S, Q, M, C>
where
    S: Campaigns + Ledger + Audience,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Submits a window and takes down what became of each message.
    pub(super) async fn submit(&mut self, messages: Vec<Rendered<M>>) -> Result<Door, PortError> {
        let door = Mutex::new(Door::Open);
        self.pacer().set_rate(self.settings.message_rate);
        let in_flight = self.settings.max_conns as usize;
        let this = &*self;
        let outcomes: Vec<(usize, Submission)> = futures::stream::iter(messages)
            .map(|(position, message)| this.submit_one(position, message, &door))
            .buffer_unordered(in_flight)
            .collect()
            .await;
        for (position, outcome) in outcomes {
            self.take_down(position, outcome)?;
        }
        Ok(*lock(&door))
    }

    async fn submit_one(
        &self,
        position: usize,
        message: M::Message,
        door: &Mutex<Door>,
    ) -> (usize, Submission) {
        let clock = self.ports.clock;
        let turn = self.pacer().reserve(clock.monotonic_ns());
        if turn > clock.monotonic_ns() {
            clock.sleep_until_ns(turn).await;
        }
        if *lock(door) != Door::Open {
            let stayed = Refusal { code: None, text: "not tried: the provider takes nothing".into() };
            return (position, Submission::Deferred(Scope::Provider, stayed));
        }
        let outcome = self.ports.mailer.submit(message).await;
        if let Some(reason) = closes(&outcome) {
            *lock(door) = Door::Closed(reason);
        }
        (position, outcome)
    }

    fn take_down(&mut self, position: usize, outcome: Submission) -> Result<(), PortError> {
        let given_up = self.batch.stalls >= GIVE_UP_AFTER;
        match outcome {
            Submission::Accepted => self.change(position, RecipientEvent::Accept),
            Submission::Unknown => self.change(position, RecipientEvent::Lose),
            Submission::Rejected(refusal) => {
                self.fail(position, FailReason::Rejected, refusal.code, &refusal.text)
            }
            Submission::Deferred(Scope::Recipient, refusal) if given_up => {
                self.fail(position, FailReason::Deferred, refusal.code, &refusal.text)
            }
            Submission::Deferred(Scope::Recipient | Scope::Provider | Scope::Credentials, _) => {
                self.change(position, RecipientEvent::Defer)
            }
        }
    }

    fn pacer(&self) -> std::sync::MutexGuard<'_, fanmail_domain::pacing::Gcra> {
        lock(&self.ports.memory.pacer)
    }
}

fn closes(outcome: &Submission) -> Option<StatusReason> {
    match outcome {
        Submission::Deferred(Scope::Provider, _) => Some(StatusReason::ProviderUnavailable),
        Submission::Deferred(Scope::Credentials, _) => Some(StatusReason::CredentialsRefused),
        Submission::Accepted
        | Submission::Rejected(_)
        | Submission::Deferred(Scope::Recipient, _)
        | Submission::Unknown => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
