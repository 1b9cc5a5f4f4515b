//! The sweeper's protocol, step by step (`sweep` of the engine).

use fanmail_domain::{Batch, CampaignStatus, Epoch, Lane, LanePlan, Phase};

use crate::finish::{self, Finish};
use crate::model::Model;
use crate::scope::Grain;
use crate::search::Sightings;
use crate::world::{Task, World};
use crate::{moves, sights};

/// What the sweeper does next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Sweeper {
    /// Waits for its minute; then it reads the campaign.
    #[default]
    Idle,
    /// Reads the lanes, of the run it saw.
    Lanes(Epoch),
    /// Asks whether the queues are idle.
    Asking(Round),
    /// Reads the batches of the first lane.
    Batches(Round),
    /// Takes the first of these batches from a holder that is gone.
    Expiring(Round, Vec<Batch>),
    /// Sends the task of the batch that it took, and goes on with the others.
    SendingBatch(Round, Batch, Vec<Batch>),
    /// Writes that the first lane's tasks are to be sent again.
    Rewinding(Round),
    /// Sends the first lane's task.
    SendingLane(Round),
    /// Tries to finish the campaign.
    Finishing(Finish),
}

/// One look at the lanes that are not complete.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Round {
    epoch: Epoch,
    /// Whether the queues were idle.
    idle: bool,
    /// The plans that were read and not dealt with yet.
    plans: Vec<LanePlan>,
}

impl Sweeper {
    /// Its copies of plans.
    pub(crate) fn plans(&mut self) -> impl Iterator<Item = &mut LanePlan> {
        let round = match self {
            Self::Asking(round)
            | Self::Batches(round)
            | Self::Expiring(round, _)
            | Self::SendingBatch(round, ..)
            | Self::Rewinding(round)
            | Self::SendingLane(round) => Some(round),
            Self::Idle | Self::Lanes(_) | Self::Finishing(_) => None,
        };
        round.into_iter().flat_map(|round| &mut round.plans)
    }

    /// Its copies of batches.
    pub(crate) fn batches(&mut self) -> impl Iterator<Item = &mut Batch> {
        let (one, others) = match self {
            Self::Expiring(_, batches) => (None, Some(batches)),
            Self::SendingBatch(_, batch, batches) => (Some(batch), Some(batches)),
            Self::Idle
            | Self::Lanes(_)
            | Self::Asking(_)
            | Self::Batches(_)
            | Self::Rewinding(_)
            | Self::SendingLane(_)
            | Self::Finishing(_) => (None, None),
        };
        one.into_iter().chain(others.into_iter().flatten())
    }

    /// Whether its next step only reads, and follows a read.
    fn is_reading(&self) -> bool {
        match self {
            Self::Lanes(_) | Self::Asking(_) | Self::Batches(_) => true,
            Self::Finishing(finish) => !matches!(finish, Finish::Write(_)),
            Self::Idle
            | Self::Expiring(..)
            | Self::SendingBatch(..)
            | Self::Rewinding(_)
            | Self::SendingLane(_) => false,
        }
    }

    /// Whether its next step is a write that is bound to be refused.
    pub(crate) fn is_doomed(&self, world: &World) -> bool {
        match self {
            Self::Expiring(_, found) => world.is_outdated(&found[0]),
            Self::Rewinding(round) => world.is_plan_outdated(&round.plans[0]),
            Self::Finishing(finish) => finish.is_doomed(world),
            Self::Idle
            | Self::Lanes(_)
            | Self::Asking(_)
            | Self::Batches(_)
            | Self::SendingBatch(..)
            | Self::SendingLane(_) => false,
        }
    }

    /// Its next step in words.
    pub(crate) fn next_step(&self) -> &'static str {
        match self {
            Self::Idle => "begin, and read the campaign",
            Self::Lanes(_) => "read the lanes",
            Self::Asking(_) => "ask whether the queues are idle",
            Self::Batches(_) => "read the batches",
            Self::Expiring(..) => "write that a lease ran out",
            Self::SendingBatch(..) => "send a batch task",
            Self::Rewinding(_) => "write that a lane is rewound",
            Self::SendingLane(_) => "send a lane task",
            Self::Finishing(finish) => finish.next_step(),
        }
    }
}

