//! The `fanmail-sim` command. Wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanmail_sim::cli::run()
}
