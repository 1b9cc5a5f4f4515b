//! What can happen: the steps of the system, and their words.

use std::fmt;

use fanmail_domain::Epoch;

use crate::world::{Task, View, World};

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// Whoever started or resumed the campaign.
    Starter,
    /// A fan-out.
    FanOut(usize),
    /// A sender.
    Sender(usize),
    /// The sweeper.
    Sweeper,
}

/// What is open about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing.
    Plain,
    /// The campaign is not read: the view of a moment ago is used, and it is outdated.
    Stale,
    /// The write carries the lane's counters forward.
    Counting,
    /// The batch is not read: the task names its recipients, and it is taken to be as it was planned.
    Unread,
    /// Time is up.
    TimeUp,
    /// What the provider answers.
    Answer(Answer),
}

/// What the provider makes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It took it.
    Accepted,
    /// It refused it for good.
    Rejected,
    /// It takes nothing from anybody for now.
    PutOff,
    /// It took it, but its answer was lost.
    LostButTaken,
    /// It did not take it, and its answer was lost.
    LostAndNotTaken,
}

/// One atomic step of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Whoever began the run sends the lanes' tasks.
    Announce,
    /// The operator pauses the campaign.
    Pause,
    /// A second passes after a pause, and the windows that were open have ended.
    Quiet,
    /// The operator lets the campaign go on.
    Resume,
    /// A process gets a message; whether the message stays in the queue.
    Receive(Process, Task, bool),
    /// A process takes its next step.
    Go(Process, Choice),
    /// A process dies.
    Crash(Process),
    /// A message is lost.
    Lose(Task),
    /// A batch's lease ends; whether its holder lives, and was frozen.
    LeaseEnds(u8, u32, bool),
    /// A lane's lease ends; whether its holder lives, and was frozen.
    LaneLeaseEnds(u8, bool),
}

impl Choice {
    /// The choices of whoever looks whether the campaign runs.
    pub(crate) fn looks(world: &World, view: View, epoch: Epoch) -> Vec<Self> {
        let stale = world.is_stale(view, epoch).then_some(Self::Stale);
        std::iter::once(Self::Plain).chain(stale).collect()
    }
}

impl Answer {
    /// What the provider may still answer.
    pub(crate) fn possible(world: &World) -> impl Iterator<Item = Self> {
        let odd = [Self::Rejected, Self::PutOff, Self::LostButTaken, Self::LostAndNotTaken];
        let odd = if world.faults.answers > 0 { &odd[..] } else { &[] };
        std::iter::once(Self::Accepted).chain(odd.to_vec())
    }

    /// Whether the recipient gets the message.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::LostButTaken)
    }
}

impl Action {
    /// The step in words, as it is taken in `world`.
    pub(crate) fn words(self, world: &World) -> String {
        match self {
            Action::Announce => "starter: send the lane tasks".to_owned(),
            Action::Pause => "operator: pause".to_owned(),
            Action::Resume => "operator: resume".to_owned(),
            Action::Quiet => "a second passes, and open windows have ended".to_owned(),
            Action::Receive(process, task, stays) => {
                let again = if stays { ", which will come again" } else { "" };
                format!("{process}: receive {task}{again}")
            }
            Action::Go(process, choice) => {
                format!("{process}: {}{}", next_step(world, process), choice.suffix())
            }
            Action::Crash(process) => format!("{process}: die, instead of: {}", next_step(world, process)),
            Action::Lose(task) => format!("lost: {task}"),
            Action::LeaseEnds(lane, seq, frozen) => {
                format!("the lease of batch {lane}/{seq} ends{}", holder_is(frozen))
            }
            Action::LaneLeaseEnds(lane, frozen) => {
                format!("the lease of lane {lane} ends{}", holder_is(frozen))
            }
        }
    }
}

fn next_step(world: &World, process: Process) -> &'static str {
    match process {
        Process::Starter => "send the lane tasks",
        Process::FanOut(n) => world.fan_outs[n].next_step(),
        Process::Sender(n) => world.senders[n].next_step(),
        Process::Sweeper => world.sweeper.next_step(),
    }
}

fn holder_is(frozen: bool) -> &'static str {
    if frozen { "; its holder was frozen and goes on" } else { "" }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starter => f.write_str("starter"),
            Self::FanOut(n) => write!(f, "fan-out {n}"),
            Self::Sender(n) => write!(f, "sender {n}"),
            Self::Sweeper => f.write_str("sweeper"),
        }
    }
}

impl Choice {
    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Stale => " (not yet again: an outdated view is used)",
            Self::Unread => " (not: it is taken to be as it was planned)",
            Self::Counting => " and carry the counters forward",
            Self::TimeUp => " (time is up)",
            Self::Answer(Answer::Accepted) => ", which accepts",
            Self::Answer(Answer::Rejected) => ", which rejects",
            Self::Answer(Answer::PutOff) => ", which takes nothing",
            Self::Answer(Answer::LostButTaken) => ", which accepts, but its answer is lost",
            Self::Answer(Answer::LostAndNotTaken) => ", which is not reached, but nobody knows",
        }
    }
}
