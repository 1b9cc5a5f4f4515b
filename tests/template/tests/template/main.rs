//! What has to hold of `infra/template.yaml` and its neighbours.
//!
//! Linters see less than they promise (each of ours passes faults that another one catches, and some pass all of
//! them), so the template goes through three of them, and then through rules of our own. A rule looks at the plain
//! CloudFormation that SAM makes of the template and answers with one sentence for each fault. `planted` puts
//! faults in and demands the sentence.
//!
//! The tools come from `infra/tools/install sam`, which lays them below `target/` the first time.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod config;
mod linters;
mod planted;
mod rules;
mod template;
mod tools;

use template::Template;

#[test]
fn every_rule_holds() {
    let template = Template::transformed();
    let faults: Vec<_> =
        rules::ALL.iter().flat_map(|(name, rule)| faults_of(name, &rule(template))).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn faults_of(name: &str, faults: &[String]) -> Vec<String> {
    faults.iter().map(|fault| format!("{name}: {fault}")).collect()
}
