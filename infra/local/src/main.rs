//! The `fanmail` command. Wiring only.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    fanmail::cli::run().await
}
