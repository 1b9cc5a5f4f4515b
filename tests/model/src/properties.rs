//! What has to hold in every state.

use fanmail_domain::{Batch, CampaignStatus, Lane, Phase, RecipientState, Tally};

use crate::search::Property;
use crate::world::World;

/// P2: nobody gets it twice.
pub const ONCE: &str = "the provider accepts no recipient twice";
/// What the ledger calls accepted was accepted.
pub const TRUE_ACCEPTS: &str = "whom the ledger calls accepted, the provider accepted";
/// What the ledger offers for sending, or calls failed or skipped, was not accepted.
pub const TRUE_REFUSALS: &str =
    "whom the ledger calls pending, failed or skipped, the provider did not accept";
/// P1: nobody is lost.
pub const NOBODY_LOST: &str = "a finished campaign is sealed, and everybody in it came to an end";
/// Counters always equal a recount.
pub const COUNTERS: &str = "the lanes' counters equal a recount of the ledger";
/// Fan-out writes nobody twice.
pub const PLANNED_ONCE: &str = "nobody is planned twice";
/// P4: a pause holds.
pub const PAUSE_HOLDS: &str =
    "nothing leaves once a pause has stood for a second and the open windows have ended";
/// The engine's steps are legal.
pub const LEGAL: &str = "the rules refuse no holder a step on its own copy";

/// All of them.
pub const PROPERTIES: &[Property<World>] = &[
    Property { name: ONCE, holds: |world| world.accepted.iter().all(|count| *count <= 1) },
    Property { name: TRUE_ACCEPTS, holds: accepts_are_true },
    Property { name: TRUE_REFUSALS, holds: refusals_are_true },
    Property { name: NOBODY_LOST, holds: nobody_is_lost },
    Property { name: COUNTERS, holds: counters_are_a_recount },
    Property { name: PLANNED_ONCE, holds: nobody_is_planned_twice },
    Property { name: PAUSE_HOLDS, holds: |world| !world.late },
    Property { name: LEGAL, holds: |world| !world.broken },
];

fn accepts_are_true(world: &World) -> bool {
    ledger(world)
        .filter(|(_, state)| *state == RecipientState::Accepted)
        .all(|(at, _)| world.accepted[at] > 0)
}

fn refusals_are_true(world: &World) -> bool {
    let unsent = |state: RecipientState| match state {
        RecipientState::Pending
        | RecipientState::Preparing
        | RecipientState::Failed(_)
        | RecipientState::Skipped(_) => true,
        RecipientState::Submitting | RecipientState::Accepted | RecipientState::InDoubt => false,
    };
    ledger(world).filter(|(_, state)| unsent(*state)).all(|(at, _)| world.accepted[at] == 0)
}

fn nobody_is_lost(world: &World) -> bool {
    if world.campaign.status != CampaignStatus::Finished {
        return true;
    }
    let ended = ledger(world).filter(|(_, state)| state.is_terminal()).count();
    let tally: Tally = ledger(world).map(|(_, state)| state).collect();
    let mut counters = Tally::default();
    world.lanes.iter().for_each(|lane| counters.add_all(&lane.tally));
    world.lanes.iter().all(|lane| lane.plan.sealed) && ended == world.accepted.len() && counters == tally
}

fn counters_are_a_recount(world: &World) -> bool {
    world.lanes.iter().zip(&world.batches).all(|(lane, batches)| is_recount(lane, batches))
}

fn is_recount(lane: &Lane, batches: &[Batch]) -> bool {
    let done = batches.iter().filter(|batch| batch.phase == Phase::Done);
    let counted = batches.iter().flat_map(|batch| &batch.entries).filter(|entry| entry.counted);
    let recount: Tally = counted.map(|entry| entry.state).collect();
    lane.tally == recount
        && usize::try_from(lane.done) == Ok(done.clone().count())
        && usize::try_from(lane.plan.created) == Ok(batches.len())
        && done.flat_map(|batch| &batch.entries).all(|entry| entry.counted)
}

fn nobody_is_planned_twice(world: &World) -> bool {
    let mut planned = vec![false; world.accepted.len()];
    ledger(world).all(|(at, _)| !std::mem::replace(&mut planned[at], true))
}

/// All recipients of the ledger, by number.
fn ledger(world: &World) -> impl Iterator<Item = (usize, RecipientState)> + '_ {
    let entries = world.batches.iter().flatten().flat_map(|batch| &batch.entries);
    entries.map(|entry| (usize::try_from(entry.subscriber.number()).unwrap_or(usize::MAX), entry.state))
}

#[cfg(test)]
mod tests {
    use fanmail_domain::{RecipientEvent, SubscriberId};

    use super::*;
    use crate::moves;
    use crate::scope::Scope;

    fn broken(world: &World) -> Vec<&'static str> {
        PROPERTIES.iter().filter(|it| !(it.holds)(world)).map(|it| it.name).collect()
    }

    fn one_recipient(event: RecipientEvent) -> World {
        let mut world = World::start(&Scope::SMALLEST);
        let batch = moves::batch(0, 0, &[SubscriberId::from_number(0).unwrap()]);
        let batch = moves::changed(moves::leased(batch).unwrap(), &[0], RecipientEvent::Submit).unwrap();
        world.batches[0].push(moves::changed(batch, &[0], event).unwrap());
        world.lanes[0].plan.created = 1;
        world
    }

    #[test]
    fn a_ledger_that_says_more_or_less_than_the_provider_is_found() {
        let mut world = one_recipient(RecipientEvent::Accept);
        assert_eq!(broken(&world), [TRUE_ACCEPTS]);
        world.accepted[0] = 1;
        assert_eq!(broken(&world), [""; 0]);
        world.accepted[0] = 2;
        assert_eq!(broken(&world), [ONCE]);
        let mut world = one_recipient(RecipientEvent::Defer);
        assert_eq!(broken(&world), [""; 0]);
        world.accepted[0] = 1;
        assert_eq!(broken(&world), [TRUE_REFUSALS]);
    }

    #[test]
    fn a_finished_campaign_with_anything_open_is_found() {
        let mut world = one_recipient(RecipientEvent::Lose);
        world.campaign = moves::finished(world.campaign).unwrap();
        assert_eq!(broken(&world), [NOBODY_LOST]);
        world.lanes[0].plan.sealed = true;
        assert_eq!(broken(&world), [NOBODY_LOST], "it is in no counter");
        world.lanes[0].tally = world.batches[0][0].tally();
        assert_eq!(broken(&world), [COUNTERS], "its batch is not marked as counted");
        world.batches[0][0].entries[0].counted = true;
        assert_eq!(broken(&world), [""; 0]);
    }

    #[test]
    fn an_illegal_step_is_found() {
        let world = World { broken: true, ..World::start(&Scope::SMALLEST) };
        assert_eq!(broken(&world), [LEGAL]);
    }
}
