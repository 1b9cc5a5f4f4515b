//! The functions themselves: logs, deployment, schedules.

use serde_json::{Value, json};

use crate::template::{Template, list, words};

/// Each function writes JSON into a log group of its own that forgets, and is traced.
pub(crate) fn logs(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (short, name) in template.functions() {
        let function = template.properties(&name);
        let group = words(&function["LoggingConfig"]["LogGroup"]);
        let group = template.properties(&group);
        if words(&group["LogGroupName"]) != format!("/aws/lambda/${{AWS::StackName}}-{short}") {
            faults.push(format!("{name} has no log group of its own"));
        }
        if function["LoggingConfig"]["LogFormat"] != "JSON" {
            faults.push(format!("{name} does not write JSON"));
        }
        if function["TracingConfig"]["Mode"] != "Active" {
            faults.push(format!("{name} is not traced"));
        }
    }
    let kept = template.all("AWS::Logs::LogGroup").filter(|(_, group)| group["RetentionInDays"].is_null());
    faults.extend(kept.map(|(name, _)| format!("{name} keeps everything for ever")));
    faults
}

/// Each function is deployed behind its alias, with an alarm as the brake, on the system and processor that are built for.
pub(crate) fn deployment(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (short, name) in template.functions() {
        let function = template.properties(&name);
        let group = template.properties(&format!("{name}DeploymentGroup"));
        let alarms: Vec<_> =
            list(&group["AlarmConfiguration"]["Alarms"]).iter().map(|alarm| words(&alarm["Name"])).collect();
        if alarms != [format!("{}ErrorsAlarm", name.replace("Function", ""))] {
            faults.push(format!("no alarm of {name} stops its deployment"));
        }
        let alias = &template.resources()[&format!("{name}Aliaslive")];
        if alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"].is_null() {
            faults.push(format!("{name} is not deployed gradually"));
        }
        let built = function["Runtime"] == "provided.al2023"
            && function["Architectures"] == json!([{ "Ref": "Architecture" }]);
        if !built || words(&function["FunctionName"]) != format!("${{AWS::StackName}}-{short}") {
            faults.push(format!("{name} is not what is built, or not called what others call it"));
        }
    }
    faults
}

/// Schedules are in the stack's group under the stack's name, and what they cannot deliver is kept.
pub(crate) fn schedules(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, schedule) in template.all("AWS::Scheduler::Schedule") {
        if !words(&schedule["Name"]).contains("${AWS::StackName}") {
            faults.push(format!("{name} is called alike in every stack"));
        }
        if words(&schedule["GroupName"]) != "ScheduleGroup" {
            faults.push(format!("{name} is outside the stack's group"));
        }
        if schedule["Target"]["DeadLetterConfig"].is_null() {
            faults.push(format!("{name} has no dead letters"));
        }
    }
    let sweeps = |(_, schedule): (&str, &Value)| {
        schedule["ScheduleExpression"] == "rate(1 minute)"
            && words(&schedule["Target"]["Arn"]) == "SweeperFunctionAliaslive"
    };
    if !template.all("AWS::Scheduler::Schedule").any(sweeps) {
        faults.push("nothing sweeps each minute".to_owned());
    }
    faults
}
