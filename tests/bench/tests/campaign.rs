//! The `campaign` benchmark works, small: nothing here is timed.

use std::process::Command;

use serde_json::Value;

const BENCH: &str = env!("CARGO_BIN_EXE_fanmail-bench");

#[test]
fn a_small_campaign_is_measured_and_everybody_gets_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let output = Command::new(BENCH)
        .args(["campaign", "--recipients", "300", "--yardstick", "100", "--json"])
        .arg(&file)
        .output()
        .unwrap();
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{table}\n{errors}");
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["exactly_once"], true);
    assert_eq!(report["options"]["recipients"], 300);
    assert_eq!(report["runs"][0]["outcome"]["states"]["accepted"], 300);
    for figure in [
        "recipients_per_s",
        "seconds",
        "import_rows_per_s",
        "fan_out_recipients_per_s",
        "sender_processes",
        "write_units_per_recipient",
        "read_units_per_recipient",
        "sqs_requests_per_recipient",
        "message_bytes",
    ] {
        assert!(report[figure].as_f64().is_some_and(|value| value > 0.0), "{figure}: {report:#}");
    }
    for figure in [
        "load_before",
        "sender_cpu_us_per_recipient",
        "sender_peak_mb",
        "start_cpu_us_per_recipient",
        "host_cpu_us_per_recipient",
        "dynamodb_cpu_us_per_recipient",
        "smtp_source_messages_per_s",
        "smtp_source_cpu_us_per_message",
        "inbox_cpu_us_per_message",
    ] {
        assert!(report.get(figure).is_some(), "{figure}: {report:#}");
    }
    let installed = report["smtp_source_messages_per_s"].is_number();
    assert_eq!(installed, !table.contains("smtp-source is not installed"), "{table}");
}

#[test]
fn functions_are_the_binaries_of_a_folder_where_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["api", "start", "sender", "feedback", "sweeper"] {
        let trace = folder.path().join(format!("{name}.ran"));
        let script = format!("#!/bin/sh\n: > '{}'\nexec '{BENCH}' function {name}\n", trace.display());
        // By another process: a file that a child of this one inherited for writing could not be started.
        let mut shell = Command::new("sh");
        shell
            .args(["-c", r#"printf '%s' "$SCRIPT" > "$1" && chmod 700 "$1""#, "sh"])
            .arg(folder.path().join(name));
        assert!(shell.env("SCRIPT", script).status().unwrap().success());
    }
    let output = Command::new(BENCH)
        .args(["campaign", "--recipients", "50", "--yardstick", "1", "--bin-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["api", "start", "sender"] {
        assert!(folder.path().join(format!("{name}.ran")).is_file(), "{name}");
    }
}

#[test]
fn a_binary_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BENCH).args(["campaign", "--bin-dir"]).arg(folder.path()).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let expected = format!("fanmail-bench: find the binary of api below {}", folder.path().display());
    assert!(errors.contains(&expected), "{errors}");
}
