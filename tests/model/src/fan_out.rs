//! Fan-out's protocol, step by step (`fan_out` of the engine).

use fanmail_domain::{Batch, Epoch, IllegalTransition, LanePlan, Phase};

use crate::action::Choice;
use crate::finish::{self, Finish};
use crate::model::Model;
use crate::scope::Grain;
use crate::search::Sightings;
use crate::world::{Task, View, World};
use crate::{moves, sights};

/// One fan-out process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct FanOut {
    /// What it last saw of the campaign.
    pub(crate) view: View,
    /// The message it works on.
    pub(crate) task: Option<Task>,
    /// What it does next.
    pub(crate) at: At,
}

/// What a fan-out does next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum At {
    /// Waits for a message.
    #[default]
    Idle,
    /// Reads the campaign, for the first time.
    Looking,
    /// Reads the lane.
    Reading,
    /// Writes its lease of the lane.
    Taking(LanePlan),
    /// Reads batches whose tasks were perhaps not sent.
    Rereading(LanePlan),
    /// Sends the tasks of these batches; `enqueued` is the plan's after that.
    Sending(LanePlan, Vec<u32>, u32),
    /// Reads the campaign, before a page.
    Paging(LanePlan),
    /// Writes a page.
    Writing(LanePlan),
    /// Gives the lane back; whether a task for the rest follows, and whether it was sealed.
    GivingBack(LanePlan, After),
    /// Sends a task for the rest of the lane.
    HandingOn,
    /// Tries to finish the campaign.
    Finishing(Finish),
}

/// What follows when the lane is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum After {
    Sealed,
    Stopped,
    OutOfTime,
}

impl FanOut {
    /// Its copy of a lane's plan, if it has one.
    pub(crate) fn plan(&mut self) -> Option<&mut LanePlan> {
        match &mut self.at {
            At::Taking(plan)
            | At::Rereading(plan)
            | At::Sending(plan, ..)
            | At::Paging(plan)
            | At::Writing(plan)
            | At::GivingBack(plan, _) => Some(plan),
            At::Idle | At::Looking | At::Reading | At::HandingOn | At::Finishing(_) => None,
        }
    }

    /// Whether it holds the lease of this lane.
    pub(crate) fn holds(&self, stored: &LanePlan) -> bool {
        match &self.at {
            At::Rereading(plan)
            | At::Sending(plan, ..)
            | At::Paging(plan)
            | At::Writing(plan)
            | At::GivingBack(plan, _) => plan.no == stored.no && plan.rev == stored.rev,
            At::Idle | At::Looking | At::Reading | At::Taking(_) | At::HandingOn | At::Finishing(_) => false,
        }
    }

    /// Whether its next step is a write that is bound to be refused.
    pub(crate) fn is_doomed(&self, world: &World) -> bool {
        match &self.at {
            At::Taking(plan) | At::Writing(plan) | At::GivingBack(plan, _) => world.is_plan_outdated(plan),
            At::Finishing(finish) => finish.is_doomed(world),
            At::Idle
            | At::Looking
            | At::Reading
            | At::Rereading(_)
            | At::Sending(..)
            | At::Paging(_)
            | At::HandingOn => false,
        }
    }

    /// The choices of its next step.
    pub(crate) fn choices(&self, world: &World) -> Vec<Choice> {
        let Some(Task::Lane { epoch, .. }) = self.task else { return Vec::new() };
        let mut choices = match &self.at {
            At::Idle => Vec::new(),
            At::Looking | At::Paging(_) => Choice::looks(world, self.view, epoch),
            At::Reading
            | At::Taking(_)
            | At::Rereading(_)
            | At::Sending(..)
            | At::Writing(_)
            | At::GivingBack(..)
            | At::HandingOn
            | At::Finishing(_) => vec![Choice::Plain],
        };
        if matches!(self.at, At::Paging(_)) && world.faults.timeouts > 0 {
            choices.push(Choice::TimeUp);
        }
        choices
    }

    /// Its next step in words.
    pub(crate) fn next_step(&self) -> &'static str {
        match &self.at {
            At::Idle => "wait",
            At::Looking => "read the campaign",
            At::Reading => "read the lane",
            At::Taking(_) => "write the lease of the lane",
            At::Rereading(_) => "read the batches without tasks",
            At::Sending(..) => "send batch tasks",
            At::Paging(_) => "read the campaign before a page",
            At::Writing(_) => "write a page",
            At::GivingBack(..) => "give the lane back",
            At::HandingOn => "send a task for the rest of the lane",
            At::Finishing(finish) => finish.next_step(),
        }
    }
}

/// Carries out the next step of fan-out `n`.
pub(crate) fn step(model: &Model, world: &mut World, n: usize, choice: Choice, seen: &mut Sightings) {
    let mut fan_out = std::mem::take(&mut world.fan_outs[n]);
    let at = std::mem::take(&mut fan_out.at);
    let Some(Task::Lane { epoch, lane, .. }) = fan_out.task else { return };
    let mut step = Step { model, world, view: &mut fan_out.view, epoch, lane, choice, seen };
    fan_out.at = step.take(at).unwrap_or_else(|_| {
        step.world.broken = true;
        At::Idle
    });
    if fan_out.at == At::Idle {
        fan_out.task = None;
    }
    world.fan_outs[n] = fan_out;
}

