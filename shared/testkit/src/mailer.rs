//! A mailer and its provider.

use fanmail_domain::{Content, SubscriberId};
use fanmail_engine::ports::{Mailer, Recipient, Refusal, RenderError, Scope, Submission};

use crate::World;
use crate::faults::die;

/// How the provider answers one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Takes it.
    Accept,
    /// Refuses it for good.
    Reject,
    /// Puts it off, for the recipient's or everybody's sake.
    Defer(Scope),
    /// Takes it, and the answer is lost.
    TakeAndFallSilent,
    /// Does not take it, and says nothing.
    FallSilent,
}

/// A rendered message: to whom it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter(SubscriberId);

impl World {
    /// Lets the provider answer messages to a subscriber in this order, and accept them after that.
    pub fn answer(&self, subscriber: SubscriberId, answers: &[Answer]) {
        self.state().answers.insert(subscriber, answers.iter().copied().collect());
    }

    /// Lets the provider answer every message to a subscriber like this.
    pub fn answer_always(&self, subscriber: SubscriberId, answer: Answer) {
        self.state().always.insert(subscriber, answer);
    }

    /// Makes a subscriber's message impossible to render.
    pub fn make_unrenderable(&self, subscriber: SubscriberId) {
        self.state().unrenderable.insert(subscriber);
    }

    /// Makes rendering a subscriber's message kill the process.
    pub fn make_killer(&self, subscriber: SubscriberId) {
        self.state().killers.insert(subscriber);
    }
}

impl World {
    fn address_of(&self, id: SubscriberId) -> String {
        let state = self.state();
        state.subscribers.get(&id).map(|subscriber| subscriber.email.expose().to_owned()).unwrap_or_default()
    }
}

impl Mailer for World {
    type Message = Letter;

    fn render(&self, _: &Content, recipient: Recipient<'_>) -> Result<Letter, RenderError> {
        let id = recipient.subscriber.id;
        let (kills, fails) = {
            let state = self.state();
            (state.killers.contains(&id), state.unrenderable.contains(&id))
        };
        if kills {
            die();
        }
        if fails { Err(RenderError { text: "undefined value".into() }) } else { Ok(Letter(id)) }
    }

    /// A strike at this call makes the answer unknown, or ends the process before or after the effect.
    async fn submit(&self, Letter(id): Letter) -> Submission {
        let answered = self.call("submit", |state| {
            state.submitted += 1;
            let scripted = state.answers.get_mut(&id).and_then(std::collections::VecDeque::pop_front);
            let answer = scripted.or_else(|| state.always.get(&id).copied()).unwrap_or(Answer::Accept);
            if matches!(answer, Answer::Accept | Answer::TakeAndFallSilent) {
                let now = state.now();
                state.accepted.push((now, id));
            }
            answer
        });
        let address = self.address_of(id);
        let refusal = |code| Refusal { code: Some(code), text: format!("<{address}> is not liked here") };
        match answered {
            Ok(Answer::Accept) => Submission::Accepted,
            Ok(Answer::Reject) => Submission::Rejected(refusal(550)),
            Ok(Answer::Defer(scope)) => Submission::Deferred(scope, refusal(451)),
            Ok(Answer::TakeAndFallSilent | Answer::FallSilent) | Err(_) => Submission::Unknown,
        }
    }
}
