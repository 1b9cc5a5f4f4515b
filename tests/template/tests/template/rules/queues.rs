//! Queues, and how functions are fed from them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::template::{Template, list, number, words};

/// One parameter is the senders' maximum and, where they are reserved, their number: pollers that asked for more
/// than is reserved would be throttled, and throttled messages count as received.
pub(crate) fn senders_limit(template: &Template) -> Vec<String> {
    let maximum = words(&template.properties("SenderFunctionBatches")["ScalingConfig"]["MaximumConcurrency"]);
    let reserved = &template.properties("SenderFunction")["ReservedConcurrentExecutions"];
    let mut faults = Vec::new();
    if reserved["Fn::If"] != json!(["Reserves", { "Ref": maximum }, { "Ref": "AWS::NoValue" }]) {
        faults.push(format!(
            "the senders reserve {} and their event source asks for {maximum} at the most",
            words(reserved)
        ));
    }
    let least = number(&template.0["Parameters"][&maximum]["MinValue"]).unwrap_or_default();
    if least < 2 {
        faults.push(format!("AWS knows no maximum below 2 and {maximum} may be {least}"));
    }
    faults
}

/// Each event source reports what failed alone, feeds the alias and not the newest code, and is bounded.
pub(crate) fn event_sources(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, source) in template.all("AWS::Lambda::EventSourceMapping") {
        if !list(&source["FunctionResponseTypes"]).contains(&json!("ReportBatchItemFailures")) {
            faults.push(format!("{name} does not report what failed of a batch"));
        }
        if !words(&source["FunctionName"]).ends_with("Aliaslive") {
            faults.push(format!("{name} passes the alias by"));
        }
        if source["ScalingConfig"]["MaximumConcurrency"].is_null() {
            faults.push(format!("{name} has no maximum"));
        }
        let window = number(&source["MaximumBatchingWindowInSeconds"]).unwrap_or_default();
        if number(&source["BatchSize"]).is_none_or(|size| size > 10 && window == 0) {
            faults.push(format!("{name} takes more than 10 messages and does not wait for them"));
        }
    }
    faults
}

/// A hidden message stays hidden for six times as long as the function may take (AWS's advice).
pub(crate) fn visibility(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, source) in template.all("AWS::Lambda::EventSourceMapping") {
        let function = words(&source["FunctionName"]).replace("Aliaslive", "");
        let queue = words(&source["EventSourceArn"]).replace(".Arn", "");
        let timeout = number(&template.properties(&function)["Timeout"]).unwrap_or(u64::MAX / 6);
        let visibility = number(&template.properties(&queue)["VisibilityTimeout"]).unwrap_or(30);
        if visibility < 6 * timeout {
            faults.push(format!(
                "{name}: {queue} hides messages for {visibility} s and {function} may take {timeout} s"
            ));
        }
    }
    faults
}

/// Each queue has dead letters or takes them.
pub(crate) fn dead_letters(template: &Template) -> Vec<String> {
    let takers = takers(template);
    let mut faults = Vec::new();
    for (name, queue) in template.all("AWS::SQS::Queue") {
        let target = target(&queue["RedrivePolicy"]);
        if target.is_none() && !takers.contains(name) {
            faults.push(format!("{name} neither has dead letters nor takes them"));
        }
        let Some(target) = target else { continue };
        let kept = |queue: &Value| number(&queue["MessageRetentionPeriod"]).unwrap_or(345_600);
        if kept(template.properties(&target)) <= kept(queue) {
            faults.push(format!("{target} does not keep dead letters longer than {name} keeps messages"));
        }
    }
    faults
}

/// Queues that somebody sends dead letters to.
fn takers(template: &Template) -> BTreeSet<String> {
    let properties = template.resources().values().map(|resource| &resource["Properties"]);
    properties
        .flat_map(|properties| {
            let failure = words(&properties["DestinationConfig"]["OnFailure"]["Destination"]);
            let schedule = words(&properties["Target"]["DeadLetterConfig"]["Arn"]);
            let named = [failure, schedule].map(|arn| arn.trim_end_matches(".Arn").to_owned());
            named.into_iter().chain(target(&properties["RedrivePolicy"]))
        })
        .collect()
}

fn target(redrive: &Value) -> Option<String> {
    let target = redrive.get("deadLetterTargetArn")?;
    Some(words(target).trim_end_matches(".Arn").to_owned())
}

/// The longest that a message may be throttled without becoming a dead letter: a long weekend, in seconds.
const THROTTLED: u64 = 4 * 24 * 3600;

/// A message that is throttled is received once per visibility time-out, and throttling ends before it has been received
/// as often as makes it a dead letter. What always fails becomes one before it is forgotten.
pub(crate) fn receives(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, queue) in template.all("AWS::SQS::Queue") {
        let Some(most) = number(&queue["RedrivePolicy"]["maxReceiveCount"]) else { continue };
        let lasts = most * number(&queue["VisibilityTimeout"]).unwrap_or(30);
        if lasts < THROTTLED {
            faults.push(format!("{name} gives a message up that was throttled for {lasts} s"));
        }
        if number(&queue["MessageRetentionPeriod"]).unwrap_or(345_600) <= lasts {
            faults.push(format!("{name} forgets a message before it is a dead letter"));
        }
    }
    faults
}

/// Queues are encrypted, refuse whoever speaks without TLS, and are standard ones: fairness is in their groups.
pub(crate) fn sealed(template: &Template) -> Vec<String> {
    let over_tls: BTreeSet<String> = template
        .all("AWS::SQS::QueuePolicy")
        .filter(|(_, policy)| refuses_plain_text(&policy["PolicyDocument"]))
        .flat_map(|(_, policy)| list(&policy["Queues"]))
        .map(|queue| words(&queue))
        .collect();
    let mut faults = Vec::new();
    for (name, queue) in template.all("AWS::SQS::Queue") {
        if queue["SqsManagedSseEnabled"] != true {
            faults.push(format!("{name} is not encrypted"));
        }
        if !over_tls.contains(name) {
            faults.push(format!("{name} can be spoken to without TLS"));
        }
        if !queue["FifoQueue"].is_null() {
            faults.push(format!("{name} is not a standard queue"));
        }
    }
    faults
}

fn refuses_plain_text(policy: &Value) -> bool {
    list(&policy["Statement"]).iter().any(|statement| {
        statement["Effect"] == "Deny" && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
    })
}