struct Step<'a> {
    model: &'a Model,
    world: &'a mut World,
    view: &'a mut View,
    epoch: Epoch,
    lane: u8,
    choice: Choice,
    seen: &'a mut Sightings,
}

type Next = Result<At, IllegalTransition>;

impl Step<'_> {
    fn take(&mut self, at: At) -> Next {
        match at {
            At::Idle => Ok(At::Idle),
            At::Looking if !self.is_running() => Ok(At::Idle),
            At::Looking if self.model.scope.grain == Grain::Coarse => Ok(self.read()),
            At::Looking => Ok(At::Reading),
            At::Reading => Ok(self.read()),
            At::Taking(mut plan) => {
                let stands = self.world.write_plan(&self.model.rules, &mut plan);
                if stands { go_on(plan) } else { Ok(self.lost()) }
            }
            At::Rereading(plan) => self.reread(plan),
            At::Sending(plan, batches, enqueued) => self.send(plan, &batches, enqueued),
            At::Paging(plan) => self.look(plan),
            At::Writing(plan) => self.write_page(plan),
            At::GivingBack(plan, after) => Ok(self.give_back(plan, after)),
            At::HandingOn => {
                self.world.tasks.insert(Task::Lane { epoch: self.epoch, lane: self.lane });
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

    fn lost(&mut self) -> At {
        self.seen.see(sights::LANE_RACE_LOST);
        At::Idle
    }

    fn read(&self) -> At {
        let plan = self.world.lanes[usize::from(self.lane)].plan.clone();
        moves::taken(plan, self.epoch).map_or(At::Idle, At::Taking)
    }

    fn reread(&mut self, plan: LanePlan) -> Next {
        let batches = &self.world.batches[usize::from(self.lane)];
        let open = batches.iter().filter(|batch| batch.phase != Phase::Done).map(|batch| batch.id.seq);
        let stored = u32::try_from(batches.len()).unwrap_or(u32::MAX);
        let enqueued = if self.model.rules.own_batches { plan.created } else { stored };
        let open: Vec<u32> = open.filter(|seq| (plan.enqueued..enqueued).contains(seq)).collect();
        if open.is_empty() {
            go_on(moves::enqueued(plan, enqueued)?)
        } else {
            Ok(At::Sending(plan, open, enqueued))
        }
    }

    fn send(&mut self, plan: LanePlan, batches: &[u32], enqueued: u32) -> Next {
        for seq in batches {
            let task = Task::Batch { epoch: self.epoch, lane: self.lane, seq: *seq, repeated: false };
            self.world.tasks.insert(task);
        }
        go_on(moves::enqueued(plan, enqueued)?)
    }

    fn look(&mut self, plan: LanePlan) -> Next {
        let after = if !self.is_running() {
            After::Stopped
        } else if self.choice == Choice::TimeUp {
            self.world.faults.timeouts -= 1;
            After::OutOfTime
        } else {
            return Ok(At::Writing(plan));
        };
        Ok(At::GivingBack(moves::given_back(plan)?, after))
    }

    fn write_page(&mut self, plan: LanePlan) -> Next {
        let page = self.page(&plan);
        let rev = plan.rev;
        let mut plan = moves::planned(plan, &page)?;
        if page.len() < self.model.scope.page {
            plan = moves::sealed(plan)?;
        }
        debug_assert_eq!(plan.rev, rev, "only a write changes the revision");
        if !self.world.write_plan(&self.model.rules, &mut plan) {
            return Ok(self.lost());
        }
        let seqs: Vec<u32> = page.iter().map(|batch| batch.id.seq).collect();
        self.world.batches[usize::from(self.lane)].extend(page);
        let created = plan.created;
        if seqs.is_empty() {
            go_on(moves::enqueued(plan, created)?)
        } else {
            Ok(At::Sending(plan, seqs, created))
        }
    }

    /// The next page of batches after the cursor.
    fn page(&self, plan: &LanePlan) -> Vec<Batch> {
        let scope = &self.model.scope;
        let first = usize::from(self.lane) * scope.lane_size();
        let ids = (first..first + scope.lane_size()).map(moves::subscriber);
        let left: Vec<_> = ids.filter(|id| plan.cursor.is_none_or(|cursor| *id > cursor)).collect();
        let batches = left.chunks(scope.recipients).take(scope.page);
        (plan.created..).zip(batches).map(|(seq, ids)| moves::batch(self.lane, seq, ids)).collect()
    }

    fn give_back(&mut self, mut plan: LanePlan, after: After) -> At {
        if !self.world.write_plan(&self.model.rules, &mut plan) {
            return self.lost();
        }
        match after {
            After::Sealed => At::Finishing(Finish::Lanes),
            After::Stopped => At::Idle,
            After::OutOfTime => At::HandingOn,
        }
    }
}

/// What the holder of a lane does next, by its plan.
fn go_on(plan: LanePlan) -> Next {
    if plan.enqueued < plan.created {
        return Ok(At::Rereading(plan));
    }
    if plan.sealed {
        return Ok(At::GivingBack(moves::given_back(plan)?, After::Sealed));
    }
    Ok(At::Paging(plan))
}
