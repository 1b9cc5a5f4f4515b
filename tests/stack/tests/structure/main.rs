//! Dependencies point one way, as ARCHITECTURE.md says.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod docs;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Each crate's dependencies, tests aside.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (name(package), of(package))).collect()
}

fn of(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies.filter(|dependency| dependency["kind"].is_null()).map(name).collect()
}

fn name(value: &Value) -> String {
    value["name"].as_str().unwrap().to_owned()
}

fn own(dependencies: &BTreeSet<String>) -> Vec<&str> {
    dependencies.iter().map(String::as_str).filter(|name| name.starts_with("fanmail")).collect()
}

#[test]
fn the_rules_and_the_use_cases_know_no_world() {
    let all = dependencies();
    for (krate, allowed) in [("fanmail-domain", vec![]), ("fanmail-engine", vec!["fanmail-domain"])] {
        assert_eq!(own(&all[krate]), allowed);
        let worldly = ["aws", "tokio", "hyper", "rand", "chrono", "time", "lambda"];
        let known = all[krate].iter().find(|name| worldly.iter().any(|word| name.starts_with(word)));
        assert_eq!(known, None, "{krate}");
    }
}

#[test]
fn adapters_do_not_know_each_other() {
    let all = dependencies();
    let of = |krate: &str| own(&all[krate]).join(" ");
    assert_eq!(of("fanmail-store"), "fanmail-domain fanmail-engine");
    assert_eq!(of("fanmail-queue"), "fanmail-domain fanmail-engine");
    assert_eq!(of("fanmail-mailer"), "fanmail-domain fanmail-engine fanmail-ses fanmail-smtp");
    assert_eq!(of("fanmail-runtime"), "fanmail-domain fanmail-engine fanmail-queue fanmail-store");
}

#[test]
fn feedback_knows_neither_tasks_nor_mail() {
    let all = dependencies();
    assert_eq!(
        own(&all["fanmail-feedback"]).join(" "),
        "fanmail-domain fanmail-engine fanmail-runtime fanmail-store"
    );
}

#[test]
fn leaf_crates_know_nothing_of_fanmail() {
    let all = dependencies();
    for leaf in ["fanmail-smtp", "fanmail-ses", "fanmail-inbox", "fanmail-fair-sqs"] {
        assert_eq!(own(&all[leaf]), Vec::<&str>::new(), "{leaf}");
    }
    // Its queues are the embedded engine's, and that knows nothing of fanmail.
    assert_eq!(own(&all["fanmail-lambda-host"]), ["fanmail-fair-sqs"]);
}

#[test]
fn simulated_ports_are_for_tests_only() {
    let users: Vec<_> = dependencies()
        .into_iter()
        .filter(|(_, dependencies)| dependencies.contains("fanmail-testkit"))
        .map(|(krate, _)| krate)
        .collect();
    assert_eq!(users, Vec::<String>::new());
}
