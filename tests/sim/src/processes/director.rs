//! Whoever waits for the end: resumes what stays paused, and watches until the world is at rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanmail_domain::CampaignStatus;

use super::operators::{Request, insist};
use crate::time::SECOND;
use crate::world::World;

/// How long a campaign stays paused before an operator looks after it.
const PATIENCE_NS: u64 = 30 * SECOND;

/// How long the world goes on after the campaign ended, for whatever comes late.
const AFTERMATH_NS: u64 = 300 * SECOND;

/// Waits until the campaign ended and the storm is over, and some time more; then says so.
pub async fn watch(world: Arc<World>, at_rest: Arc<AtomicBool>) {
    let mut paused_ns = None;
    loop {
        world.exec.sleep(SECOND).await;
        let (status, now_ns) = {
            let state = world.state();
            (state.stored.campaign().state.status, state.now_ns)
        };
        match status {
            CampaignStatus::Paused => {
                let since_ns = *paused_ns.get_or_insert(now_ns);
                if now_ns >= since_ns + PATIENCE_NS {
                    insist(&world, Request::Resume).await;
                    paused_ns = None;
                }
            }
            CampaignStatus::Finished | CampaignStatus::Cancelled => break,
            CampaignStatus::Draft | CampaignStatus::Scheduled | CampaignStatus::Running => paused_ns = None,
        }
    }
    world.note("world", || "the campaign ended".into());
    world.exec.sleep(AFTERMATH_NS).await;
    at_rest.store(true, Ordering::Relaxed);
}
