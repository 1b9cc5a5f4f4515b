//! The `fanmail-model` command. Wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanmail_model::cli::run()
}
