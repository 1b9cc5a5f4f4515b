//! Alarms, metrics and the dashboard.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::template::{Template, list, words};

/// The metrics that the functions write under the namespace `fanmail` with the dimension `Stack` (docs/logging.md).
const OURS: [&str; 18] = [
    "Accepted",
    "CampaignsPaused",
    "CampaignsRunning",
    "CampaignsStalled",
    "Complaints",
    "Deferred",
    "Deliveries",
    "EventsUnknown",
    "Failed",
    "HardBounces",
    "InDoubt",
    "QuotaUsed",
    "RecipientsInDoubt",
    "RecipientsOpen",
    "Settled",
    "Skipped",
    "SoftBounces",
    "Throttled",
];
/// Those that each function writes with the dimensions `Stack` and `Function`.
const OF_A_FUNCTION: [&str; 3] = ["ReadUnits", "SqsRequests", "WriteUnits"];
/// AWS's own that are looked at, by namespace.
const AWS: [(&str, &[&str]); 5] = [
    ("AWS/ApiGateway", &["4xx", "5xx", "Count", "Latency"]),
    ("AWS/DynamoDB", &["ReadThrottleEvents", "WriteThrottleEvents"]),
    ("AWS/Lambda", &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"]),
    ("AWS/SES", &["Reputation.BounceRate", "Reputation.ComplaintRate"]),
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
];
/// What somebody is woken for, and from which value on.
const WANTED: [(&str, &str); 23] = [
    ("ApiErrorsAlarm", "1"),
    ("StartErrorsAlarm", "1"),
    ("SenderErrorsAlarm", "1"),
    ("FeedbackErrorsAlarm", "1"),
    ("SweeperErrorsAlarm", "1"),
    ("ThrottlesAlarm", "1"),
    ("ApiServerErrorsAlarm", "5"),
    ("LanesDeadLettersAlarm", "1"),
    ("BatchesDeadLettersAlarm", "1"),
    ("FeedbackDeadLettersAlarm", "1"),
    ("SchedulesDeadLettersAlarm", "1"),
    ("LanesAgeAlarm", "900"),
    ("BatchesAgeAlarm", "1"),
    ("FeedbackAgeAlarm", "3600"),
    ("SweeperSilentAlarm", "1"),
    ("InDoubtAlarm", "1"),
    ("CampaignStalledAlarm", "1"),
    ("CampaignPausedAlarm", "1"),
    ("FailureRateAlarm", "5"),
    ("TablesThrottledAlarm", "1"),
    ("BounceRateAlarm", "0.05"),
    ("ComplaintRateAlarm", "0.001"),
    ("QuotaAlarm", "80"),
];

/// Each alarm says where to read on, tells the topic, and knows what silence means.
pub(crate) fn alarms(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, alarm) in template.all("AWS::CloudWatch::Alarm") {
        let section = format!("docs/runbook.md#{}.", name.to_lowercase());
        if !words(&alarm["AlarmDescription"]).ends_with(&section) {
            faults.push(format!("{name} does not name {section}"));
        }
        for actions in ["AlarmActions", "OKActions"] {
            if list(&alarm[actions]) != [json!({ "Ref": "AlarmsTopic" })] {
                faults.push(format!("{name} tells nobody ({actions})"));
            }
        }
        if alarm["TreatMissingData"].is_null() {
            faults.push(format!("{name} does not say what silence means"));
        }
    }
    // CloudWatch cannot publish to a topic under the key that AWS manages, and says nothing.
    if !template.properties("AlarmsTopic")["KmsMasterKeyId"].is_null() {
        faults.push("the topic of alarms is encrypted with a key that CloudWatch may not use".to_owned());
    }
    faults
}

/// Those that have to be there, at their thresholds, and no other.
pub(crate) fn wanted_alarms(template: &Template) -> Vec<String> {
    let threshold = |alarm: &Value| alarm["Threshold"].to_string();
    let present: BTreeSet<_> = template
        .all("AWS::CloudWatch::Alarm")
        .map(|(name, alarm)| (name.to_owned(), threshold(alarm)))
        .collect();
    let wanted: BTreeSet<_> =
        WANTED.iter().map(|(name, at)| ((*name).to_owned(), (*at).to_owned())).collect();
    let missing = wanted.difference(&present).map(|(name, at)| format!("there is no {name} at {at}"));
    let other = present.difference(&wanted).map(|(name, at)| format!("{name} at {at} is not written down"));
    missing.chain(other).collect()
}

