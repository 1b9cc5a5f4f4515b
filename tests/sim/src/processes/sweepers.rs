//! The sweeper function, as its schedule drives it.

use std::sync::Arc;

use fanmail_engine::sweep::{SweepReport, Sweeper};

use super::{Environment, take_down, watch_over};
use crate::oracle::witness::Alarm;
use crate::scenario::Sabotage;
use crate::time::MILLI;
use crate::world::World;

/// Sweeps at every tick, for ever.
pub async fn schedule(world: Arc<World>) {
    if world.scenario.is_broken(Sabotage::ForgetfulQueue) {
        return;
    }
    loop {
        let late_ns = world.state().rng.within(0..=1_000) * MILLI;
        world.exec.sleep(world.scenario.sweep_every_ns + late_ns).await;
        for _ in 0..=usize::from(world.scenario.two_sweepers) {
            drop(world.exec.spawn(sweep(Arc::clone(&world))));
        }
    }
}

/// Sweeps once.
async fn sweep(world: Arc<World>) {
    let began_ns = world.exec.now_ns();
    let environment = Environment::new(&world, "sweeper");
    let (process, invocation) = environment.invoked(&world, false);
    let work = {
        let process = process.clone();
        async move {
            let stalled_after = process.world.scenario.stalled_after;
            let sweeper = Sweeper { store: &process, tasks: &process, clock: &process, stalled_after };
            sweeper.sweep(&invocation).await
        }
    };
    match watch_over(&world, &process, world.exec.spawn_as(process.task, work)).await {
        Some(Ok(report)) => take_notice(&world, began_ns, &report),
        Some(Err(error)) => take_down(&process, &error),
        None => {}
    }
}

fn take_notice(world: &World, began_ns: u64, report: &SweepReport) {
    let mut state = world.state();
    let at_ns = state.now_ns;
    if !world.scenario.is_broken(Sabotage::SilentSweeper) {
        let alarm = |alarm: &fanmail_engine::sweep::Alarm| Alarm { at_ns, began_ns, since: alarm.since };
        state.witness.alarms.extend(report.alarms.iter().map(alarm));
        state.counts.add_many("alarms", report.alarms.len() as u64);
    }
    state.counts.add_many("campaigns started by the sweeper", report.campaigns_started.into());
    state.counts.add_many("missed schedules", report.schedules_missed.into());
    state.counts.add_many("pauses that ended by themselves", report.campaigns_resumed.into());
    state.counts.add_many("campaigns closed", report.campaigns_closed.into());
    state.counts.add_many("lanes resumed", report.lanes_resumed.into());
    state.counts.add_many("leases expired", report.leases_expired.into());
    state.counts.add_many("lanes rewound", report.lanes_rewound.into());
    state.counts.add_many("campaigns finished by the sweeper", report.campaigns_finished.into());
}
