//! The other side: a provider with moods, who writes down what it takes.

use fanmail_engine::ports::{Refusal, Scope, Submission};

use super::people::Quirk;
use crate::rng::{ALWAYS, Rng};
use crate::scenario::Scenario;
use crate::time::{MILLI, SECOND};

/// How the provider is, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes everything.
    Fine,
    /// Refuses this share of all messages for good.
    Picky(u32),
    /// Puts this share of all recipients off.
    Hesitant(u32),
    /// Throttles this share of all calls.
    Throttling(u32),
    /// Is not there.
    Down,
    /// Refuses the credentials.
    Locked,
    /// Says that the quota of the day is used up.
    UsedUp,
    /// Loses this share of its answers, half of them after it took the message.
    Forgetful(u32),
    /// Takes its time: up to this long for a message.
    Slow(u64),
}

/// How the provider's moods change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Climate {
    /// From when on which mood; before the first, and after the storm, it is fine.
    pub moods: Vec<(u64, Mood)>,
    /// What a message usually takes at the most.
    pub usual_ns: u64,
}

impl Climate {
    /// Some moods between `starts_ns` and `ends_ns`.
    pub fn draw(rng: &mut Rng, starts_ns: u64, ends_ns: u64) -> Self {
        let mut moods = Vec::new();
        let mut at_ns = starts_ns;
        let changes = if rng.chance(ALWAYS / 3) { 0 } else { rng.within(1..=5) };
        for _ in 0..changes {
            moods.push((at_ns, draw_mood(rng)));
            at_ns += rng.mostly_small(1..=100) * SECOND;
        }
        moods.retain(|(at_ns, _)| *at_ns < ends_ns);
        moods.push((ends_ns, Mood::Fine));
        Self { moods, usual_ns: rng.pick(&[20, 100, 1_000]) * MILLI }
    }

    /// The mood at a moment.
    #[must_use]
    pub fn mood(&self, now_ns: u64) -> Mood {
        let past = self.moods.iter().rev().find(|(since, _)| *since <= now_ns);
        past.map_or(Mood::Fine, |(_, mood)| *mood)
    }
}

fn draw_mood(rng: &mut Rng) -> Mood {
    let share = |rng: &mut Rng| u32::try_from(rng.mostly_small(10_000..=900_000)).unwrap_or(ALWAYS);
    match rng.below(10) {
        0 => Mood::Picky(share(rng)),
        1 => Mood::Hesitant(share(rng)),
        2 => Mood::Throttling(share(rng)),
        3 => Mood::Down,
        4 => Mood::Locked,
        5 | 6 => Mood::Forgetful(share(rng)),
        7 => Mood::UsedUp,
        8 => Mood::Slow(rng.within(1..=20) * SECOND),
        _ => Mood::Fine,
    }
}

/// What the provider does with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// How long it thinks about it.
    pub after_ns: u64,
    /// Whether it takes it.
    pub accepts: bool,
    /// What it says; `None` if the connection breaks first.
    pub says: Option<Word>,
}

/// What a provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// 250.
    Accepted,
    /// 550.
    Rejected,
    /// 451, or worse.
    Deferred(Scope),
}

impl Word {
    /// The word as the engine hears it.
    #[must_use]
    pub fn submission(self) -> Submission {
        let refusal = |code, text: &str| Refusal { code: Some(code), text: text.into() };
        match self {
            Self::Accepted => Submission::Accepted,
            Self::Rejected => Submission::Rejected(refusal(550, "no such mailbox")),
            Self::Deferred(scope) => Submission::Deferred(scope, refusal(451, "not now")),
        }
    }
}

/// The provider: what it takes is in the witness's books.
#[derive(Debug)]
pub struct Provider {
    climate: Climate,
    submit_timeout_ns: u64,
}

impl Provider {
    /// The scenario's provider.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let (climate, submit_timeout_ns) = (scenario.climate.clone(), scenario.submit_timeout_ns);
        Self { climate, submit_timeout_ns }
    }

    /// What becomes of a message that arrives now.
    pub fn judge(&self, rng: &mut Rng, now_ns: u64, quirk: Quirk) -> Verdict {
        let mood = self.climate.mood(now_ns);
        let usual_ns = (rng.within(1..=self.climate.usual_ns / MILLI)) * MILLI;
        let usual_ns = usual_ns.min(self.submit_timeout_ns / 2);
        let verdict = |accepts, says| Verdict { after_ns: usual_ns, accepts, says };
        let refused = |word| verdict(false, Some(word));
        let taken = verdict(true, Some(Word::Accepted));
        match mood {
            Mood::Down => return refused(Word::Deferred(Scope::Provider)),
            Mood::Locked => return refused(Word::Deferred(Scope::Credentials)),
            Mood::UsedUp => return refused(Word::Deferred(Scope::Quota)),
            Mood::Throttling(share) if rng.chance(share) => return refused(Word::Deferred(Scope::Provider)),
            Mood::Fine
            | Mood::Picky(_)
            | Mood::Hesitant(_)
            | Mood::Throttling(_)
            | Mood::Forgetful(_)
            | Mood::Slow(_) => {}
        }
        match (quirk, mood) {
            (Quirk::Rejected, _) => refused(Word::Rejected),
            (Quirk::PutOff, _) => refused(Word::Deferred(Scope::Recipient)),
            (_, Mood::Picky(share)) if rng.chance(share) => refused(Word::Rejected),
            (_, Mood::Hesitant(share)) if rng.chance(share) => refused(Word::Deferred(Scope::Recipient)),
            (_, Mood::Forgetful(share)) if rng.chance(share) => verdict(rng.chance(ALWAYS / 2), None),
            (_, Mood::Slow(most_ns)) => Verdict { after_ns: rng.within(MILLI..=most_ns), ..taken },
            (Quirk::None | Quirk::Unrenderable | Quirk::Deadly, _) => taken,
        }
    }
}
