//! The figures, for people and for programs.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::campaign::{Options, Outcome};
use crate::cost::Bill;
use crate::figures::{Figures, Measured, medians};
use crate::machine;

/// All runs of one command.
#[derive(Debug, Clone)]
pub struct Report {
    options: Options,
    figures: Vec<Figures>,
    outcomes: Vec<Outcome>,
    /// What `cost` prices.
    bills: Vec<Bill>,
}

/// Rows of the table: the figure's name, its label, the digits behind the point.
const ROWS: [(&str, &str, usize); 19] = [
    ("load_before", "load average before", 1),
    ("import_rows_per_s", "import, rows/s", 0),
    ("fan_out_recipients_per_s", "fan-out, recipients/s", 0),
    ("seconds", "start to finished, s", 1),
    ("recipients_per_s", "recipients/s", 0),
    ("message_bytes", "message, octets", 0),
    ("sender_cpu_us_per_recipient", "senders, CPU us/recipient", 1),
    ("sender_processes", "sender processes", 0),
    ("sender_peak_mb", "peak memory of a sender, MB", 1),
    ("start_cpu_us_per_recipient", "start, CPU us/recipient", 1),
    ("host_cpu_us_per_recipient", "engines, host and inbox, CPU us/recipient", 1),
    ("dynamodb_cpu_us_per_recipient", "  of which the DynamoDB engine", 1),
    ("write_units_per_recipient", "write units/recipient (goal: 0.15)", 3),
    ("read_units_per_recipient", "read units/recipient (goal: 1.0)", 3),
    ("sqs_requests_per_recipient", "SQS requests/recipient", 3),
    ("sender_billed_ms_per_recipient", "senders, billed ms/recipient", 2),
    ("smtp_source_messages_per_s", "smtp-source -s 16 -d, messages/s", 0),
    ("smtp_source_cpu_us_per_message", "smtp-source, CPU us/message", 1),
    ("inbox_cpu_us_per_message", "inbox under smtp-source, CPU us/message", 1),
];

impl Report {
    /// A report of `runs`, which were made with `options`.
    #[must_use]
    pub fn new(options: Options, runs: &[(Measured, Outcome)]) -> Self {
        let figures = runs.iter().map(|(measured, _)| measured.into()).collect();
        let outcomes = runs.iter().map(|(_, outcome)| outcome.clone()).collect();
        let bills = runs.iter().map(|(measured, _)| measured.into()).collect();
        Self { options, figures, outcomes, bills }
    }

    /// Whether in every run everybody got it exactly once.
    #[must_use]
    pub fn is_exactly_once(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.is_exactly_once(self.options.recipients))
    }

    /// The medians on top, each run's own figures below `runs`.
    #[must_use]
    pub fn json(&self) -> Value {
        let runs = self.figures.iter().zip(&self.outcomes).zip(&self.bills);
        let run = |((figures, outcome), bill): ((&Figures, &Outcome), &Bill)| json!({ "figures": figures, "outcome": outcome, "bill": bill });
        let runs: Vec<Value> = runs.map(run).collect();
        let mut report = Map::new();
        report.insert("benchmark".into(), "campaign".into());
        report.insert("options".into(), json!(self.options));
        report.insert("cores".into(), machine::cores().into());
        report.insert("exactly_once".into(), self.is_exactly_once().into());
        report.extend(medians(&self.figures));
        report.insert("runs".into(), runs.into());
        report.into()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { recipients, concurrency, rate, batch_size, max_conns, .. } = &self.options;
        let (runs, cores) = (self.figures.len(), machine::cores());
        writeln!(f, "{recipients} recipients, {concurrency} senders, {max_conns} connections each,")?;
        writeln!(
            f,
            "batches of {batch_size}, at most {rate} messages/s each; medians of {runs} on {cores} cores"
        )?;
        let medians = medians(&self.figures);
        for (name, label, digits) in ROWS {
            match medians.get(name).and_then(Value::as_f64) {
                Some(value) => writeln!(f, "{label:<42}{value:>12.digits$}")?,
                None => writeln!(f, "{label:<42}{:>12}", "-")?,
            }
        }
        if medians.get("smtp_source_messages_per_s").is_none_or(Value::is_null) {
            writeln!(f, "smtp-source is not installed (Debian package postfix): there is no yardstick.")?;
        }
        for (run, outcome) in self.outcomes.iter().enumerate() {
            write_outcome(f, run + 1, outcome, *recipients)?;
        }
        Ok(())
    }
}

fn write_outcome(f: &mut fmt::Formatter<'_>, run: usize, outcome: &Outcome, people: u64) -> fmt::Result {
    write!(f, "run {run}: {}", outcome.status)?;
    for (state, count) in outcome.states.iter().filter(|(_, count)| **count > 0) {
        write!(f, ", {count} {state}")?;
    }
    let verdict = if outcome.is_exactly_once(people) { "everybody exactly once" } else { "NOT exactly once" };
    writeln!(
        f,
        "; inbox: {} messages, {} people with one; {verdict}",
        outcome.inbox_messages, outcome.inbox_once
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::measured;
    use std::collections::BTreeMap;

    fn report(inbox_once: u64) -> Report {
        let options = Options {
            recipients: 1_000,
            concurrency: 2,
            rate: 100,
            batch_size: 100,
            max_conns: 8,
            yardstick_messages: 0,
        };
        let outcome = Outcome {
            status: "finished".into(),
            audience: 1_000,
            states: BTreeMap::from([("accepted".to_owned(), 1_000), ("failed".to_owned(), 0)]),
            inbox_once,
            inbox_messages: 1_000,
        };
        Report::new(options, &[(measured(), outcome)])
    }

    #[test]
    fn every_figure_has_its_row_and_every_row_its_figure() {
        let figures = serde_json::to_value(Figures::from(&measured())).unwrap();
        let mut names: Vec<_> = figures.as_object().unwrap().keys().cloned().collect();
        let mut rows: Vec<_> = ROWS.iter().map(|row| row.0.to_owned()).collect();
        names.sort();
        rows.sort();
        assert_eq!(names, rows);
    }

    #[test]
    fn the_table_says_what_is_not_installed_and_who_did_not_get_it_once() {
        let good = report(1_000).to_string();
        assert!(good.contains("recipients/s") && good.contains(" 250\n"), "{good}");
        assert!(good.contains("smtp-source is not installed"), "{good}");
        assert!(good.contains("run 1: finished, 1000 accepted; inbox: 1000 messages"), "{good}");
        assert!(good.contains("everybody exactly once"), "{good}");
        let bad = report(999);
        assert!(!bad.is_exactly_once() && bad.to_string().contains("NOT exactly once"));
        assert_eq!(bad.json()["exactly_once"], false);
    }
}
