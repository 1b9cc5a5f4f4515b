//! The sender's protocol, step by step (`send_batch` of the engine).
//!
//! Each state of [`At`] is a moment before one read, one write or one call of the provider; what lies between
//! two of them is the process's own business and happens at once.

use fanmail_domain::{Batch, CampaignStatus, Epoch, IllegalTransition, Phase, RecipientEvent};
use fanmail_domain::{FailReason, Tally};

use crate::finish::{self, Finish};
use crate::model::{Answer, Choice, Model, sights};
use crate::moves;
use crate::scope::Grain;
use crate::search::Sightings;
use crate::world::{Counts, Task, View, World};

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

/// Why a run stops before its batch is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotRunning,
    OutOfTime,
    NothingWaits,
    DoorClosed,
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
            | At::Ending(hold, ..) => world.is_outdated(&hold.batch),
            At::Finishing(finish) => finish.is_doomed(world),
            At::Idle | At::Looking | At::Reading | At::Window(_) | At::Submitting(..) | At::HandingOn => {
                false
            }
        }
    }

    /// The choices of its next step.
    pub(crate) fn choices(&self, model: &Model, world: &World) -> Vec<Choice> {
        match &self.at {
            At::Idle => Vec::new(),
            At::Looking => Choice::looks(world, self.view, self.epoch()),
            At::Window(_) if model.rules.look_first => {
                let mut choices = Choice::looks(world, self.view, self.epoch());
                choices.extend((world.faults.timeouts > 0).then_some(Choice::TimeUp));
                choices
            }
            At::Intending(hold, _) if !hold.batch.uncounted().is_empty() => {
                vec![Choice::Plain, Choice::Counting]
            }
            At::Submitting(..) => Answer::possible(world).map(Choice::Answer).collect(),
            At::Reading
            | At::Leasing(_)
            | At::Window(_)
            | At::Marking(..)
            | At::Intending(..)
            | At::Noting(_)
            | At::Ending(..)
            | At::HandingOn
            | At::Finishing(_) => vec![Choice::Plain],
        }
    }

    /// Its next step in words.
    pub(crate) fn next_step(&self) -> &'static str {
        match &self.at {
            At::Idle => "wait",
            At::Looking => "read the campaign",
            At::Reading => "read the batch",
            At::Leasing(_) => "write the lease",
            At::Window(_) => "read the campaign before a window",
            At::Marking(..) => "write that a recipient is being prepared",
            At::Intending(..) => "write the intents",
            At::Submitting(..) => "call the provider",
            At::Noting(_) => "write the results",
            At::Ending(..) => "write the last write",
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
            | At::Ending(hold, ..) => Some(hold),
            At::Idle | At::Looking | At::Reading | At::HandingOn | At::Finishing(_) => None,
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
            | At::Ending(hold, ..) => Some(hold),
            At::Idle | At::Looking | At::Reading | At::HandingOn | At::Finishing(_) => None,
        }
    }
}

/// Carries out the next step of sender `n`.
pub(crate) fn step(model: &Model, world: &mut World, n: usize, choice: Choice, seen: &mut Sightings) {
    let mut sender = std::mem::take(&mut world.senders[n]);
    let at = std::mem::take(&mut sender.at);
    let Some(Task::Batch { epoch, lane, seq, repeated }) = sender.task else { return };
    let mut step = Step { model, world, view: &mut sender.view, epoch, lane, seq, repeated, choice, seen };
    sender.at = step.take(at).unwrap_or_else(|_| {
        step.world.broken = true;
        At::Idle
    });
    if sender.at == At::Idle {
        sender.task = None;
    }
    world.senders[n] = sender;
}

struct Step<'a> {
    model: &'a Model,
    world: &'a mut World,
    view: &'a mut View,
    epoch: Epoch,
    lane: u8,
    seq: u32,
    repeated: bool,
    choice: Choice,
    seen: &'a mut Sightings,
}

