//! The arithmetic: a bill's counts, priced.

use serde::Serialize;

use super::prices::Prices;
use super::{Bill, CostError};

/// What the deployment is like.
#[derive(Debug, Clone, Copy)]
pub struct Deployment {
    /// Memory of each function, in MB.
    pub memory_mb: u32,
    /// Which processors.
    pub arch: Arch,
    /// Which events of the provider are taken in.
    pub events: Events,
    /// Of a thousand recipients, how many bounce or complain. They count where events are taken in.
    pub bounces_per_mille: u32,
}

/// Which processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arch {
    /// Graviton.
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86_64,
}

/// Which events of SES come back by SNS and SQS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Events {
    /// None: a relay over SMTP, or a configuration set without a destination.
    None,
    /// Bounces, complaints and rejects alone.
    Bounces,
    /// Those, and a `Send` and a `Delivery` for every recipient, which settle doubts by themselves.
    All,
}

/// One line of the bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// What is paid for.
    pub name: &'static str,
    /// How much of it the campaign took, in the unit of its price.
    pub amount: f64,
    /// What that costs, for a million recipients.
    pub usd_per_million: f64,
}

/// Octets that Lambda itself writes for an invocation into a JSON log (`platform.start`, `platform.report` with
/// tracing), CloudWatch's 26 octets for each event included; rounded up.
const PLATFORM_LOG_OCTETS: f64 = 1_000.0;
/// X-Ray's default sampling: one request each second, and one in twenty of the rest (X-Ray developer guide,
/// "Sampling rules").
const TRACED: f64 = 0.05;
/// Events of one invocation of `feedback`: the batch size of its event source.
const EVENTS_PER_INVOCATION: f64 = 10.0;
/// How long `feedback` takes for ten events: ten reads of DynamoDB, one after the other, at 5 ms, and as much again.
const FEEDBACK_S: f64 = 0.1;
/// Reading a batch, at most 1 KB and strongly consistent.
const READS_PER_EVENT: f64 = 1.0;
/// Of a bounce: the failure's words (1), batch and counters in a transaction (4), the subscriber's status (2), and
/// rounded up for what meets another write.
const WRITES_PER_BOUNCE: f64 = 8.0;
/// A receive and a delete for each batch of events; SNS's deliveries to SQS are free.
const SQS_PER_INVOCATION: f64 = 2.0;
/// Octets of log of one invocation of `feedback`, its own lines and Lambda's.
const FEEDBACK_LOG_OCTETS: f64 = 1_600.0;

/// Prices everything but the provider.
///
/// # Errors
///
/// [`CostError::NoPrice`] if the table lacks one.
#[expect(clippy::cast_precision_loss, reason = "counts of a campaign are far below 2^53")]
pub fn lines(bill: &Bill, prices: &Prices, deployment: &Deployment) -> Result<Vec<Line>, CostError> {
    let millions = bill.audience as f64 / 1e6;
    let line = |name, price, amount: f64| {
        Ok(Line { name, amount, usd_per_million: prices.of(price, amount)? / millions })
    };
    let (sqs, invocations) = (bill.cost.sqs_requests as f64, bill.invocations() as f64);
    let gb_seconds = |seconds: f64| seconds * f64::from(deployment.memory_mb) / 1_024.0;
    let compute = match deployment.arch {
        Arch::Arm64 => "lambda_gb_second_arm64",
        Arch::X86_64 => "lambda_gb_second_x86_64",
    };
    let mut lines = vec![
        line("DynamoDB, write units", "dynamodb_write_unit", bill.cost.write_units)?,
        line("DynamoDB, read units", "dynamodb_read_unit", bill.cost.read_units)?,
        line("SQS, requests", "sqs_request", sqs)?,
        line("SQS, fair queues", "sqs_fair_request", sqs)?,
        line("Lambda, GB-seconds", compute, gb_seconds(bill.billed_ms() as f64 / 1e3))?,
        line("Lambda, requests", "lambda_request", invocations)?,
        line("logs, octets", "logs_octet", bill.cost.log_bytes as f64 + invocations * PLATFORM_LOG_OCTETS)?,
        line("X-Ray, traces", "xray_trace", invocations.min(TRACED * invocations + bill.seconds))?,
    ];
    let bounces = bill.audience as f64 * f64::from(deployment.bounces_per_mille) / 1e3;
    let events = match deployment.events {
        Events::None => return Ok(lines),
        Events::Bounces => bounces,
        Events::All => 2.0 * bill.audience as f64 + bounces,
    };
    let feedback = events / EVENTS_PER_INVOCATION;
    lines.extend([
        line("events: SNS, publishes", "sns_publish", events)?,
        line("events: SQS, requests", "sqs_request", feedback * SQS_PER_INVOCATION)?,
        line("events: DynamoDB, read units", "dynamodb_read_unit", events * READS_PER_EVENT)?,
        line("events: DynamoDB, write units", "dynamodb_write_unit", bounces * WRITES_PER_BOUNCE)?,
        line("events: Lambda, GB-seconds", compute, gb_seconds(feedback * FEEDBACK_S))?,
        line("events: Lambda, requests", "lambda_request", feedback)?,
        line("events: logs, octets", "logs_octet", feedback * FEEDBACK_LOG_OCTETS)?,
        line("events: X-Ray, traces", "xray_trace", feedback * TRACED)?,
    ]);
    Ok(lines)
}

