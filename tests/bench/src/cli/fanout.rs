//! `fanmail-bench fanout`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::campaign::BenchError;
use crate::fanout;

use super::function::functions;
use super::{io, write_json};

/// What the user chose.
#[derive(Debug, Args)]
pub(super) struct FanOutArgs {
    /// People to plan
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    recipients: u64,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures and reports.
pub(super) async fn run(args: FanOutArgs) -> Result<ExitCode, BenchError> {
    let figures = fanout::run(args.recipients, functions(None)?).await?;
    print!("{figures}");
    if let Some(file) = &args.json {
        let json = serde_json::to_value(&figures).map_err(|error| io("write the figures")(error.into()))?;
        write_json(file, &json)?;
    }
    Ok(if figures.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
