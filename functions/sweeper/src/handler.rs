//! One tick of the schedule.

use fanmail_domain::Timestamp;
use fanmail_engine::ports::{BoxError, Clock};
use fanmail_engine::sweep::{SweepReport, Sweeper};
use fanmail_runtime::invocation::{self, RESERVE};
use fanmail_runtime::metrics::Metric;
use fanmail_runtime::{Chain, usage};
use lambda_runtime::Context;
use serde::{Deserialize, Serialize};

use crate::Ports;
use crate::gauges::Gauges;

/// The schedule's event: nothing in it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Tick {}

/// What the sweep did, for whoever invokes it by hand.
#[derive(Debug, Serialize)]
pub(crate) struct Swept {
    campaigns_started: u32,
    schedules_missed: u32,
    campaigns_resumed: u32,
    lanes_resumed: u32,
    leases_expired: u32,
    put_in_doubt: u32,
    lanes_rewound: u32,
    campaigns_finished: u32,
    campaigns_closed: u32,
    campaigns_stalled: usize,
}

pub(crate) async fn handle(ports: &Ports, context: &Context) -> Result<Swept, BoxError> {
    let invocation = invocation::from_context(context, ports.clock.now(), RESERVE);
    let sweeper = Sweeper {
        store: &ports.store,
        tasks: &ports.queue,
        clock: &ports.clock,
        stalled_after: ports.stalled_after,
    };
    let report = sweeper.sweep(&invocation).await;
    let gauges = gauges(ports, report.as_ref().ok(), invocation.stop_at).await;
    let used = usage::report("sweeper", &ports.store, &ports.queue);
    ports.metrics.write(ports.clock.now(), &gauges, &used);
    let report = report?;
    for alarm in &report.alarms {
        let (id, since) = (alarm.campaign, alarm.since);
        tracing::error!(
            event = "campaign_stalled",
            campaign.id = %id,
            since_ms = since.0,
            cause = %alarm.cause,
            "campaign {id} stands still: {}",
            alarm.cause
        );
    }
    if report != SweepReport::default() {
        tracing::info!(report = ?report, "swept up what was left behind");
    }
    Ok(swept(&report))
}

/// What stands after the sweep, where somebody wants to know. A sweep or a look that failed leaves a gap.
async fn gauges(ports: &Ports, swept: Option<&SweepReport>, stop_at: Timestamp) -> Vec<(Metric, f64)> {
    let Some(report) = swept.filter(|_| ports.metrics.are_wanted()) else { return Vec::new() };
    match Gauges::read(&ports.store, &ports.clock, stop_at).await {
        Ok(gauges) => gauges.map(|gauges| gauges.metrics(report.alarms.len())).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "could not read the gauges");
            Vec::new()
        }
    }
}

fn swept(report: &SweepReport) -> Swept {
    Swept {
        campaigns_started: report.campaigns_started,
        schedules_missed: report.schedules_missed,
        campaigns_resumed: report.campaigns_resumed,
        lanes_resumed: report.lanes_resumed,
        leases_expired: report.leases_expired,
        put_in_doubt: report.put_in_doubt,
        lanes_rewound: report.lanes_rewound,
        campaigns_finished: report.campaigns_finished,
        campaigns_closed: report.campaigns_closed,
        campaigns_stalled: report.alarms.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_schedules_event_is_a_tick() {
        let event = serde_json::from_str::<Tick>(include_str!("../events/tick.json"));
        assert!(event.is_ok(), "{event:?}");
        assert!(serde_json::from_str::<Tick>("{}").is_ok(), "whoever invokes it by hand sends nothing");
    }
}
