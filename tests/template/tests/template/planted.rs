//! Faults put into the template, and the sentence that each is found with.

use serde_json::{Value, json};

use crate::rules::ALL;
use crate::template::Template;

/// A fault: the rule that finds it, where it is put, what stands there then (null: nothing), and the sentence.
type Fault = (&'static str, &'static str, Value, &'static str);

fn faults() -> Vec<Fault> {
    [queues(), access(), data(), functions(), http(), watching(), parameters()].concat()
}

fn queues() -> Vec<Fault> {
    vec![
        (
            "the senders' limit",
            "/SenderFunctionBatches/Properties/ScalingConfig/MaximumConcurrency",
            json!({ "Ref": "ApiBurst" }),
            "the senders reserve MaxConcurrency or AWS::NoValue and their event source asks for ApiBurst at the most",
        ),
        (
            "the senders' limit",
            "/SenderFunction/Properties/ReservedConcurrentExecutions",
            json!({ "Ref": "MaxConcurrency" }),
            "the senders reserve MaxConcurrency and their event source asks for MaxConcurrency at the most",
        ),
        (
            "the senders' limit",
            "//Parameters/MaxConcurrency/MinValue",
            json!(1),
            "AWS knows no maximum below 2 and MaxConcurrency may be 1",
        ),
        (
            "event sources",
            "/SenderFunctionBatches/Properties/FunctionResponseTypes",
            Value::Null,
            "SenderFunctionBatches does not report what failed of a batch",
        ),
        (
            "event sources",
            "/StartFunctionLanes/Properties/FunctionName",
            json!({ "Ref": "StartFunction" }),
            "StartFunctionLanes passes the alias by",
        ),
        (
            "event sources",
            "/FeedbackFunctionEvents/Properties/ScalingConfig",
            Value::Null,
            "FeedbackFunctionEvents has no maximum",
        ),
        (
            "event sources",
            "/StartFunctionLanes/Properties/BatchSize",
            json!(100),
            "StartFunctionLanes takes more than 10 messages and does not wait for them",
        ),
        (
            "visibility",
            "/SenderFunction/Properties/Timeout",
            json!(61),
            "SenderFunctionBatches: BatchesQueue hides messages for 360 s and SenderFunction may take 61 s",
        ),
        (
            "visibility",
            "/FeedbackQueue/Properties/VisibilityTimeout",
            Value::Null,
            "FeedbackFunctionEvents: FeedbackQueue hides messages for 30 s and FeedbackFunction may take 60 s",
        ),
        (
            "dead letters",
            "/LanesQueue/Properties/RedrivePolicy",
            Value::Null,
            "LanesQueue neither has dead letters nor takes them",
        ),
        (
            "dead letters",
            "/BatchesDeadLetters/Properties/MessageRetentionPeriod",
            json!(604_800),
            "BatchesDeadLetters does not keep dead letters longer than BatchesQueue keeps messages",
        ),
        (
            "receives",
            "/BatchesQueue/Properties/RedrivePolicy/maxReceiveCount",
            json!(5),
            "BatchesQueue gives a message up that was throttled for 1800 s",
        ),
        (
            "receives",
            "/LanesQueue/Properties/MessageRetentionPeriod",
            json!(345_600),
            "LanesQueue forgets a message before it is a dead letter",
        ),
        (
            "sealed queues",
            "/LanesQueue/Properties/SqsManagedSseEnabled",
            Value::Null,
            "LanesQueue is not encrypted",
        ),
        (
            "sealed queues",
            "/FeedbackQueuePolicy/Properties/PolicyDocument/Statement/1/Condition",
            Value::Null,
            "FeedbackQueue can be spoken to without TLS",
        ),
        (
            "sealed queues",
            "/LanesQueue/Properties/FifoQueue",
            json!(true),
            "LanesQueue is not a standard queue",
        ),
    ]
}

fn access() -> Vec<Fault> {
    vec![
        (
            "actions",
            "/StartRole/Properties/Policies/0/PolicyDocument/Statement/2/Action/0",
            json!("dynamodb:*"),
            "StartRole may do dynamodb:* in ReadLists",
        ),
        (
            "actions",
            "/StartRole/Properties/Policies/0/PolicyDocument/Statement/2/Sid",
            Value::Null,
            "StartRole has a statement without a name",
        ),
        (
            "actions",
            "/StartRole/Properties/Policies/0/PolicyDocument/Statement/2/NotAction",
            json!(["dynamodb:Scan"]),
            "StartRole has ReadLists, which does not allow named actions",
        ),
        (
            "resources",
            "/FeedbackRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource",
            json!("*"),
            "FeedbackRole may do dynamodb:GetItem, dynamodb:PutItem to * in BlocklistPeople",
        ),
        (
            "resources",
            "/FeedbackRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource",
            Value::Null,
            "FeedbackRole has BlocklistPeople without a resource",
        ),
        (
            "managed policies",
            "/ApiRole/Properties/ManagedPolicyArns",
            json!(["arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"]),
            "ApiRole has the managed policy arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess",
        ),
        (
            "managed policies",
            "/SweeperFunction/Properties/Role",
            json!({ "Fn::GetAtt": ["ApiRole", "Arn"] }),
            "SweeperFunction works as ApiRole",
        ),
        (
            "who writes what",
            "/SweeperRole/Properties/Policies/0/PolicyDocument/Statement/2/Action",
            json!(["dynamodb:GetItem", "dynamodb:UpdateItem"]),
            "SweeperRole can write AudienceTable",
        ),
        (
            "who writes what",
            "/FeedbackRole/Properties/Policies/0/PolicyDocument/Statement/2/Action",
            json!("dynamodb:GetItem"),
            "FeedbackRole cannot write AudienceTable",
        ),
        (
            "concurrency",
            "/SenderRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            json!("lambda:PutFunctionConcurrency"),
            "SenderRole may do lambda:PutFunctionConcurrency to *",
        ),
    ]
}

fn data() -> Vec<Fault> {
    vec![
        (
            "tables",
            "/AudienceTable/Properties/DeletionProtectionEnabled",
            Value::Null,
            "AudienceTable does not have true at /DeletionProtectionEnabled",
        ),
        (
            "tables",
            "/CampaignsTable/Properties/PointInTimeRecoverySpecification",
            Value::Null,
            "CampaignsTable does not have true at /PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
        ),
        (
            "tables",
            "/CampaignsTable/Properties/AttributeDefinitions/1/AttributeType",
            json!("N"),
            "CampaignsTable has a key of another kind, or an index",
        ),
        ("what stays", "/AudienceTable/DeletionPolicy", json!("Delete"), "AudienceTable goes with the stack"),
        (
            "what stays",
            "/UnsubscribeKey/UpdateReplacePolicy",
            Value::Null,
            "UnsubscribeKey goes with the stack",
        ),
        (
            "names",
            "/EventsTopic/Properties/TopicName",
            json!("fanmail-ses-events"),
            "EventsTopic is called fanmail-ses-events, whatever the stack",
        ),
        ("tags", "/QuotaAlarm/Properties/Tags", json!([]), "QuotaAlarm lacks the tags of costs"),
    ]
}

fn functions() -> Vec<Fault> {
    vec![
        (
            "logs",
            "/ApiFunction/Properties/LoggingConfig/LogGroup",
            json!({ "Ref": "StartLogs" }),
            "ApiFunction has no log group of its own",
        ),
        (
            "logs",
            "/ApiFunction/Properties/LoggingConfig/LogFormat",
            json!("Text"),
            "ApiFunction does not write JSON",
        ),
        ("logs", "/SenderFunction/Properties/TracingConfig", Value::Null, "SenderFunction is not traced"),
        (
            "logs",
            "/AccessLogs/Properties/RetentionInDays",
            Value::Null,
            "AccessLogs keeps everything for ever",
        ),
        (
            "deployment",
            "/SenderFunctionDeploymentGroup/Properties/AlarmConfiguration",
            Value::Null,
            "no alarm of SenderFunction stops its deployment",
        ),
        (
            "deployment",
            "/StartFunctionAliaslive/UpdatePolicy",
            Value::Null,
            "StartFunction is not deployed gradually",
        ),
        (
            "deployment",
            "/StartFunction/Properties/Runtime",
            json!("provided.al9"),
            "StartFunction is not what is built, or not called what others call it",
        ),
        (
            "schedules",
            "/SweeperFunctionTick/Properties/Name",
            json!("sweep"),
            "SweeperFunctionTick is called alike in every stack",
        ),
        (
            "schedules",
            "/SweeperFunctionTick/Properties/GroupName",
            Value::Null,
            "SweeperFunctionTick is outside the stack's group",
        ),
        (
            "schedules",
            "/SweeperFunctionTick/Properties/Target/DeadLetterConfig",
            Value::Null,
            "SweeperFunctionTick has no dead letters",
        ),
        (
            "schedules",
            "/SweeperFunctionTick/Properties/ScheduleExpression",
            json!("rate(1 hour)"),
            "nothing sweeps each minute",
        ),
        (
            "environment",
            "/SweeperFunction/Properties/Environment/Variables/FANMAIL_LANES_QUEUE_URL",
            Value::Null,
            "SweeperFunction is not given FANMAIL_LANES_QUEUE_URL",
        ),
        (
            "environment",
            "/FeedbackFunction/Properties/Environment/Variables/FANMAIL_PROVIDER",
            json!("ses"),
            "FeedbackFunction is given FANMAIL_PROVIDER, which it does not read",
        ),
        (
            "senders",
            "/SenderFunction/Properties/Timeout",
            json!(120),
            "the API takes the senders to work 42 s of their 120 s",
        ),
        (
            "senders",
            "//Parameters/MaxConcurrency/Default",
            json!(2),
            "the settings begin with 10 senders, the template with Some(2)",
        ),
    ]
}

fn http() -> Vec<Fault> {
    vec![
        (
            "public paths",
            "/HealthRoute/Properties/RouteKey",
            json!("GET /health"),
            "GET /api/health does not stand apart",
        ),
        (
            "public paths",
            "/ApiStage/Properties/RouteSettings",
            Value::Null,
            "ANY /unsubscribe/{proxy+} has no throttle of its own",
        ),
        (
            "public paths",
            "/ApiStage/Properties/DefaultRouteSettings",
            Value::Null,
            "the API is not throttled",
        ),
        (
            "public paths",
            "/ApiIntegration/Properties/IntegrationUri",
            json!({ "Ref": "ApiFunction" }),
            "the API passes the alias by",
        ),
        (
            "public paths",
            "/ApiFunction/Properties/Timeout",
            json!(30),
            "the function may take longer than an HTTP API waits",
        ),
        (
            "access log",
            "/ApiStage/Properties/AccessLogSettings/Format",
            json!(r#"{"ip":"$context.identity.sourceIp"}"#),
            "the access log holds identity.sourceIp",
        ),
        (
            "access log",
            "/ApiStage/Properties/AccessLogSettings/Format",
            json!("$context.status"),
            "a line of the access log is not JSON",
        ),
    ]
}

fn watching() -> Vec<Fault> {
    vec![
        (
            "alarms",
            "/QuotaAlarm/Properties/AlarmDescription",
            json!("The quota is nearly used up."),
            "QuotaAlarm does not name docs/runbook.md#quotaalarm.",
        ),
        (
            "alarms",
            "/QuotaAlarm/Properties/AlarmActions",
            Value::Null,
            "QuotaAlarm tells nobody (AlarmActions)",
        ),
        (
            "alarms",
            "/QuotaAlarm/Properties/TreatMissingData",
            Value::Null,
            "QuotaAlarm does not say what silence means",
        ),
        (
            "alarms",
            "/AlarmsTopic/Properties/KmsMasterKeyId",
            json!("alias/aws/sns"),
            "the topic of alarms is encrypted with a key that CloudWatch may not use",
        ),
        (
            "wanted alarms",
            "/BounceRateAlarm/Properties/Threshold",
            json!(5),
            "there is no BounceRateAlarm at 0.05",
        ),
        (
            "metrics",
            "/InDoubtAlarm/Properties/MetricName",
            json!("Doubts"),
            "InDoubtAlarm looks at fanmail Doubts by Stack",
        ),
        (
            "metrics",
            "/InDoubtAlarm/Properties/Dimensions/0/Name",
            json!("Campaign"),
            "InDoubtAlarm looks at fanmail RecipientsInDoubt by Campaign",
        ),
        (
            "metrics",
            "/Dashboard/Properties/DashboardBody",
            json!(
                r#"{"widgets": [{"properties": {"title": "Rate", "metrics": [["fanmail", "Sent", "Stack", "s"]]}}]}"#
            ),
            "the dashboard (Rate) looks at fanmail Sent by Stack",
        ),
        (
            "dashboard",
            "/Dashboard/Properties/DashboardBody",
            json!({ "Fn::Sub": r#"{"widgets": ["# }),
            "the dashboard is not JSON",
        ),
        (
            "dashboard",
            "/Dashboard/Properties/DashboardBody",
            json!(r#"{"widgets": []}"#),
            "the dashboard does not show Cost",
        ),
        (
            "dashboard",
            "/Dashboard/Properties/DashboardBody",
            json!(
                r#"{"widgets": [{"x": 0, "width": 12, "y": 0, "height": 6, "properties": {"title": "Rate"}},
                    {"x": 11, "width": 12, "y": 5, "height": 6, "properties": {"title": "Lag"}}]}"#
            ),
            "Lag lies on another widget",
        ),
    ]
}

fn parameters() -> Vec<Fault> {
    vec![
        ("parameters", "//Parameters/Stage/Description", Value::Null, "Stage has no Description"),
        ("parameters", "//Parameters/AlarmEmail/AllowedPattern", Value::Null, "AlarmEmail takes anything"),
        (
            "parameters",
            "//Metadata/AWS::CloudFormation::Interface/ParameterGroups/0/Parameters",
            json!([]),
            "Stage is in no group",
        ),
    ]
}

/// The template with `value` at `place`: a path below the resources, or below the root if it begins with `//`.
fn with(place: &str, value: &Value) -> Template {
    let mut template = Template::transformed().clone();
    let place = match place.strip_prefix("//") {
        Some(place) => format!("/{place}"),
        None => format!("/Resources{place}"),
    };
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = template.0.pointer_mut(parent).unwrap_or_else(|| panic!("nothing is at {place}"));
    match parent {
        Value::Array(values) => values[key.parse::<usize>().unwrap()] = value.clone(),
        Value::Object(entries) if value.is_null() => drop(entries.remove(key)),
        Value::Object(entries) => drop(entries.insert(key.to_owned(), value.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            panic!("{place} is in no collection")
        }
    }
    template
}

#[test]
fn every_planted_fault_is_found() {
    for (name, place, value, sentence) in faults() {
        let (_, rule) = ALL.iter().find(|(known, _)| *known == name).unwrap();
        let found = rule(&with(place, &value));
        assert!(found.iter().any(|fault| fault == sentence), "{name}: {value} at {place}: {found:?}");
    }
}

#[test]
fn every_rule_has_a_fault_that_it_finds() {
    let unproven: Vec<_> = ALL
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !faults().iter().any(|fault| fault.0 == *name))
        .collect();
    assert_eq!(unproven, Vec::<&str>::new());
}
