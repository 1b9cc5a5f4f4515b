//! What each step of a sender does.

use fanmail_domain::{CampaignStatus, Epoch, FailReason, IllegalTransition, Phase, RecipientEvent, Tally};

use super::{At, Hold};
use crate::action::{Answer, Choice};
use crate::finish::{self, Finish};
use crate::model::Model;
use crate::scope::Grain;
use crate::search::Sightings;
use crate::world::{Counts, Task, View, World};
use crate::{moves, sights};

/// Why a run stops before its batch is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    NotRunning,
    OutOfTime,
    NothingWaits,
    DoorClosed,
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
            At::Refused => Ok(self.read_after_refusal()),
            At::Leasing(hold) => Ok(self.save(hold, None).map_or(At::Idle, At::Window)),
            At::Window(hold) => self.window(hold),
            At::Marking(hold, position) => self.mark(hold, position),
            At::Intending(hold, messages) => self.intend(hold, messages),
            At::Submitting(hold, messages) => self.submit(hold, messages),
            At::Noting(hold) => Ok(self.save(hold, None).map_or(At::Idle, At::Window)),
            At::Ending(hold, tally, rest) => Ok(self.end(hold, tally, rest)),
            At::EndingLast(hold, tally) => Ok(self.end_last(hold, tally)),
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
        let found = match self.choice {
            // Whatever it does until then, its first write will be refused.
            Choice::Unread if !moves::is_as_planned(&found) && self.model.rules.fencing => {
                self.seen.see(sights::UNREAD_REFUSED);
                return Ok(At::Refused);
            }
            Choice::Unread => moves::planned_anew(&found),
            Choice::Plain | Choice::Stale | Choice::Counting | Choice::TimeUp | Choice::Answer(_) => found,
        };
        let taken_over = matches!(found.phase, Phase::Leased { .. });
        let suspect = found.token.0 > 0 || self.repeated;
        let held = moves::is_batch_leased(&found);
        let Ok(batch) = moves::leased(found) else {
            self.seen.see(if held { sights::HELD_COMES_AGAIN } else { sights::DUPLICATE_DROPPED });
            // The holder may be of an earlier run, and leave the batch without a task for this one.
            return Ok(if held { At::HandingOn } else { At::Idle });
        };
        let careful = self.model.scope.careful_after.is_some_and(|after| batch.stalls >= after);
        let hold = Hold { batch, leased: false, careful, taken_over };
        Ok(if suspect { At::Leasing(hold) } else { At::Window(hold) })
    }

    fn read_after_refusal(&self) -> At {
        let batch = &self.world.batches[usize::from(self.lane)][self.seq as usize];
        if batch.phase == Phase::Done { At::Idle } else { At::HandingOn }
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
        let lane = &self.world.lanes[usize::from(self.lane)];
        if done && !finish::goes_on(&self.model.rules, lane) {
            self.seen.see(sights::END_MAY_BE_THE_LAST);
            return At::EndingLast(hold, tally);
        }
        let ours = self.save(hold, Some(&Counts { tally, done })).is_some();
        if ours && rest { At::HandingOn } else { At::Idle }
    }

    fn end_last(&mut self, hold: Hold, tally: Tally) -> At {
        let ours = self.save(hold, Some(&Counts { tally, done: true })).is_some();
        if ours { At::Finishing(Finish::Lane(self.lane)) } else { At::Idle }
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
