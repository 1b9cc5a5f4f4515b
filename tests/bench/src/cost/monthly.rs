//! What a deployment costs each month, campaign or not.

use serde::Serialize;

use super::CostError;
use super::prices::Prices;

/// One line of what is paid each month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthlyLine {
    /// What is paid for.
    pub name: &'static str,
    /// How much of it.
    pub amount: f64,
    /// What that costs.
    pub usd: f64,
}

/// The EMF metrics of all functions: 7 of the senders, 5 of the sweeper, 6 of `feedback`, 1 of `api`, and 3 of each of the five
/// functions. Each combination of name and dimensions is a metric, and one that had no value in a month is free.
const METRICS: f64 = 34.0;
/// Seconds of a month of 30 days.
const MONTH_S: f64 = 30.0 * 24.0 * 3_600.0;
/// Queues that Lambda polls.
const QUEUES: f64 = 3.0;
/// Pollers of an idle event source with a maximum concurrency, which does not scale down (Lambda developer guide,
/// "Using Lambda with Amazon SQS").
const POLLERS: f64 = 5.0;
/// How long an empty receive waits.
const LONG_POLL_S: f64 = 20.0;
/// How often the sweeper runs, and how long it takes with nothing to do.
const SWEEP_EVERY_S: f64 = 60.0;
const SWEEP_S: f64 = 0.1;
/// Octets of log of a sweep: its metrics, and what Lambda says.
const SWEEP_LOG_OCTETS: f64 = 1_600.0;
/// Memory of the sweeper, in GB.
const SWEEPER_GB: f64 = 0.25;
/// What a sweep without campaigns reads.
const SWEEP_READS: f64 = 2.0;

/// What is paid each month; `alarms` is how many the template has.
///
/// # Errors
///
/// [`CostError::NoPrice`] if the table lacks one.
pub fn monthly(prices: &Prices, alarms: u32) -> Result<Vec<MonthlyLine>, CostError> {
    let line = |name, price, amount| Ok(MonthlyLine { name, amount, usd: prices.of(price, amount)? });
    let (polls, sweeps) = (QUEUES * POLLERS * MONTH_S / LONG_POLL_S, MONTH_S / SWEEP_EVERY_S);
    Ok(vec![
        line("metrics", "metric_month", METRICS)?,
        line("alarms", "alarm_month", f64::from(alarms))?,
        line("dashboard", "dashboard_month", 1.0)?,
        line("secret", "secret_month", 1.0)?,
        line("SQS, polls of idle queues", "sqs_request", polls)?,
        line("sweeper, requests", "lambda_request", sweeps)?,
        line("sweeper, GB-seconds", "lambda_gb_second_arm64", sweeps * SWEEP_S * SWEEPER_GB)?,
        line("sweeper, read units", "dynamodb_read_unit", sweeps * SWEEP_READS)?,
        line("sweeper, logs, octets", "logs_octet", sweeps * SWEEP_LOG_OCTETS)?,
        line("sweeper, traces", "xray_trace", sweeps)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::prices::TABLE;

    #[test]
    fn idle_polls_and_metrics_are_most_of_it() {
        let lines = monthly(&Prices::read(TABLE).unwrap(), 20).unwrap();
        let usd = |name| lines.iter().find(|line| line.name == name).map(|line| line.usd).unwrap();
        assert!((usd("metrics") - 10.2).abs() < 1e-9 && (usd("alarms") - 2.0).abs() < 1e-9);
        assert!((usd("SQS, polls of idle queues") - 0.7776).abs() < 1e-9);
        let total: f64 = lines.iter().map(|line| line.usd).sum();
        assert!((16.0..18.0).contains(&total), "{total}");
    }
}
