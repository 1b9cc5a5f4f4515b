//! `fanmail-bench campaign`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use fanmail_domain::settings::{MAX_BATCH_SIZE, MAX_CONNS, MAX_MESSAGE_RATE};

use crate::campaign::{self, BenchError, Options};
use crate::report::Report;

use super::function::functions;
use super::write_json;

/// What the user chose.
#[derive(Debug, Args)]
pub(super) struct CampaignArgs {
    /// People to send to
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    recipients: u64,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Senders at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    concurrency: u32,
    /// Messages per second of each sender
    #[arg(long, default_value_t = MAX_MESSAGE_RATE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_MESSAGE_RATE)))]
    rate: u32,
    /// Recipients in one batch
    #[arg(long, default_value_t = MAX_BATCH_SIZE,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_BATCH_SIZE)))]
    batch_size: u32,
    /// Connections that each sender keeps open
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_CONNS)))]
    max_conns: u32,
    /// Runs, each with a stack of its own; the medians are reported
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    repeat: u32,
    /// Run the functions' deployable binaries, which cargo, `cargo lambda` or `sam build` left here
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Messages of smtp-source
    #[arg(long, value_name = "MESSAGES", default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..))]
    yardstick: u64,
}

/// Measures and reports.
pub(super) async fn run(args: CampaignArgs) -> Result<ExitCode, BenchError> {
    let options = Options {
        recipients: args.recipients,
        concurrency: args.concurrency,
        rate: args.rate,
        batch_size: args.batch_size,
        max_conns: args.max_conns,
        yardstick_messages: args.yardstick,
    };
    let program = functions(args.bin_dir.as_deref())?;
    let mut runs = Vec::new();
    for run in 1..=args.repeat {
        eprintln!("run {run} of {}", args.repeat);
        runs.push(campaign::run(&options, program.clone()).await?);
    }
    let report = Report::new(options, &runs);
    print!("{report}");
    if let Some(file) = args.json {
        write_json(&file, &report.json())?;
    }
    Ok(if report.is_exactly_once() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
