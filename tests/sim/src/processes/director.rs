//! Whoever waits for the end: resumes what stays paused, asks for more once the campaign ended, and watches
//! until the world is at rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanmail_domain::{Campaign, CampaignStatus};

use super::operators::{Request, insist};
use crate::time::{BEGIN_NS, MILLI, SECOND};
use crate::world::{State, World};

/// How long a campaign stays paused before an operator looks after it.
const PATIENCE_NS: u64 = 30 * SECOND;

/// How long the world goes on after the campaign ended, for whatever comes late.
const AFTERMATH_NS: u64 = 300 * SECOND;

/// Waits until the campaign ended and the storm is over, and some time more; then says so.
pub async fn watch(world: Arc<World>, at_rest: Arc<AtomicBool>) {
    let mut afterwards = world.scenario.afterwards.clone().into_iter();
    loop {
        wait_for_end(&world).await;
        world.note("world", || "the campaign ended".into());
        if let Some(request) = afterwards.next() {
            insist(&world, request).await;
            continue;
        }
        world.exec.sleep(AFTERMATH_NS).await;
        if is_at_rest(&world.state()) {
            at_rest.store(true, Ordering::Relaxed);
        }
    }
}

fn is_at_rest(state: &State) -> bool {
    has_ended(state) && state.witness.open_events == 0
}

/// Finished; or cancelled, and closed.
fn has_ended(state: &State) -> bool {
    let campaign = state.stored.campaign();
    let status = campaign.state.status;
    let closed = !state.stored.active.contains(&campaign.id);
    status == CampaignStatus::Finished || (status == CampaignStatus::Cancelled && closed)
}

async fn wait_for_end(world: &Arc<World>) {
    let mut paused = None;
    while !has_ended(&world.state()) {
        world.exec.sleep(SECOND).await;
        let (campaign, now_ns) = {
            let state = world.state();
            (state.stored.campaign().clone(), state.now_ns)
        };
        if campaign.state.status != CampaignStatus::Paused {
            paused = None;
            continue;
        }
        // An edit is a new version of the same pause.
        let (since_ns, _) = *paused.get_or_insert((now_ns, campaign.state.version));
        if now_ns >= patience_ends(world, &campaign, since_ns) {
            insist(world, Request::Resume).await;
            paused = None;
        }
    }
}

/// When an operator loses patience with a pause. One that ends by itself is left to do so, in some worlds.
fn patience_ends(world: &World, campaign: &Campaign, since_ns: u64) -> u64 {
    let ends = campaign.state.until.filter(|_| world.scenario.leaves_pauses_alone);
    let Some(ends) = ends else { return since_ns + PATIENCE_NS };
    let ends_ns = (ends.0 * MILLI).max(world.scenario.weather.ends_ns).max(BEGIN_NS);
    let swept_ns = ends_ns + world.scenario.two_sweeps_ns();
    if world.exec.now_ns() >= swept_ns {
        world.state().witness.errors.push("a pause did not end by itself".into());
    }
    swept_ns
}
