//! What a run cost: the functions' usage lines, added up, and what the host counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use fanmail_runtime::usage::MESSAGE;
use serde::{Deserialize, Serialize};

use crate::stack::Stack;

/// What a run cost, in what AWS bills.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// DynamoDB write units.
    pub write_units: f64,
    /// DynamoDB read units.
    pub read_units: f64,
    /// SQS requests, those of the event sources included.
    pub sqs_requests: u64,
    /// Octets of the functions' logs.
    #[serde(default)]
    pub log_bytes: u64,
    /// Invocations by function.
    #[serde(default)]
    pub functions: BTreeMap<String, Invoked>,
}

/// A function's invocations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoked {
    /// How many.
    pub invocations: u64,
    /// How long all together, each rounded up to a millisecond.
    pub billed_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Line {
    message: String,
    write_units: f64,
    read_units: f64,
    sqs_requests: u64,
}

/// Functions whose work is the campaign's; the API's is the operator's.
const FUNCTIONS: [&str; 4] = ["start", "sender", "feedback", "sweeper"];

impl Cost {
    /// What fan-out, sending and sweeping cost in this stack so far.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        let mut cost = Self { sqs_requests: stack.poller_requests(), ..Self::default() };
        for function in FUNCTIONS {
            if let Ok(log) = File::open(stack.log(function)) {
                cost.add_all(BufReader::new(log));
            }
            let stats = stack.host.stats(function);
            let invoked = Invoked { invocations: stats.invocations, billed_ms: stats.billed_ms };
            if invoked != Invoked::default() {
                cost.functions.insert(function.to_owned(), invoked);
            }
        }
        cost
    }

    fn add_all(&mut self, log: impl BufRead) {
        for line in log.lines().map_while(Result::ok) {
            self.log_bytes += line.len() as u64 + 1;
            let used = serde_json::from_str::<Line>(&line).ok();
            if let Some(used) = used.filter(|used| used.message == MESSAGE) {
                self.write_units += used.write_units;
                self.read_units += used.read_units;
                self.sqs_requests += used.sqs_requests;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usage_lines_count_as_units_and_every_line_as_log() {
        let log = "{\"message\":\"used\",\"write_units\":1.5,\"read_units\":0.5,\"sqs_requests\":2}\n\
                   garbage\n{\"message\":\"finished batch\",\"accepted\":3}\n\
                   {\"message\":\"used\",\"write_units\":1,\"read_units\":1,\"sqs_requests\":0}\n";
        let mut cost = Cost::default();
        cost.add_all(log.as_bytes());
        let log_bytes = log.len() as u64;
        assert_eq!(
            cost,
            Cost { write_units: 2.5, read_units: 1.5, sqs_requests: 2, log_bytes, ..Cost::default() }
        );
    }
}
