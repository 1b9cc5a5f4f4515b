//! Metrics: one line per invocation on standard output, which CloudWatch makes numbers of.
//!
//! The line is in CloudWatch's *embedded metric format* ([specification]): a JSON object whose member `_aws` says which
//! of the others are metrics, in which namespace, with which dimensions and units. Nobody calls an API for it, and
//! nobody waits. It is written where `FANMAIL_STACK` names the deployment, and nowhere else.
//!
//! What a function counts has the dimension `Stack` alone; what it used, `Stack` and `Function`. No campaign and no
//! recipient is a dimension or a member: the line holds numbers and two names of the deployment, and each set of
//! dimensions costs by the month.
//!
//! Lambda passes the line on as it is: with the JSON log format, whatever a custom runtime writes as a JSON object
//! reaches CloudWatch Logs without another layer around it, and a line without `level` counts as `INFO`
//! ([log levels]). So a function's *application log level* has to stay at `INFO` or below; `FANMAIL_LOG` quietens the
//! other lines.
//!
//! [specification]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
//! [log levels]: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html

use std::io::Write;

use fanmail_domain::Timestamp;
use serde_json::{Map, Value, json};

use crate::usage::Used;
use crate::vars::Vars;

/// The namespace of every metric.
pub const NAMESPACE: &str = "fanmail";

/// Everything that is measured; the variant's name is the metric's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Sender: messages that the provider took responsibility for.
    Accepted,
    /// Sender: recipients that came to a bad end.
    Failed,
    /// Sender: recipients that were left out, by a rule or because the campaign was cancelled.
    Skipped,
    /// Sender: messages of which nobody knows whether they were accepted.
    InDoubt,
    /// Sender: recipients that the provider put off.
    Deferred,
    /// Sender: messages that the provider took from nobody at the moment, for rate, quota or credentials.
    Throttled,
    /// Sender: the provider's quota of 24 hours, how much of it is used.
    QuotaUsed,
    /// Sweeper: campaigns that run.
    CampaignsRunning,
    /// Sweeper: campaigns that the system paused.
    CampaignsPaused,
    /// Sweeper: campaigns that run and do not move.
    CampaignsStalled,
    /// Sweeper: recipients of running and paused campaigns that wait for their end.
    RecipientsOpen,
    /// Sweeper: recipients of running and paused campaigns that are in doubt.
    RecipientsInDoubt,
    /// Api: one-time schedules that could not be made, changed or deleted.
    SchedulesFailed,
    /// Feedback: events of delivery.
    Deliveries,
    /// Feedback: permanent bounces.
    HardBounces,
    /// Feedback: bounces that may be over soon.
    SoftBounces,
    /// Feedback: complaints.
    Complaints,
    /// Feedback: recipients whose state an event changed.
    Settled,
    /// Feedback: events that were not understood.
    EventsUnknown,
    /// Every function: DynamoDB's write units.
    WriteUnits,
    /// Every function: DynamoDB's read units.
    ReadUnits,
    /// Every function: requests to SQS.
    SqsRequests,
}

impl Metric {
    /// The metric's name in CloudWatch.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    /// Its unit, in CloudWatch's words (API reference, `MetricDatum`).
    #[must_use]
    pub fn unit(self) -> &'static str {
        if self == Self::QuotaUsed { "Percent" } else { "Count" }
    }
}

/// Writes the lines of one function.
#[derive(Debug, Clone)]
pub struct Metrics {
    stack: Option<String>,
    function: &'static str,
}

impl Metrics {
    /// Lines of `function` with the stack that `FANMAIL_STACK` names; none where it does not.
    #[must_use]
    pub fn from_vars(vars: &Vars, function: &'static str) -> Self {
        Self { stack: vars.optional("FANMAIL_STACK"), function }
    }

    /// Whether anything is written: what costs something to measure is measured only then.
    #[must_use]
    pub fn are_wanted(&self) -> bool {
        self.stack.is_some()
    }

