//! What a run cost: the functions' usage lines, added up.

use std::fs::File;
use std::io::{BufRead, BufReader};

use fanmail_runtime::usage::MESSAGE;
use serde::Deserialize;

use crate::stack::Stack;

/// What a run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// DynamoDB write units.
    pub write_units: f64,
    /// DynamoDB read units.
    pub read_units: f64,
    /// SQS requests, those of the event sources included.
    pub sqs_requests: u64,
}

#[derive(Debug, Deserialize)]
struct Line {
    message: String,
    write_units: f64,
    read_units: f64,
    sqs_requests: u64,
}

/// Functions whose work is the campaign's; the API's is the operator's.
const FUNCTIONS: [&str; 3] = ["start", "sender", "sweeper"];

impl Cost {
    /// What fan-out, sending and sweeping cost in this stack so far.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        let mut cost = Self { sqs_requests: stack.poller_requests(), ..Self::default() };
        for function in FUNCTIONS {
            if let Ok(log) = File::open(stack.log(function)) {
                cost.add_all(BufReader::new(log));
            }
        }
        cost
    }

    fn add_all(&mut self, log: impl BufRead) {
        let lines = log.lines().map_while(Result::ok);
        for line in lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok()) {
            if line.message == MESSAGE {
                self.write_units += line.write_units;
                self.read_units += line.read_units;
                self.sqs_requests += line.sqs_requests;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_usage_lines_count() {
        let log = "{\"message\":\"used\",\"write_units\":1.5,\"read_units\":0.5,\"sqs_requests\":2}\n\
                   garbage\n{\"message\":\"finished batch\",\"accepted\":3}\n\
                   {\"message\":\"used\",\"write_units\":1,\"read_units\":1,\"sqs_requests\":0}\n";
        let mut cost = Cost::default();
        cost.add_all(log.as_bytes());
        assert_eq!(cost, Cost { write_units: 2.5, read_units: 1.5, sqs_requests: 2 });
    }
}
