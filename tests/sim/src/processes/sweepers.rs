//! The sweeper function, as its schedule drives it.

use std::sync::Arc;

use fanmail_engine::sweep::{SweepReport, Sweeper};

use super::{Environment, take_down, watch_over};
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
    let environment = Environment::new(&world, "sweeper");
    let (process, invocation) = environment.invoked(&world, false);
    let work = {
        let process = process.clone();
        async move {
            let sweeper = Sweeper { store: &process, tasks: &process, clock: &process };
            sweeper.sweep(&invocation).await
        }
    };
    match watch_over(&world, &process, world.exec.spawn_as(process.task, work)).await {
        Some(Ok(report)) => count(&world, report),
        Some(Err(error)) => take_down(&process, &error),
        None => {}
    }
}

fn count(world: &World, report: SweepReport) {
    let mut state = world.state();
    state.counts.add_many("lanes resumed", report.lanes_resumed.into());
    state.counts.add_many("leases expired", report.leases_expired.into());
    state.counts.add_many("lanes rewound", report.lanes_rewound.into());
    state.counts.add_many("campaigns finished by the sweeper", report.campaigns_finished.into());
}
