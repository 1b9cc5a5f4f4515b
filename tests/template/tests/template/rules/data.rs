//! What is stored, what outlives the stack, and what things are called.

use serde_json::{Value, json};

use crate::template::{Template, list, words};

/// Keys as in docs/data-model.md; on demand, restorable, hard to delete by mistake, encrypted.
pub(crate) fn tables(template: &Template) -> Vec<String> {
    let keys =
        json!([{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }]);
    let wanted = [
        ("/KeySchema", keys),
        ("/BillingMode", json!("PAY_PER_REQUEST")),
        ("/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", json!(true)),
        ("/DeletionProtectionEnabled", json!(true)),
        ("/SSESpecification/SSEEnabled", json!(true)),
        ("/TimeToLiveSpecification/Enabled", json!(true)),
    ];
    let mut faults = Vec::new();
    for (name, table) in template.all("AWS::DynamoDB::Table") {
        let wrong = wanted.iter().filter(|(place, value)| table.pointer(place) != Some(value));
        faults.extend(wrong.map(|(place, value)| format!("{name} does not have {value} at {place}")));
        let strings = list(&table["AttributeDefinitions"]).iter().all(|of| of["AttributeType"] == "S");
        if !strings || table.get("GlobalSecondaryIndexes").is_some() {
            faults.push(format!("{name} has a key of another kind, or an index"));
        }
    }
    faults
}

/// Tables and the key of the links survive the stack, and its first failure leaves nothing behind.
pub(crate) fn what_stays(template: &Template) -> Vec<String> {
    let stays = ["AWS::DynamoDB::Table", "AWS::SecretsManager::Secret"];
    let resources = template.resources().iter();
    let kept = resources.filter(|(_, resource)| stays.iter().any(|kind| resource["Type"] == *kind));
    let gone = kept.filter(|(_, resource)| {
        resource["DeletionPolicy"] != "RetainExceptOnCreate" || resource["UpdateReplacePolicy"] != "Retain"
    });
    gone.map(|(name, _)| format!("{name} goes with the stack")).collect()
}

/// Two stacks in one account do not meet: every name begins with the stack's.
pub(crate) fn names(template: &Template) -> Vec<String> {
    let keys = [
        "TableName",
        "QueueName",
        "TopicName",
        "FunctionName",
        "AlarmName",
        "DashboardName",
        "LogGroupName",
        "Name",
    ];
    let mut faults = Vec::new();
    for (name, resource) in template.resources() {
        let refers = ["Permission", "Version", "Alias", "EventInvokeConfig", "EventSourceMapping"];
        if refers.iter().any(|kind| resource["Type"].as_str().is_some_and(|of| of.ends_with(kind))) {
            continue;
        }
        for key in keys {
            let given = &resource["Properties"][key];
            if !given.is_null() && !words(given).contains("AWS::StackName") {
                faults.push(format!("{name} is called {}, whatever the stack", words(given)));
            }
        }
    }
    faults
}

/// Kinds of resources that carry tags and cost something, or hold something.
const TAGGED: [&str; 11] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SecretsManager::Secret",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

/// Each carries the two tags that costs are allocated by.
pub(crate) fn tags(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for kind in TAGGED {
        for (name, properties) in template.all(kind) {
            // SAM's own role cannot be given any.
            let tagged =
                ["fanmail:stack", "fanmail:stage"].iter().all(|tag| has_tag(&properties["Tags"], tag));
            if !tagged && name != "CodeDeployServiceRole" {
                faults.push(format!("{name} lacks the tags of costs"));
            }
        }
    }
    faults
}

fn has_tag(tags: &Value, tag: &str) -> bool {
    tags.get(tag).is_some() || tags.as_array().is_some_and(|tags| tags.iter().any(|of| of["Key"] == tag))
}
