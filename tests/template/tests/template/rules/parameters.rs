//! The template's parameters: what whoever deploys is asked.

use serde_json::Value;

use crate::template::Template;

/// Each says what it is for, has a default that lets the guide go on, and says what it takes.
pub(crate) fn parameters(template: &Template) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, parameter) in template.0["Parameters"].as_object().into_iter().flatten() {
        for key in ["Description", "Default"] {
            if parameter[key].is_null() {
                faults.push(format!("{name} has no {key}"));
            }
        }
        let bounds = ["AllowedValues", "AllowedPattern", "MinValue"];
        if bounds.iter().all(|key| parameter[key].is_null()) {
            faults.push(format!("{name} takes anything"));
        }
        if !is_asked(template, name) {
            faults.push(format!("{name} is in no group"));
        }
    }
    faults
}

fn is_asked(template: &Template, name: &str) -> bool {
    let groups = &template.0["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let named = groups.as_array().into_iter().flatten().flat_map(|group| group["Parameters"].as_array());
    named.flatten().any(|parameter| parameter == &Value::from(name))
}