type Next = Result<At, IllegalTransition>;

impl Step<'_> {
    fn take(&mut self, at: At) -> Next {
        match at {
            At::Idle => Ok(At::Idle),
            At::Looking if !self.is_running() => Ok(self.drop_void()),
            At::Looking if self.model.scope.grain == Grain::Coarse => self.read(),
            At::Looking => Ok(At::Reading),
            At::Reading => self.read(),
            At::Leasing(hold) => Ok(self.save(hold, None).map_or(At::Idle, At::Window)),
            At::Window(hold) => self.window(hold),
            At::Marking(hold, position) => self.mark(hold, position),
            At::Intending(hold, messages) => self.intend(hold, messages),
            At::Submitting(hold, messages) => self.submit(hold, messages),
            At::Noting(hold) => Ok(self.save(hold, None).map_or(At::Idle, At::Window)),
            At::Ending(hold, tally, rest) => Ok(self.end(hold, tally, rest)),
            At::HandingOn => {
                let task = Task::Batch { epoch: self.epoch, lane: self.lane, seq: self.seq, repeated: false };
                self.world.tasks.insert(task);
                Ok(At::Idle)
            }
            At::Finishing(finish) => {
                Ok(finish::step(self.model, self.world, finish, self.seen).map_or(At::Idle, At::Finishing))
            }
        }
    }

    fn is_running(&mut self) -> bool {
        let fresh = self.choice != Choice::Stale;
        self.world.is_running(self.view, fresh, self.epoch)
    }

    fn drop_void(&mut self) -> At {
        self.seen.see(sights::VOID_DROPPED);
        At::Idle
    }

    fn read(&mut self) -> Next {
        let batches = &self.world.batches[usize::from(self.lane)];
        let Some(found) = batches.get(self.seq as usize).cloned() else { return Ok(At::Idle) };
        let taken_over = matches!(found.phase, Phase::Leased { .. });
        let suspect = found.token.0 > 0 || self.repeated;
        let Ok(batch) = moves::leased(found) else {
            self.seen.see(sights::DUPLICATE_DROPPED);
            return Ok(At::Idle);
        };
        let careful = self.model.scope.careful_after.is_some_and(|after| batch.stalls >= after);
        let hold = Hold { batch, leased: false, careful, taken_over };
        Ok(if suspect { At::Leasing(hold) } else { At::Window(hold) })
    }

    fn window(&mut self, hold: Hold) -> Next {
        if self.model.rules.look_first && !self.is_running() {
            return hand_on(hold, Stop::NotRunning);
        }
        if self.choice == Choice::TimeUp {
            self.world.faults.timeouts -= 1;
            return hand_on(hold, Stop::OutOfTime);
        }
        let size = if hold.careful { 1 } else { self.model.scope.window };
        let messages: Vec<usize> = hold.batch.pending().take(size).collect();
        match messages.first() {
            None => hand_on(hold, Stop::NothingWaits),
            Some(first) if hold.careful => {
                let batch = moves::changed(hold.batch, &[*first], RecipientEvent::Prepare)?;
                Ok(At::Marking(Hold { batch, ..hold }, *first))
            }
            Some(_) => self.open_window(hold, messages),
        }
    }

    fn open_window(&self, hold: Hold, messages: Vec<usize>) -> Next {
        let batch = moves::changed(hold.batch, &messages, RecipientEvent::Submit)?;
        let hold = Hold { batch, ..hold };
        let intent_first = self.model.rules.intent_first;
        Ok(if intent_first { At::Intending(hold, messages) } else { At::Submitting(hold, messages) })
    }

    fn mark(&mut self, hold: Hold, position: usize) -> Next {
        let Some(hold) = self.save(hold, None) else { return Ok(At::Idle) };
        self.seen.see(sights::PREPARED_WITH_CARE);
        self.open_window(hold, vec![position])
    }

    fn intend(&mut self, mut hold: Hold, messages: Vec<usize>) -> Next {
        let mut counts = None;
        if self.choice == Choice::Counting {
            counts = Some(Counts { tally: hold.batch.uncounted(), done: false });
            hold.batch = moves::counted(hold.batch)?;
        }
        Ok(self.save(hold, counts.as_ref()).map_or(At::Idle, |hold| At::Submitting(hold, messages)))
    }

    fn submit(&mut self, mut hold: Hold, mut messages: Vec<usize>) -> Next {
        let position = messages.remove(0);
        let answer = if let Choice::Answer(answer) = self.choice { answer } else { Answer::Accepted };
        self.provider(hold.batch.entries[position].subscriber.number(), answer);
        let (positions, event) = match answer {
            Answer::Accepted => (vec![position], RecipientEvent::Accept),
            Answer::Rejected => (vec![position], RecipientEvent::Fail(FailReason::Rejected)),
            Answer::LostButTaken | Answer::LostAndNotTaken => (vec![position], RecipientEvent::Lose),
            // The door is closed: the rest of the window stays home.
            Answer::PutOff => {
                ([vec![position], std::mem::take(&mut messages)].concat(), RecipientEvent::Defer)
            }
        };
        hold.batch = moves::changed(hold.batch, &positions, event)?;
        if answer == Answer::PutOff {
            return hand_on(hold, Stop::DoorClosed);
        }
        Ok(match (messages.is_empty(), self.model.rules.intent_first) {
            (false, _) => At::Submitting(hold, messages),
            (true, true) => At::Window(hold),
            (true, false) => At::Noting(hold),
        })
    }

    fn provider(&mut self, recipient: u64, answer: Answer) {
        if answer != Answer::Accepted {
            self.world.faults.answers -= 1;
        }
        let recipient = usize::try_from(recipient).unwrap_or(usize::MAX);
        if let (true, Some(count)) = (answer.is_taken(), self.world.accepted.get_mut(recipient)) {
            *count += 1;
        }
        self.world.late |= self.world.quiet && self.world.campaign.status == CampaignStatus::Paused;
    }

    /// Writes its copy; answers it if it is still the holder.
    fn save(&mut self, mut hold: Hold, counts: Option<&Counts>) -> Option<Hold> {
        if !self.world.write_batch(&self.model.rules, &mut hold.batch, counts) {
            let what = if hold.leased { sights::HOLDER_FENCED } else { sights::LEASE_RACE_LOST };
            self.seen.see(what);
            return None;
        }
        if !hold.leased && hold.taken_over {
            self.seen.see(sights::TAKEN_OVER);
        }
        hold.leased = true;
        Some(hold)
    }

    fn end(&mut self, hold: Hold, tally: Tally, rest: bool) -> At {
        let done = hold.batch.phase == Phase::Done;
        if self.save(hold, Some(&Counts { tally, done })).is_none() {
            return At::Idle;
        }
        match (done, rest) {
            (true, _) => At::Finishing(Finish::Lane(self.lane)),
            (false, true) => At::HandingOn,
            (false, false) => At::Idle,
        }
    }
}

/// Gives the batch back, or brings it to its end if nobody waits any more.
fn hand_on(hold: Hold, stop: Stop) -> Next {
    let tally = hold.batch.uncounted();
    if hold.batch.is_complete() {
        let batch = moves::done(moves::counted(hold.batch)?)?;
        return Ok(At::Ending(Hold { batch, ..hold }, tally, false));
    }
    let rest = stop != Stop::NotRunning;
    if !hold.leased && !matches!(stop, Stop::NothingWaits | Stop::DoorClosed) {
        return Ok(if rest { At::HandingOn } else { At::Idle });
    }
    let batch = moves::released(moves::counted(hold.batch)?)?;
    Ok(At::Ending(Hold { batch, ..hold }, tally, rest))
}
