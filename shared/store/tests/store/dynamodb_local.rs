//! All of these tests once more, against Amazon's own DynamoDB Local.
//!
//! The embedded engine is somebody's reading of DynamoDB, and so are the tests. Amazon's engine is a second opinion:
//! this binary runs itself under `infra/tools/dynamodb-local`, which says in a variable where that engine is.

use std::path::Path;
use std::process::Command;

use crate::harness::ENDPOINT;

/// What the tool needs; where one is missing there is nothing to run.
const NEEDED: [&str; 3] = ["java", "npm", "python3"];

#[test]
fn the_same_tests_hold_against_dynamodb_local() {
    if std::env::var_os(ENDPOINT).is_some() {
        return; // This is the second run.
    }
    if let Some(missing) = NEEDED.into_iter().find(|tool| !is_installed(tool)) {
        eprintln!("not run against DynamoDB Local: {missing} is not installed");
        return;
    }
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/tools/dynamodb-local");
    let run = Command::new(tool).arg(std::env::current_exe().unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("test result: ok"), "{said}");
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}
