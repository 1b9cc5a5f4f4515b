//! The `mailer` benchmark works, small: nothing here is timed.

use std::process::Command;

use serde_json::Value;

#[test]
fn every_contestant_is_measured_and_every_message_counted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_fanmail-bench"))
        .args(["mailer", "--quick", "--chunking", "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{table}\n{errors}");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["whole"], true);
    for (row, contestant) in [
        ("core", "fanmail"),
        ("core", "lettre"),
        ("rtt_5ms_16", "fanmail"),
        ("rtt_50ms_64", "fanmail"),
        ("ses", "ses_fanmail"),
        ("ses", "ses_sdk"),
    ] {
        let figures = &report["rows"][row]["figures"][contestant];
        let octets = figures["octets_per_message"].as_f64().unwrap_or_default();
        assert!((6_500.0..12_000.0).contains(&octets), "{row}, {contestant}: {figures:#}");
        assert!(figures["messages_per_s"].as_f64().is_some_and(|rate| rate > 0.0), "{row}, {contestant}");
        let run = &report["rows"][row]["runs"][contestant][0];
        assert_eq!(run["messages"], report["rows"][row]["messages"], "{row}, {contestant}: {run:#}");
    }
    assert!(report["rows"]["render"]["us_per_message"].as_f64().is_some_and(|us| us > 0.0));
    let installed = report["rows"]["core"]["figures"]["smtp_source"].is_object();
    assert_eq!(installed, !table.contains("is not installed"), "{table}");
    assert_eq!(installed, report["rows"]["core"]["ratios"]["fanmail_rate_by_smtp_source"].is_number());
}

#[test]
fn rows_can_be_chosen() {
    let output = Command::new(env!("CARGO_BIN_EXE_fanmail-bench"))
        .args(["mailer", "--quick", "--rows", "render"])
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && table.contains("CPU us/message") && !table.contains("connections"),
        "{table}"
    );
}
