//! Least privilege: one statement for each thing a function does, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::{Template, list, words};

/// Actions that know no resource (AWS, service authorization reference).
const WITHOUT_RESOURCE: [&str; 3] = ["ses:GetAccount", "xray:PutTelemetryRecords", "xray:PutTraceSegments"];
/// What may stand in a role's resource before and after a `*`: names within the stack.
const WITHIN_THE_STACK: [&str; 3] = [
    ":secret:${AWS::StackName}/*",
    ":parameter/${AWS::StackName}/*",
    ":schedule/${AWS::StackName}/campaign-*",
];
const WRITES: [&str; 4] = ["BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem"];
/// What could change how many senders there are, or what they are.
const STEERING: [&str; 5] = [
    "lambda:PutFunctionConcurrency",
    "lambda:DeleteFunctionConcurrency",
    "lambda:UpdateEventSourceMapping",
    "lambda:UpdateFunctionConfiguration",
    "lambda:PutProvisionedConcurrencyConfig",
];

/// Every statement of every role, with the role's name.
fn statements(template: &Template) -> Vec<(&str, Value)> {
    let roles = template.all("AWS::IAM::Role").map(|(role, _)| role);
    roles
        .flat_map(|role| template.statements(role).into_iter().map(move |statement| (role, statement)))
        .collect()
}

fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or("a statement without a name")
}

/// Actions are named, and each statement says what it is for.
pub(crate) fn actions(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, statement) in statements(template) {
        let sid = sid(&statement);
        for action in list(&statement["Action"]).iter().map(words).filter(|action| action.contains('*')) {
            faults.push(format!("{role} may do {action} in {sid}"));
        }
        if statement["Effect"] != "Allow" || !statement["NotAction"].is_null() {
            faults.push(format!("{role} has {sid}, which does not allow named actions"));
        }
        if statement["Sid"].is_null() {
            faults.push(format!("{role} has {sid}"));
        }
    }
    faults
}

/// Resources are named too; `*` stands only where AWS knows no resource, and for names within the stack.
pub(crate) fn resources(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, statement) in statements(template) {
        let actions: Vec<_> = list(&statement["Action"]).iter().map(words).collect();
        let free = actions.iter().all(|action| WITHOUT_RESOURCE.contains(&action.as_str()));
        for resource in list(&statement["Resource"]).iter().map(words).filter(|name| name.contains('*')) {
            let named = WITHIN_THE_STACK
                .iter()
                .any(|end| resource.ends_with(end) && resource.matches('*').count() == 1);
            let of_none = free && resource == "*";
            if !named && !of_none {
                faults.push(format!(
                    "{role} may do {} to {resource} in {}",
                    actions.join(", "),
                    sid(&statement)
                ));
            }
        }
        if list(&statement["Resource"]).is_empty() {
            faults.push(format!("{role} has {} without a resource", sid(&statement)));
        }
    }
    faults
}

/// Managed policies bring `*`; the only one is what AWS wrote for CodeDeploy.
pub(crate) fn managed_policies(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, properties) in template.all("AWS::IAM::Role") {
        for policy in list(&properties["ManagedPolicyArns"]).iter().map(words) {
            if role != "CodeDeployServiceRole" || !policy.ends_with("/AWSCodeDeployRoleForLambda") {
                faults.push(format!("{role} has the managed policy {policy}"));
            }
        }
    }
    for (_, function) in template.functions() {
        let role = words(&template.properties(&function)["Role"]).replace(".Arn", "");
        if role != function.replace("Function", "Role") {
            faults.push(format!("{function} works as {role}"));
        }
    }
    faults
}

/// People are written by the API, and blocklisted by events; campaigns by everybody.
pub(crate) fn writers(template: &Template) -> Vec<String> {
    let allowed = [
        ("AudienceTable", vec!["ApiRole", "FeedbackRole"]),
        ("CampaignsTable", vec!["ApiRole", "FeedbackRole", "SenderRole", "StartRole", "SweeperRole"]),
    ];
    let mut faults = Vec::new();
    for (table, allowed) in allowed {
        let writers = writers_of(template, table);
        let expected: BTreeSet<String> = allowed.into_iter().map(str::to_owned).collect();
        faults.extend(writers.difference(&expected).map(|role| format!("{role} can write {table}")));
        faults.extend(expected.difference(&writers).map(|role| format!("{role} cannot write {table}")));
    }
    faults
}

fn writers_of(template: &Template, table: &str) -> BTreeSet<String> {
    let writes = |statement: &Value| {
        list(&statement["Action"])
            .iter()
            .any(|action| WRITES.iter().any(|write| words(action).ends_with(write)))
    };
    let of_table =
        |statement: &Value| list(&statement["Resource"]).iter().any(|name| words(name).contains(table));
    let found =
        statements(template).into_iter().filter(|(_, statement)| writes(statement) && of_table(statement));
    found.map(|(role, _)| role.to_owned()).collect()
}

/// Only the API changes how many senders there are, and only of the sender.
pub(crate) fn concurrency(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (role, statement) in statements(template) {
        for action in list(&statement["Action"]).iter().map(words) {
            let resources: Vec<_> = list(&statement["Resource"]).iter().map(words).collect();
            let of_sender = resources.iter().all(|name| name.contains("SenderFunction"));
            if STEERING.contains(&action.as_str()) && !(role == "ApiRole" && of_sender) {
                faults.push(format!("{role} may do {action} to {}", resources.join(", ")));
            }
        }
    }
    faults
}