/// One metric that somebody looks at.
struct Looked {
    by: String,
    namespace: String,
    metric: String,
    dimensions: Vec<String>,
}

/// Alarms and dashboard look at metrics that exist; ours have no campaign and no recipient as a dimension.
pub(crate) fn metrics(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for Looked { by, namespace, metric, dimensions } in looked_at(template) {
        let known = match namespace.as_str() {
            "fanmail" if dimensions == ["Stack"] => OURS.contains(&metric.as_str()),
            "fanmail" if dimensions == ["Stack", "Function"] => OF_A_FUNCTION.contains(&metric.as_str()),
            aws => AWS.iter().any(|(name, metrics)| *name == aws && metrics.contains(&metric.as_str())),
        };
        if !known {
            faults.push(format!("{by} looks at {namespace} {metric} by {}", dimensions.join(", ")));
        }
    }
    faults
}

fn looked_at(template: &Template) -> Vec<Looked> {
    let alarms = template.all("AWS::CloudWatch::Alarm").flat_map(|(name, alarm)| {
        let within = list(&alarm["Metrics"]).into_iter().map(|part| part["MetricStat"]["Metric"].clone());
        let metrics = within.chain([alarm.clone()]).filter(|metric| !metric["MetricName"].is_null());
        metrics.map(|metric| of_alarm(name, &metric)).collect::<Vec<_>>()
    });
    let shown = widgets(template).unwrap_or_default().into_iter().flat_map(|widget| {
        let title = format!("the dashboard ({})", words(&widget["properties"]["title"]));
        list(&widget["properties"]["metrics"])
            .iter()
            .filter_map(|line| of_line(&title, line))
            .collect::<Vec<_>>()
    });
    alarms.chain(shown).collect()
}

fn of_alarm(name: &str, metric: &Value) -> Looked {
    Looked {
        by: name.to_owned(),
        namespace: words(&metric["Namespace"]),
        metric: words(&metric["MetricName"]),
        dimensions: list(&metric["Dimensions"]).iter().map(|dimension| words(&dimension["Name"])).collect(),
    }
}

/// A line of a widget: namespace, metric, names and values of dimensions, options.
fn of_line(by: &str, line: &Value) -> Option<Looked> {
    let texts: Vec<_> = list(line).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let (namespace, metric) = (texts.first()?.clone(), texts.get(1)?.clone());
    Some(Looked {
        by: by.to_owned(),
        namespace,
        metric,
        dimensions: texts.into_iter().skip(2).step_by(2).collect(),
    })
}

fn widgets(template: &Template) -> Option<Vec<Value>> {
    let body = words(&template.properties("Dashboard")["DashboardBody"]);
    let body: Value = serde_json::from_str(&body).ok()?;
    Some(list(&body["widgets"]))
}

/// The dashboard is JSON, shows the four things that a campaign is run by, and nothing lies on something else.
pub(crate) fn dashboard(template: &Template) -> Vec<String> {
    let Some(widgets) = widgets(template) else { return vec!["the dashboard is not JSON".to_owned()] };
    let titles: Vec<_> = widgets.iter().map(|widget| words(&widget["properties"]["title"])).collect();
    let wanted = ["Rate", "Campaigns", "Recipients open", "Lag", "Cost"];
    let missing = wanted.iter().filter(|start| !titles.iter().any(|title| title.starts_with(**start)));
    let mut faults: Vec<_> = missing.map(|start| format!("the dashboard does not show {start}")).collect();
    for (no, widget) in widgets.iter().enumerate() {
        if widgets[..no].iter().any(|other| overlap(widget, other)) {
            faults.push(format!("{} lies on another widget", titles[no]));
        }
    }
    faults
}

fn overlap(a: &Value, b: &Value) -> bool {
    let span = |widget: &Value, at: &str, size: &str| {
        let [at, size] = [at, size].map(|key| widget[key].as_u64().unwrap_or_default());
        (at, at + size)
    };
    let meet = |(from, to): (u64, u64), (other, end): (u64, u64)| from < end && other < to;
    meet(span(a, "x", "width"), span(b, "x", "width")) && meet(span(a, "y", "height"), span(b, "y", "height"))
}
