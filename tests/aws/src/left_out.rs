//! What of the template the stand-in lacks.
//!
//! Each thing is named here with the reason, taken out of a copy of the template's text, and nothing else is touched: a
//! test holds the deployed resources against the template. The text is changed and not what it means, so that what is
//! deployed can be read beside what was left out.

use std::fmt;

/// A part of the template that the stand-in cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOut {
    /// Which part.
    pub part: Part,
    /// What the stand-in says or does.
    pub why: &'static str,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Part::Resource(what) | Part::Property(what) | Part::Parameter(what)) = self.part;
        write!(f, "{what}: {}", self.why)
    }
}

impl LeftOut {
    /// The logical id, if it is a whole resource.
    #[must_use]
    pub fn resource(&self) -> Option<&'static str> {
        match self.part {
            Part::Resource(id) => Some(id),
            Part::Property(_) | Part::Parameter(_) => None,
        }
    }
}

/// How much is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A resource, by its logical id.
    Resource(&'static str),
    /// A property of functions that stands in one line.
    Property(&'static str),
    /// A parameter's value that stands here instead of its `!Ref`.
    Parameter(&'static str),
}

const NO_MATH: &str = "it knows no alarms over expressions of metrics";

/// Everything that is left out.
pub const LEFT_OUT: [LeftOut; 6] = [
    LeftOut {
        part: Part::Property("DeploymentPreference"),
        why: "it knows no CodeDeploy, which gradual deployments need",
    },
    LeftOut { part: Part::Resource("BatchesAgeAlarm"), why: NO_MATH },
    LeftOut { part: Part::Resource("FailureRateAlarm"), why: NO_MATH },
    LeftOut { part: Part::Resource("TablesThrottledAlarm"), why: NO_MATH },
    LeftOut { part: Part::Resource("ThrottlesAlarm"), why: NO_MATH },
    LeftOut {
        part: Part::Parameter("MaximumConcurrency: !Ref MaxConcurrency"),
        why: "it hands a number on as text, which its own poller cannot read",
    },
];

/// The template without what the stand-in lacks. `max_concurrency` is the parameter's value.
#[must_use]
pub fn adapted(template: &str, max_concurrency: u32) -> String {
    LEFT_OUT.iter().fold(template.to_owned(), |text, left_out| match left_out.part {
        Part::Resource(id) => without_block(&text, &format!("  {id}:")),
        Part::Property(name) => without_lines(&text, &format!("      {name}: ")),
        Part::Parameter(reference) => {
            let property = reference.split_once(':').map_or(reference, |(property, _)| property);
            text.replace(reference, &format!("{property}: {max_concurrency}"))
        }
    })
}

/// The logical ids of the template's resources, apart from those with one of these conditions.
#[must_use]
pub fn resources<'a>(template: &'a str, conditions: &[&str]) -> Vec<&'a str> {
    let section = template.split("\nResources:\n").nth(1).unwrap_or_default();
    let section = section.split("\nOutputs:\n").next().unwrap_or_default();
    let mut found: Vec<&str> = Vec::new();
    for line in section.lines() {
        let id = line.strip_prefix("  ").and_then(|rest| rest.strip_suffix(':'));
        if let Some(id) = id.filter(|id| id.chars().all(char::is_alphanumeric)) {
            found.push(id);
        }
        let condition = line.strip_prefix("    Condition: ");
        if condition.is_some_and(|condition| conditions.contains(&condition)) {
            found.pop();
        }
    }
    found
}

/// The text without the line `head` and what is indented below it.
fn without_block(text: &str, head: &str) -> String {
    let mut inside = false;
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        inside = line.trim_end() == head || inside && (line.starts_with("    ") || line.trim().is_empty());
        if !inside {
            kept.push_str(line);
        }
    }
    kept
}

fn without_lines(text: &str, start: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(start)).collect()
}

#[cfg(test)]
mod tests {
    use super::{LEFT_OUT, LeftOut, adapted, resources, without_block};

    const TEMPLATE: &str = "\
Conditions:
  IsSes: yes

Resources:
  # a comment
  BatchesQueue:
    Type: AWS::SQS::Queue
  ThrottlesAlarm:
    Type: AWS::CloudWatch::Alarm

    Properties: {}
  Identity:
    Type: AWS::SES::ConfigurationSet
    Condition: IsSes
  Sender:
    Properties:
      DeploymentPreference: {Type: !Ref DeploymentType}
      ScalingConfig: {MaximumConcurrency: !Ref MaxConcurrency}

Outputs:
  ApiUrl:
    Value: x
";

    #[test]
    fn only_what_is_named_is_taken_out() {
        let wanted = TEMPLATE
            .replace("  ThrottlesAlarm:\n    Type: AWS::CloudWatch::Alarm\n\n    Properties: {}\n", "")
            .replace("      DeploymentPreference: {Type: !Ref DeploymentType}\n", "")
            .replace("!Ref MaxConcurrency", "3");
        assert_eq!(adapted(TEMPLATE, 3), wanted);
    }

    #[test]
    fn no_resource_is_left_out_but_alarms_over_expressions() {
        let template = include_str!("../../../infra/template.yaml");
        let mut over_expressions = resources(template, &[]);
        over_expressions.retain(|id| {
            let without = without_block(template, &format!("  {id}:"));
            without.matches("\n      Metrics:").count() < template.matches("\n      Metrics:").count()
        });
        let mut named: Vec<&str> = LEFT_OUT.iter().filter_map(LeftOut::resource).collect();
        named.sort_unstable();
        over_expressions.sort_unstable();
        assert_eq!(named, over_expressions);
    }

    #[test]
    fn a_block_ends_where_the_next_begins() {
        assert_eq!(
            without_block("  A:\n    x\n\n  # about B\n  B:\n    y\n", "  A:"),
            "  # about B\n  B:\n    y\n"
        );
    }

    #[test]
    fn resources_of_a_false_condition_do_not_count() {
        assert_eq!(resources(TEMPLATE, &["IsSes"]), ["BatchesQueue", "ThrottlesAlarm", "Sender"]);
    }
}
