//! The `fanmail` command. Wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanmail::cli::run()
}