    /// Writes one invocation's line: what the function counted, and what it used. Zeros are written as well, so that
    /// a sum of nothing is 0 and not a gap.
    pub fn write(&self, now: Timestamp, counted: &[(Metric, f64)], used: &Used) {
        if let Some(line) = self.line(now, counted, used) {
            // The log is the only place to complain to, and it is this one.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }

    /// The line, without its end.
    #[must_use]
    pub fn line(&self, now: Timestamp, counted: &[(Metric, f64)], used: &Used) -> Option<String> {
        let stack = self.stack.as_ref()?;
        let used = [
            (Metric::WriteUnits, used.write_units),
            (Metric::ReadUnits, used.read_units),
            (Metric::SqsRequests, used.sqs_requests as f64),
        ];
        let mut directives = vec![directive(&["Stack", "Function"], &used)];
        if !counted.is_empty() {
            directives.push(directive(&["Stack"], counted));
        }
        let values = counted.iter().chain(&used).map(|(metric, value)| (metric.name(), json!(value)));
        let mut line: Map<String, Value> = values.collect();
        line.insert("Stack".to_owned(), json!(stack));
        line.insert("Function".to_owned(), json!(self.function));
        line.insert("_aws".to_owned(), json!({ "Timestamp": now.0, "CloudWatchMetrics": directives }));
        Some(Value::Object(line).to_string())
    }
}

/// What tells CloudWatch to make metrics of these members.
fn directive(dimensions: &[&str], metrics: &[(Metric, f64)]) -> Value {
    let metrics = metrics.iter().map(|(metric, _)| json!({ "Name": metric.name(), "Unit": metric.unit() }));
    json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CloudWatch calls units (API reference, `MetricDatum`), as far as one might be tempted.
    const UNITS: [&str; 7] = ["Count", "Count/Second", "Percent", "Seconds", "Milliseconds", "Bytes", "None"];

    fn metrics(stack: &str) -> Metrics {
        Metrics::from_vars(&Vars::new([("FANMAIL_STACK".to_owned(), stack.to_owned())]), "sender")
    }

    fn used() -> Used {
        Used { write_units: 2.0, read_units: 0.5, sqs_requests: 3 }
    }

    /// The rules of the specification for a whole line; returns it.
    fn valid(line: &str) -> Value {
        assert!(!line.contains('\n') && line.len() < 1024 * 1024);
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["_aws"]["Timestamp"].is_u64());
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            let names: Vec<_> = directive.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(names, ["Dimensions", "Metrics", "Namespace"]);
            assert!(matches!(directive["Namespace"].as_str(), Some(name) if !name.starts_with("AWS/")));
            for dimension in directive["Dimensions"].as_array().unwrap() {
                let dimension = dimension.as_array().unwrap();
                assert!(dimension.len() <= 30);
                // The value of a dimension is a text of 1 to 1,024 signs.
                let good = |name: &Value| matches!(line[name.as_str().unwrap()].as_str(), Some(text) if (1..=1024).contains(&text.len()));
                assert!(dimension.iter().all(good), "{dimension:?}");
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                let (name, unit) = (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap());
                assert!((1..=255).contains(&name.len()) && name.is_ascii() && UNITS.contains(&unit));
                assert!(line[name].is_f64(), "{name} has no number");
            }
        }
        line
    }

    #[test]
    fn a_line_keeps_the_rules_of_the_format() {
        let counted = [(Metric::Accepted, 100.0), (Metric::QuotaUsed, 12.5)];
        let line = valid(&metrics("mails").line(Timestamp(1_795_336_500_000), &counted, &used()).unwrap());
        assert_eq!((&line["Stack"], &line["Function"]), (&json!("mails"), &json!("sender")));
        assert_eq!((&line["Accepted"], &line["ReadUnits"]), (&json!(100.0), &json!(0.5)));
        let directives = &line["_aws"]["CloudWatchMetrics"];
        assert_eq!(directives[0]["Dimensions"], json!([["Stack", "Function"]]));
        assert_eq!(directives[1]["Dimensions"], json!([["Stack"]]));
        assert_eq!(directives[1]["Namespace"], "fanmail");
        assert_eq!(directives[1]["Metrics"][1], json!({ "Name": "QuotaUsed", "Unit": "Percent" }));
    }

    #[test]
    fn a_function_that_counts_nothing_says_what_it_used() {
        let line = valid(&metrics("mails").line(Timestamp(1), &[], &used()).unwrap());
        assert_eq!(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn nothing_is_written_where_no_stack_is_named() {
        assert_eq!(metrics("").line(Timestamp(1), &[], &used()), None);
        assert!(!metrics("").are_wanted());
    }
}
