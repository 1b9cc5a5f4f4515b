//! A mailer and its provider.

use fanmail_domain::{CampaignId, Content, SubscriberId, Timestamp};
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

/// How the provider answers its n-th message, counted from 1, at this time; `None` leaves it to the rest.
pub type Mood = fn(u64, Timestamp) -> Option<Answer>;

/// A rendered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Of which campaign.
    pub campaign: CampaignId,
    /// Which version of its content.
    pub content_version: u32,
    /// To whom.
    pub to: SubscriberId,
}

/// A message that the provider took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// When.
    pub at: Timestamp,
    /// What.
    pub letter: Letter,
}

impl World {
    /// Lets the provider answer messages to a subscriber in this order, and accept them after that.
    pub fn answer(&self, subscriber: SubscriberId, answers: &[Answer]) {
        self.state().answers.insert(subscriber, answers.iter().copied().collect());
    }

    /// Lets the provider answer every message to a subscriber like this.
    pub fn answer_always(&self, subscriber: SubscriberId, answer: Answer) {
        self.state().always.insert(subscriber, answer);
    }

    /// Lets the provider answer every message by its number and the time, whomever it is for.
    pub fn set_mood(&self, mood: Mood) {
        self.state().mood = Some(mood);
    }

    /// Has the provider tell how many messages per second it allows all senders.
    pub fn set_ceiling(&self, per_second: u32) {
        self.state().ceiling = Some(per_second);
    }

    /// Makes a subscriber's message impossible to render, whatever the content.
    pub fn make_unrenderable(&self, subscriber: SubscriberId) {
        self.make_unrenderable_up_to(subscriber, u32::MAX);
    }

    /// Makes a subscriber's message impossible to render up to this version of the content.
    pub fn make_unrenderable_up_to(&self, subscriber: SubscriberId, version: u32) {
        self.state().unrenderable.insert(subscriber, version);
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

    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Letter, RenderError> {
        let id = recipient.subscriber.id;
        let (kills, fails) = {
            let state = self.state();
            let worst = state.unrenderable.get(&id);
            (state.killers.contains(&id), worst.is_some_and(|version| content.version <= *version))
        };
        if kills {
            die();
        }
        if fails {
            return Err(RenderError { text: "undefined value".into() });
        }
        Ok(Letter { campaign: content.campaign, content_version: content.version, to: id })
    }

    fn limit_connections(&self, max_conns: u32) {
        self.state().max_conns = max_conns;
    }

    fn ceiling(&self) -> Option<u32> {
        self.state().ceiling
    }

    /// A strike at this call makes the answer unknown, or ends the process before or after the effect.
    async fn submit(&self, letter: Letter) -> Submission {
        let id = letter.to;
        let answered = self.call("submit", |state| {
            state.submitted += 1;
            let moody = state.mood.and_then(|mood| mood(state.submitted, state.now()));
            let scripted = || state.answers.get_mut(&id).and_then(std::collections::VecDeque::pop_front);
            let answer =
                moody.or_else(scripted).or_else(|| state.always.get(&id).copied()).unwrap_or(Answer::Accept);
            if matches!(answer, Answer::Accept | Answer::TakeAndFallSilent) {
                let at = state.now();
                state.accepted.push(Accepted { at, letter });
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
