//! Handing one window of messages to the provider.
//!
//! The intents are durable by now. Messages leave as fast as the pacing and the connections allow. Before each
//! one the campaign is looked at. Once it does not run any more, or the provider closes its door, by refusing
//! somebody for everybody's sake, the rest of the window stays home: it surely was not taken.

use std::sync::{Mutex, PoisonError};

use fanmail_domain::pacing::GIVE_UP_AFTER;
use fanmail_domain::{Change, FailReason, RecipientEvent, StatusReason};
use futures::StreamExt;

use super::run::{Rendered, Run};
use crate::ports::{
    Audience, Campaigns, Clock, Ledger, Mailer, PortError, Refusal, Scope, Submission, Tasks, Windows,
};

/// Messages handed over for each connection: one under way, and one to follow it at once. A connection that
/// pipelines writes a message's text and the next one's commands together. No more, so that a pause finds few.
const AT_HAND: usize = 2;

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
    S: Campaigns + Ledger + Audience + Windows,
    Q: Tasks,
    M: Mailer,
    C: Clock,
{
    /// Submits a window and takes down what became of each message.
    pub(super) async fn submit(&mut self, messages: Vec<Rendered<M>>) -> Result<Door, PortError> {
        let door = Mutex::new(Door::Open);
        self.pacer().set_rate(self.rate());
        self.shares.spend(messages.len());
        let max_conns = self.view.settings.max_conns;
        self.ports.mailer.limit_connections(max_conns);
        let in_flight = max_conns as usize * AT_HAND;
        let this = &*self;
        let outcomes: Vec<(usize, Submission)> = futures::stream::iter(messages)
            .map(|(position, message)| this.submit_one(position, message, &door))
            .buffer_unordered(in_flight)
            .collect()
            .await;
        let results = outcomes.into_iter().map(|(position, outcome)| self.result(position, outcome));
        let results: Vec<_> = results.collect();
        self.record(&results)?;
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
        if *lock(door) != Door::Open || !self.may_begin().await {
            let stayed = Refusal { code: None, text: "not tried".into() };
            return (position, Submission::Deferred(Scope::Provider, stayed));
        }
        let outcome = self.ports.mailer.submit(message).await;
        if let Some(reason) = closes(&outcome) {
            *lock(door) = Door::Closed(reason);
            let ceiling = self.view.settings.message_rate;
            lock(&self.ports.memory.throttle).throttled(clock.monotonic_ns(), ceiling);
        }
        (position, outcome)
    }

    /// Whether a message may leave now: the campaign runs, as far as is known, and its share is still valid.
    /// A store that does not answer is no permission.
    async fn may_begin(&self) -> bool {
        let running = match self.look().await {
            Ok(view) => view.is_some_and(|view| view.campaign.is_running(self.task.epoch)),
            Err(_) => false,
        };
        running && self.shares.is_valid(self.ports.clock.now())
    }

    /// Messages per second that the settings and the provider allow this sender now.
    pub(super) fn rate(&self) -> u32 {
        let (now_ns, settings) = (self.ports.clock.monotonic_ns(), &self.view.settings);
        let allowed = lock(&self.ports.memory.throttle).rate(now_ns, settings.message_rate);
        let share = self.ports.mailer.ceiling().map(|all| (all / settings.concurrency.max(1)).max(1));
        share.map_or(allowed, |share| share.min(allowed))
    }

    /// What an outcome means for the recipient.
    fn result(&mut self, position: usize, outcome: Submission) -> Change {
        let given_up = self.batch.stalls >= GIVE_UP_AFTER;
        let event = match outcome {
            Submission::Accepted => RecipientEvent::Accept,
            Submission::Unknown => RecipientEvent::Lose,
            Submission::Rejected(refusal) => {
                return self.failure(position, FailReason::Rejected, refusal.code, &refusal.text);
            }
            Submission::Deferred(Scope::Recipient, refusal) if given_up => {
                return self.failure(position, FailReason::Deferred, refusal.code, &refusal.text);
            }
            Submission::Deferred(
                Scope::Recipient | Scope::Provider | Scope::Credentials | Scope::Quota,
                _,
            ) => RecipientEvent::Defer,
        };
        Change { position, event }
    }

    pub(super) fn pacer(&self) -> std::sync::MutexGuard<'_, fanmail_domain::pacing::Gcra> {
        lock(&self.ports.memory.pacer)
    }
}

fn closes(outcome: &Submission) -> Option<StatusReason> {
    match outcome {
        Submission::Deferred(Scope::Provider, _) => Some(StatusReason::ProviderUnavailable),
        Submission::Deferred(Scope::Credentials, _) => Some(StatusReason::CredentialsRefused),
        Submission::Deferred(Scope::Quota, _) => Some(StatusReason::DailyQuota),
        Submission::Accepted
        | Submission::Rejected(_)
        | Submission::Deferred(Scope::Recipient, _)
        | Submission::Unknown => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
