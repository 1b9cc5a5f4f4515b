//! `fanmail-bench cost`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::campaign::BenchError;
use crate::cost::lines::{Arch, Deployment, Events};
use crate::cost::prices::{Prices, TABLE};
use crate::cost::{Bill, Report};

use super::{io, write_json};

/// What the user chose.
#[derive(Debug, Args)]
pub(super) struct CostArgs {
    /// A report of `fanmail send --report` or of `fanmail-bench campaign --json`
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// Another price table than the repository's infra/prices.json
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Memory of each function, in MB
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    memory_mb: u32,
    /// Processors of the functions
    #[arg(long, value_enum, default_value = "arm64")]
    arch: Arch,
    /// Events of SES that come back by SNS and SQS
    #[arg(long, value_enum, default_value = "none")]
    events: Events,
    /// Of a thousand recipients, how many bounce or complain; they count with events
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    bounces_per_mille: u32,
    /// Alarms of the deployment
    #[arg(long, default_value_t = 23)]
    alarms: u32,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Prices and reports.
pub(super) fn run(args: &CostArgs) -> Result<ExitCode, BenchError> {
    let bill = Bill::read(&read(&args.report)?)?;
    let table = match &args.prices {
        Some(file) => String::from_utf8_lossy(&read(file)?).into_owned(),
        None => TABLE.to_owned(),
    };
    let deployment = Deployment {
        memory_mb: args.memory_mb,
        arch: args.arch,
        events: args.events,
        bounces_per_mille: args.bounces_per_mille,
    };
    let report = Report::new(&bill, Prices::read(&table)?, deployment, args.alarms)?;
    print!("{report}");
    if let Some(file) = &args.json {
        write_json(file, &report.json())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<Vec<u8>, BenchError> {
    std::fs::read(file).map_err(io(&format!("read {}", file.display())))
}
