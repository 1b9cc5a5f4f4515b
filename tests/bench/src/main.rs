//! The `fanmail-bench` command. Wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanmail_bench::cli::run()
}