/// All lines together, for a million recipients.
#[must_use]
pub fn total(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.usd_per_million).sum()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cost::prices::TABLE;
    use fanmail::send::{Cost, Invoked};
    use std::collections::BTreeMap;

    pub(crate) const DEPLOYMENT: Deployment =
        Deployment { memory_mb: 512, arch: Arch::Arm64, events: Events::None, bounces_per_mille: 20 };

    pub(crate) fn bill() -> Bill {
        let sender = Invoked { invocations: 5_000, billed_ms: 1_500_000 };
        let start = Invoked { invocations: 5_000, billed_ms: 500_000 };
        let functions = BTreeMap::from([("sender".to_owned(), sender), ("start".to_owned(), start)]);
        let cost = Cost {
            write_units: 100_000.0,
            read_units: 200_000.0,
            sqs_requests: 50_000,
            log_bytes: 90_000_000,
            functions,
        };
        Bill { audience: 500_000, seconds: 100.0, cost }
    }

    fn priced(deployment: Deployment) -> Vec<Line> {
        lines(&bill(), &Prices::read(TABLE).unwrap(), &deployment).unwrap()
    }

    fn usd(lines: &[Line], name: &str) -> f64 {
        let line = lines.iter().find(|line| line.name == name).unwrap();
        (line.usd_per_million * 1e6).round() / 1e6
    }

    #[test]
    fn every_count_is_priced_for_a_million_recipients() {
        let lines = priced(DEPLOYMENT);
        for (name, expected) in [
            ("DynamoDB, write units", 0.125),
            ("DynamoDB, read units", 0.05),
            ("SQS, requests", 0.04),
            ("SQS, fair queues", 0.01),
            ("Lambda, GB-seconds", 0.026_667),
            ("Lambda, requests", 0.004),
            ("logs, octets", 0.1),
            ("X-Ray, traces", 0.006),
        ] {
            assert!((usd(&lines, name) - expected).abs() < 1e-6, "{name}: {}", usd(&lines, name));
        }
        assert_eq!(lines.len(), 8);
        assert!((total(&lines) - 0.361_667).abs() < 1e-5, "{}", total(&lines));
    }

    #[test]
    fn events_cost_by_their_number() {
        let bounces = priced(Deployment { events: Events::Bounces, ..DEPLOYMENT });
        let all = priced(Deployment { events: Events::All, ..DEPLOYMENT });
        assert!((usd(&bounces, "events: SNS, publishes") - 0.01).abs() < 1e-6);
        assert!((usd(&all, "events: SNS, publishes") - 1.01).abs() < 1e-6);
        assert!((usd(&all, "events: DynamoDB, read units") - 0.2525).abs() < 1e-6);
        let writes = |lines| usd(lines, "events: DynamoDB, write units");
        assert!((writes(&all) - writes(&bounces)).abs() < 1e-9, "a delivery writes nothing");
        assert!((writes(&all) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn memory_and_processors_change_the_compute_alone() {
        let (small, other) = (
            priced(Deployment { memory_mb: 256, ..DEPLOYMENT }),
            priced(Deployment { arch: Arch::X86_64, ..DEPLOYMENT }),
        );
        let name = "Lambda, GB-seconds";
        assert!((usd(&small, name) * 2.0 - usd(&priced(DEPLOYMENT), name)).abs() < 2e-6);
        assert!((usd(&other, name) / usd(&priced(DEPLOYMENT), name) - 1.25).abs() < 1e-4);
    }
}
