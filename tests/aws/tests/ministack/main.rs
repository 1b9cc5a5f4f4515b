//! The SAM template on the stand-in for AWS: `sam deploy`, the real functions, and an inbox as the witness.
//!
//! Each test has a stand-in and a stack of its own. They run where python3 and its module venv are
//! installed; the first time the tools are fetched.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; `allow-unwrap-in-tests` leaves out their helpers, and not every file has one"
)]

mod campaign;
mod pause;
mod schedule;
mod senders;

use std::path::PathBuf;

use fanmail_aws_tests::deployment::Bootstraps;
use fanmail_aws_tests::stage::Stage;
use fanmail_aws_tests::tools;

/// A deployed stack for this many senders, or `None` where the tools cannot be had.
async fn stage(senders: u32) -> Option<Stage> {
    if !tools::are_available() {
        eprintln!("not run: python3 or its module venv is not installed");
        return None;
    }
    let program = PathBuf::from(env!("CARGO_BIN_EXE_try-on-ministack"));
    Some(Stage::set(&program, Bootstraps::Program(program.clone()), senders).await.unwrap())
}
