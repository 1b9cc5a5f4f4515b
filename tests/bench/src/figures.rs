//! From what was measured to figures per recipient and per second. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use fanmail::send::Cost;
use fanmail_lambda_host::FunctionUsage;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::machine::HostCpu;
use crate::smtp_source::Yardstick;

/// What one run measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Recipients asked for.
    pub recipients: u64,
    /// Load average before the run.
    pub load_before: f64,
    /// How long the import took.
    pub import: Duration,
    /// From the start of the campaign until its audience was sealed.
    pub sealed_after: Duration,
    /// From the start of the campaign until it was finished.
    pub finished_after: Duration,
    /// The sender processes.
    pub sender: FunctionUsage,
    /// The start processes.
    pub start: FunctionUsage,
    /// This process, from the start of the campaign to its end.
    pub host: HostCpu,
    /// DynamoDB units and SQS requests.
    pub cost: Cost,
    /// Octets of all messages.
    pub message_bytes: u64,
    /// Postfix's load tool against the same inbox, where it is installed.
    pub yardstick: Option<Yardstick>,
}

/// The figures of one run, or the medians of several. Names end in their unit; `null` was not measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    load_before: f64,
    import_rows_per_s: f64,
    fan_out_recipients_per_s: f64,
    seconds: f64,
    recipients_per_s: f64,
    sender_cpu_us_per_recipient: f64,
    sender_processes: f64,
    sender_peak_mb: f64,
    start_cpu_us_per_recipient: f64,
    host_cpu_us_per_recipient: f64,
    dynamodb_cpu_us_per_recipient: f64,
    write_units_per_recipient: f64,
    read_units_per_recipient: f64,
    sqs_requests_per_recipient: f64,
    sender_billed_ms_per_recipient: f64,
    message_bytes: f64,
    smtp_source_messages_per_s: Option<f64>,
    smtp_source_cpu_us_per_message: Option<f64>,
    inbox_cpu_us_per_message: Option<f64>,
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of a benchmark are far below 2^53")]
impl From<&Measured> for Figures {
    fn from(measured: &Measured) -> Self {
        let people = measured.recipients.max(1) as f64;
        let each = |count: u64| count as f64 / people;
        let rate = |time: Duration| people / time.as_secs_f64().max(f64::EPSILON);
        let yardstick = measured.yardstick.as_ref();
        Self {
            load_before: measured.load_before,
            import_rows_per_s: rate(measured.import),
            fan_out_recipients_per_s: rate(measured.sealed_after),
            seconds: measured.finished_after.as_secs_f64(),
            recipients_per_s: rate(measured.finished_after),
            sender_cpu_us_per_recipient: each(measured.sender.cpu_us),
            sender_processes: measured.sender.processes as f64,
            sender_peak_mb: measured.sender.max_peak_rss_kib as f64 / 1024.0,
            start_cpu_us_per_recipient: each(measured.start.cpu_us),
            host_cpu_us_per_recipient: each(measured.host.all_us),
            dynamodb_cpu_us_per_recipient: each(measured.host.dynamodb_us),
            write_units_per_recipient: measured.cost.write_units / people,
            read_units_per_recipient: measured.cost.read_units / people,
            sqs_requests_per_recipient: each(measured.cost.sqs_requests),
            sender_billed_ms_per_recipient: each(billed_ms(&measured.cost, "sender")),
            message_bytes: each(measured.message_bytes),
            smtp_source_messages_per_s: yardstick.map(Yardstick::messages_per_s),
            smtp_source_cpu_us_per_message: yardstick.map(Yardstick::cpu_us_per_message),
            inbox_cpu_us_per_message: yardstick.map(Yardstick::inbox_cpu_us_per_message),
        }
    }
}

fn billed_ms(cost: &Cost, function: &str) -> u64 {
    cost.functions.get(function).map_or(0, |invoked| invoked.billed_ms)
}

/// The median of each figure over `runs`; `null` where no run has it.
#[must_use]
pub fn medians(runs: &[Figures]) -> Map<String, Value> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let runs = runs.iter().filter_map(|figures| serde_json::to_value(figures).ok());
    for (name, value) in runs.flat_map(|figures| figures.as_object().cloned().unwrap_or_default()) {
        values.entry(name).or_default().extend(value.as_f64());
    }
    let median = |(name, values)| (name, median(values).map_or(Value::Null, Value::from));
    values.into_iter().map(median).collect()
}

/// The middle value; of an even number the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use fanmail::send::Invoked;

    pub(crate) fn measured() -> Measured {
        Measured {
            recipients: 1_000,
            load_before: 1.5,
            import: Duration::from_millis(500),
            sealed_after: Duration::from_millis(250),
            finished_after: Duration::from_secs(4),
            sender: FunctionUsage { processes: 2, cpu_us: 150_000, max_peak_rss_kib: 10_240 },
            start: FunctionUsage { processes: 1, cpu_us: 20_000, max_peak_rss_kib: 5_000 },
            host: HostCpu { all_us: 400_000, dynamodb_us: 300_000 },
            cost: Cost {
                write_units: 100.0,
                read_units: 550.0,
                sqs_requests: 30,
                log_bytes: 4_000,
                functions: BTreeMap::from([(
                    "sender".to_owned(),
                    Invoked { invocations: 10, billed_ms: 3_900 },
                )]),
            },
            message_bytes: 9_000_000,
            yardstick: None,
        }
    }

    #[test]
    fn figures_are_per_recipient_and_per_second() {
        let figures = serde_json::to_value(Figures::from(&measured())).unwrap();
        for (name, expected) in [
            ("import_rows_per_s", 2_000.0),
            ("fan_out_recipients_per_s", 4_000.0),
            ("recipients_per_s", 250.0),
            ("sender_cpu_us_per_recipient", 150.0),
            ("sender_peak_mb", 10.0),
            ("start_cpu_us_per_recipient", 20.0),
            ("host_cpu_us_per_recipient", 400.0),
            ("dynamodb_cpu_us_per_recipient", 300.0),
            ("write_units_per_recipient", 0.1),
            ("read_units_per_recipient", 0.55),
            ("sqs_requests_per_recipient", 0.03),
            ("sender_billed_ms_per_recipient", 3.9),
            ("message_bytes", 9_000.0),
        ] {
            assert_eq!(figures[name].as_f64(), Some(expected), "{name}");
        }
        assert!(figures["smtp_source_messages_per_s"].is_null());
    }

    #[test]
    fn the_median_is_taken_figure_by_figure() {
        let run = |seconds, load_before| Measured {
            finished_after: Duration::from_secs(seconds),
            load_before,
            ..measured()
        };
        let runs: Vec<Figures> = [run(4, 3.0), run(9, 1.0), run(5, 2.0)].iter().map(Figures::from).collect();
        let medians = medians(&runs);
        assert_eq!(medians["seconds"].as_f64(), Some(5.0));
        assert_eq!(medians["load_before"].as_f64(), Some(2.0));
        assert!(medians["smtp_source_messages_per_s"].is_null());
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
