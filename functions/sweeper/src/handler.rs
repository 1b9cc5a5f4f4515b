//! One tick of the schedule.

use fanmail_engine::ports::{BoxError, Clock};
use fanmail_engine::sweep::{SweepReport, Sweeper};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::usage;
use lambda_runtime::Context;
use serde::{Deserialize, Serialize};

use crate::Ports;

/// The schedule's event: nothing in it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Tick {}

/// What the sweep did, for whoever invokes it by hand.
#[derive(Debug, Serialize)]
pub(crate) struct Swept {
    lanes_resumed: u32,
    leases_expired: u32,
    lanes_rewound: u32,
    campaigns_finished: u32,
}

pub(crate) async fn handle(ports: &Ports, context: &Context) -> Result<Swept, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), RESERVE);
    let sweeper = Sweeper { store: &ports.store, tasks: &ports.queue, clock: &ports.clock };
    let report = sweeper.sweep(&invocation).await;
    usage::report("sweeper", &ports.store, &ports.queue);
    let report = report?;
    if report != SweepReport::default() {
        tracing::info!(report = ?report, "swept up what was left behind");
    }
    Ok(Swept {
        lanes_resumed: report.lanes_resumed,
        leases_expired: report.leases_expired,
        lanes_rewound: report.lanes_rewound,
        campaigns_finished: report.campaigns_finished,
    })
}
