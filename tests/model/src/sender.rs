//! The sender's protocol, step by step (`send_batch` of the engine).
//!
//! Each state of [`At`] is a moment before one read, one write or one call of the provider; what lies between
//! two of them is the process's own business and happens at once.

mod step;

use fanmail_domain::{Batch, Epoch, Tally};

use crate::action::{Answer, Choice};
use crate::finish::Finish;
use crate::model::Model;
use crate::scope::Grain;
use crate::world::{Task, View, World};
pub(crate) use step::step;

/// One sender process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Sender {
    /// What it last saw of the campaign.
    pub(crate) view: View,
    /// The message it works on.
    pub(crate) task: Option<Task>,
    /// What it does next.
    pub(crate) at: At,
}

/// What a sender does next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// Waits for a message.
    #[default]
    Idle,
    /// Reads the campaign, for the first time.
    Looking,
    /// Reads the batch.
    Reading,
    /// Was refused the first write of a batch that it had not read, and reads it.
    Refused,
    /// Writes its lease, before anything else.
    Leasing(Hold),
    /// Reads the campaign, before a window.
    Window(Hold),
    /// Marks a recipient that it is about to prepare.
    Marking(Hold, usize),
    /// Writes the intents of the window, which are marked in its copy.
    Intending(Hold, Vec<usize>),
    /// Calls the provider for the first of these.
    Submitting(Hold, Vec<usize>),
    /// Writes results after the fact; happens only where intents do not come first.
    Noting(Hold),
    /// Writes its last write; whether a task for the rest follows.
    Ending(Hold, Tally, bool),
    /// Writes the end of what may be the last batch of its lane, which was refused as any other one's.
    EndingLast(Hold, Tally),
    /// Sends a task for the rest.
    HandingOn,
    /// Tries to finish the campaign.
    Finishing(Finish),
}

/// A sender's copy of its batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hold {
    pub(crate) batch: Batch,
    /// Whether the ledger knows of the lease.
    pub(crate) leased: bool,
    /// Whether recipients are prepared one by one.
    careful: bool,
    /// Whether the lease was taken from somebody.
    taken_over: bool,
}

impl Sender {
    /// Its copy of a batch, if it has one.
    pub(crate) fn batch(&mut self) -> Option<&mut Batch> {
        self.hold_mut().map(|hold| &mut hold.batch)
    }

    /// Whether it holds the lease that the ledger knows under this copy's token.
    pub(crate) fn holds(&self, stored: &Batch) -> bool {
        self.hold()
            .is_some_and(|hold| hold.leased && hold.batch.id == stored.id && hold.batch.token == stored.token)
    }

    /// Whether it is between its look at the campaign and the last call of that window.
    pub(crate) fn is_inside_a_window(&self) -> bool {
        matches!(self.at, At::Marking(..) | At::Intending(..) | At::Submitting(..))
    }

    /// Whether its next step is a write that is bound to be refused.
    pub(crate) fn is_doomed(&self, world: &World) -> bool {
        match &self.at {
            At::Leasing(hold)
            | At::Marking(hold, _)
            | At::Intending(hold, _)
            | At::Noting(hold)
            | At::Ending(hold, ..)
            | At::EndingLast(hold, _) => world.is_outdated(&hold.batch),
            At::Finishing(finish) => finish.is_doomed(world),
            At::Idle
            | At::Looking
            | At::Reading
            | At::Refused
            | At::Window(_)
            | At::Submitting(..)
            | At::HandingOn => false,
        }
    }

    /// The choices of its next step.
    pub(crate) fn choices(&self, model: &Model, world: &World) -> Vec<Choice> {
        match &self.at {
            At::Idle => Vec::new(),
            At::Looking => {
                let mut choices = Choice::looks(world, self.view, self.epoch());
                choices.extend((model.scope.grain == Grain::Coarse).then(|| self.unread()).flatten());
                choices
            }
            At::Reading => std::iter::once(Choice::Plain).chain(self.unread()).collect(),
            At::Window(_) if model.rules.look_first => {
                let mut choices = Choice::looks(world, self.view, self.epoch());
                choices.extend((world.faults.timeouts > 0).then_some(Choice::TimeUp));
                choices
            }
            At::Intending(hold, _) if !hold.batch.uncounted().is_empty() => {
                vec![Choice::Plain, Choice::Counting]
            }
            At::Submitting(..) => Answer::possible(world).map(Choice::Answer).collect(),
            At::Refused
            | At::Leasing(_)
            | At::Window(_)
            | At::Marking(..)
            | At::Intending(..)
            | At::Noting(_)
            | At::Ending(..)
            | At::EndingLast(..)
            | At::HandingOn
            | At::Finishing(_) => vec![Choice::Plain],
        }
    }

    /// Whether it may take its message at its word.
    fn unread(&self) -> Option<Choice> {
        let first = matches!(self.task, Some(Task::Batch { repeated: false, .. }));
        first.then_some(Choice::Unread)
    }

    /// Its next step in words.
    pub(crate) fn next_step(&self) -> &'static str {
        match &self.at {
            At::Idle => "wait",
            At::Looking => "read the campaign",
            At::Reading => "read the batch",
            At::Refused => "read the batch that it was refused",
            At::Leasing(_) => "write the lease",
            At::Window(_) => "read the campaign before a window",
            At::Marking(..) => "write that a recipient is being prepared",
            At::Intending(..) => "write the intents",
            At::Submitting(..) => "call the provider",
            At::Noting(_) => "write the results",
            At::Ending(..) => "write the last write",
            At::EndingLast(..) => "write the end of what may be the last batch",
            At::HandingOn => "send a task for the rest",
            At::Finishing(finish) => finish.next_step(),
        }
    }

    fn epoch(&self) -> Epoch {
        match self.task {
            Some(Task::Batch { epoch, .. } | Task::Lane { epoch, .. }) => epoch,
            None => Epoch(0),
        }
    }

    fn hold(&self) -> Option<&Hold> {
        match &self.at {
            At::Leasing(hold)
            | At::Window(hold)
            | At::Marking(hold, _)
            | At::Intending(hold, _)
            | At::Submitting(hold, _)
            | At::Noting(hold)
            | At::Ending(hold, ..)
            | At::EndingLast(hold, _) => Some(hold),
            At::Idle | At::Looking | At::Reading | At::Refused | At::HandingOn | At::Finishing(_) => None,
        }
    }

    fn hold_mut(&mut self) -> Option<&mut Hold> {
        match &mut self.at {
            At::Leasing(hold)
            | At::Window(hold)
            | At::Marking(hold, _)
            | At::Intending(hold, _)
            | At::Submitting(hold, _)
            | At::Noting(hold)
            | At::Ending(hold, ..)
            | At::EndingLast(hold, _) => Some(hold),
            At::Idle | At::Looking | At::Reading | At::Refused | At::HandingOn | At::Finishing(_) => None,
        }
    }
}
