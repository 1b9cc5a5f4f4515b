//! Finishing a campaign, step by step (`finish` of the engine): whoever ended what may be the last batch of a lane,
//! sealed a lane or sweeps looks whether that was the last one, and the write itself demands it again.

use fanmail_domain::{CampaignState, CampaignStatus, Epoch, Lane, RecipientState};

use crate::model::Model;
use crate::scope::{Grain, Rules};
use crate::search::Sightings;
use crate::world::World;
use crate::{moves, sights};

/// What whoever tries to finish does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Finish {
    /// Reads the lane whose batch ended.
    Lane(u8),
    /// Reads all lanes.
    Lanes,
    /// Reads the campaign.
    Campaign,
    /// Writes that the campaign, as it was read, is finished.
    Write(CampaignState),
}

impl Finish {
    /// Whether the next step is a write that is bound to be refused.
    pub(crate) fn is_doomed(self, world: &World) -> bool {
        matches!(self, Self::Write(read) if read.version != world.campaign.version)
    }

    /// The next step in words.
    pub(crate) fn next_step(self) -> &'static str {
        match self {
            Self::Lane(_) => "read the lane, to finish",
            Self::Lanes => "read all lanes, to finish",
            Self::Campaign => "read the campaign, to finish",
            Self::Write(_) => "write that the campaign is finished",
        }
    }
}

/// Carries out one step; answers the next one, if there is any.
pub(crate) fn step(model: &Model, world: &mut World, finish: Finish, seen: &mut Sightings) -> Option<Finish> {
    let next = take(model, world, finish, seen)?;
    let reads = !matches!(next, Finish::Write(_));
    // Nothing but reads up to the write.
    if reads && model.scope.grain == Grain::Coarse { step(model, world, next, seen) } else { Some(next) }
}

fn take(model: &Model, world: &mut World, finish: Finish, seen: &mut Sightings) -> Option<Finish> {
    let complete = |lane: &Lane| is_complete(&model.rules, lane, lane.plan.epoch);
    let complete_now = |lane: &Lane| is_complete(&model.rules, lane, world.campaign.epoch);
    match finish {
        Finish::Lane(no) => complete(&world.lanes[usize::from(no)]).then_some(Finish::Lanes),
        Finish::Lanes => world.lanes.iter().all(complete).then_some(Finish::Campaign),
        Finish::Campaign => {
            (world.campaign.status == CampaignStatus::Running).then_some(Finish::Write(world.campaign))
        }
        Finish::Write(read) => {
            if world.campaign.version == read.version && world.lanes.iter().all(complete_now) {
                write(world, read, seen);
            } else {
                seen.see(sights::FINISH_REFUSED);
            }
            None
        }
    }
}

/// Whether a lane is complete, by the rules that are kept.
pub(crate) fn is_complete(rules: &Rules, lane: &Lane, epoch: Epoch) -> bool {
    if rules.sealed_finish { lane.is_complete(epoch) } else { lane.done == lane.plan.created }
}

/// Whether a lane goes on when one more of its batches ends, by the rules that are kept.
pub(crate) fn goes_on(rules: &Rules, lane: &Lane) -> bool {
    if rules.sealed_finish { lane.goes_on() } else { lane.done + 1 < lane.plan.created }
}

fn write(world: &mut World, read: CampaignState, seen: &mut Sightings) {
    let Ok(finished) = moves::finished(read) else {
        world.broken = true;
        return;
    };
    world.campaign = finished;
    let states = || world.batches.iter().flatten().flat_map(|batch| &batch.entries).map(|entry| entry.state);
    seen.see(sights::FINISHED);
    if states().any(|state| state == RecipientState::InDoubt) {
        seen.see(sights::FINISHED_WITH_DOUBT);
    }
    if finished.epoch.0 > 1 {
        seen.see(sights::FINISHED_IN_A_LATER_RUN);
    }
}
