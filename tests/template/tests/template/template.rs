//! The template as plain CloudFormation, and how to ask it.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::tools;

/// A template as JSON, with SAM's part carried out.
#[derive(Debug, Clone)]
pub(crate) struct Template(pub(crate) Value);

impl Template {
    /// What SAM makes of `infra/template.yaml`; made once.
    pub(crate) fn transformed() -> &'static Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| {
            let out = tools::output_of("python", &["tests/template/transform.py", "infra/template.yaml"]);
            Self(serde_json::from_str(&out).unwrap())
        })
    }

    pub(crate) fn resources(&self) -> &Map<String, Value> {
        self.0["Resources"].as_object().unwrap()
    }

    /// The resources of one type, by their logical names.
    pub(crate) fn all<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let resources = self.resources().iter().filter(move |(_, resource)| resource["Type"] == kind);
        resources.map(|(name, resource)| (name.as_str(), &resource["Properties"]))
    }

    /// The properties of one resource; null where there is none.
    pub(crate) fn properties(&self, name: &str) -> &Value {
        &self.0["Resources"][name]["Properties"]
    }

    /// The functions: short name (`api`) and logical name (`ApiFunction`).
    pub(crate) fn functions(&self) -> Vec<(String, String)> {
        let names = self.all("AWS::Lambda::Function").map(|(logical, _)| logical);
        names
            .map(|logical| (logical.trim_end_matches("Function").to_lowercase(), logical.to_owned()))
            .collect()
    }

    /// The statements of a role's own policies.
    pub(crate) fn statements(&self, role: &str) -> Vec<Value> {
        let policies = list(&self.properties(role)["Policies"]);
        let statements = policies.iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]));
        statements.map(unless_absent).filter(|statement| !statement.is_null()).collect()
    }
}

/// The elements of a list; of one that is no list, it alone; of nothing, none.
pub(crate) fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        one @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![one.clone()],
    }
}

/// Of a statement that stands there on a condition only, the statement.
fn unless_absent(statement: Value) -> Value {
    match statement.get("Fn::If") {
        Some(choice) => choice[1].clone(),
        None => statement,
    }
}

/// A value in words: `Ref` and `GetAtt` as the names they lead to, `Sub` as its text.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(object) if object.len() == 1 => intrinsic(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

fn intrinsic(object: &Map<String, Value>) -> String {
    let (function, argument) = object.iter().next().unwrap();
    match function.as_str() {
        "Ref" => words(argument),
        "Fn::GetAtt" => list(argument).iter().map(words).collect::<Vec<_>>().join("."),
        "Fn::Sub" => list(argument).first().map(words).unwrap_or_default(),
        "Fn::If" => format!("{} or {}", words(&argument[1]), words(&argument[2])),
        _ => json!(object).to_string(),
    }
}

/// A whole number.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