/// Carries out the sweeper's next step.
pub(crate) fn step(model: &Model, world: &mut World, seen: &mut Sightings) {
    let at = std::mem::take(&mut world.sweeper);
    world.sweeper = take(model, world, at, seen);
    if model.scope.grain == Grain::Coarse && world.sweeper.is_reading() {
        step(model, world, seen);
    }
}

fn take(model: &Model, world: &mut World, at: Sweeper, seen: &mut Sightings) -> Sweeper {
    match at {
        Sweeper::Idle if world.campaign.status == CampaignStatus::Running => {
            Sweeper::Lanes(world.campaign.epoch)
        }
        Sweeper::Idle => Sweeper::Idle,
        Sweeper::Lanes(epoch) => lanes(model, world, epoch),
        Sweeper::Asking(round) => Sweeper::Batches(Round { idle: world.is_idle(), ..round }),
        Sweeper::Batches(round) => {
            let found = if model.rules.expiry { expirable(world, &round) } else { Vec::new() };
            next_batch(model, round, found)
        }
        Sweeper::Expiring(round, found) => expire(model, world, round, found, seen),
        Sweeper::SendingBatch(round, batch, others) => {
            let (lane, seq) = (batch.id.lane.0, batch.id.seq);
            world.tasks.insert(Task::Batch { epoch: round.epoch, lane, seq, repeated: false });
            next_batch(model, round, others)
        }
        Sweeper::Rewinding(round) => rewind(model, world, round, seen),
        Sweeper::SendingLane(round) => {
            world.tasks.insert(Task::Lane { epoch: round.epoch, lane: round.plans[0].no.0 });
            next_lane(round)
        }
        Sweeper::Finishing(finish) => {
            finish::step(model, world, finish, seen).map_or(Sweeper::Idle, Sweeper::Finishing)
        }
    }
}

fn lanes(model: &Model, world: &World, epoch: Epoch) -> Sweeper {
    let open = |lane: &&Lane| !finish::is_complete(&model.rules, lane, epoch);
    let plans: Vec<LanePlan> = world.lanes.iter().filter(open).map(|lane| lane.plan.clone()).collect();
    if plans.is_empty() {
        return Sweeper::Finishing(Finish::Lanes);
    }
    Sweeper::Asking(Round { epoch, idle: false, plans })
}

/// Batches of the first lane whose lease has ended.
fn expirable(world: &World, round: &Round) -> Vec<Batch> {
    let ended =
        |batch: &&Batch| matches!(batch.phase, Phase::Leased { .. }) && !moves::is_batch_leased(batch);
    world.batches[usize::from(round.plans[0].no.0)].iter().filter(ended).cloned().collect()
}

fn next_batch(model: &Model, round: Round, found: Vec<Batch>) -> Sweeper {
    if !found.is_empty() {
        return Sweeper::Expiring(round, found);
    }
    let plan = &round.plans[0];
    if moves::is_left_behind(plan, round.epoch) {
        Sweeper::SendingLane(round)
    } else if round.idle && plan.is_fanned_out(round.epoch) && model.rules.rewinding {
        Sweeper::Rewinding(round)
    } else {
        next_lane(round)
    }
}

fn expire(
    model: &Model,
    world: &mut World,
    round: Round,
    mut found: Vec<Batch>,
    seen: &mut Sightings,
) -> Sweeper {
    let Ok(mut after) = moves::expired(found.remove(0)) else { return next_batch(model, round, found) };
    if !world.write_batch(&model.rules, &mut after, None) {
        return next_batch(model, round, found);
    }
    seen.see(sights::LEASE_EXPIRED);
    Sweeper::SendingBatch(round, after, found)
}

fn rewind(model: &Model, world: &mut World, round: Round, seen: &mut Sightings) -> Sweeper {
    let Ok(mut plan) = moves::rewound(round.plans[0].clone()) else { return next_lane(round) };
    if !world.write_plan(&model.rules, &mut plan) {
        return next_lane(round);
    }
    seen.see(sights::REWOUND);
    Sweeper::SendingLane(round)
}

fn next_lane(mut round: Round) -> Sweeper {
    round.plans.remove(0);
    if round.plans.is_empty() { Sweeper::Idle } else { Sweeper::Batches(round) }
}

impl World {
    /// Whether the queues hold nothing, neither waiting nor being worked on.
    fn is_idle(&self) -> bool {
        let tasks = self.senders.iter().map(|it| it.task).chain(self.fan_outs.iter().map(|it| it.task));
        self.tasks.is_empty() && tasks.flatten().next().is_none()
    }
}
