//! The command line.
//!
//! Exit status: 0 everybody got it exactly once in every run, 1 not, 2 a run could not be made.

mod coldstart;
mod cost;
mod fanout;
mod mailer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use fanmail::functions::Function;
use fanmail::stack::FunctionProgram;
use fanmail_domain::settings::{MAX_BATCH_SIZE, MAX_CONNS, MAX_MESSAGE_RATE};
use fanmail_runtime::Chain;

use crate::campaign::{self, BenchError, Options};
use crate::mailer::part::{self, Part};
use crate::report::Report;

#[derive(Debug, Parser)]
#[command(name = "fanmail-bench", about = "Measures the stack and the mailer on this machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send one campaign to the inbox, and measure it
    Campaign(CampaignArgs),
    /// Measure rendering and the way to the provider, against every yardstick
    Mailer(mailer::MailerArgs),
    /// Fan one campaign out, without sending it
    Fanout(fanout::FanOutArgs),
    /// Start each function's deployable binary, and measure until it asks for work
    Coldstart(coldstart::ColdStartArgs),
    /// Price what a campaign used
    Cost(cost::CostArgs),
    /// Be one of the functions
    #[command(hide = true)]
    Function {
        /// Which one
        name: Function,
    },
    /// Be one of the mailer benchmark's processes
    #[command(hide = true, subcommand)]
    Part(Part),
}

#[derive(Debug, Args)]
struct CampaignArgs {
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
    /// Messages of smtp-source
    #[arg(long, value_name = "MESSAGES", default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..))]
    yardstick: u64,
}

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Campaign(args) => block_on(tokio::runtime::Builder::new_multi_thread(), measure(args)),
        Command::Mailer(args) => mailer::run(&args),
        Command::Fanout(args) => block_on(tokio::runtime::Builder::new_multi_thread(), fanout::run(args)),
        Command::Coldstart(args) => coldstart::run(&args),
        Command::Cost(args) => cost::run(&args),
        Command::Part(part) => part::run(part).map_err(BenchError::from),
        // As the functions' own `main`.
        Command::Function { name } => block_on(tokio::runtime::Builder::new_current_thread(), function(name)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("fanmail-bench: {}", Chain(&error));
        ExitCode::from(2)
    })
}

fn block_on(
    mut runtime: tokio::runtime::Builder,
    command: impl Future<Output = Result<ExitCode, BenchError>>,
) -> Result<ExitCode, BenchError> {
    runtime.enable_all().build().map_err(io("start a runtime"))?.block_on(command)
}

async fn function(function: Function) -> Result<ExitCode, BenchError> {
    Ok(match function.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanmail-bench function {}: {error}", function.name());
            ExitCode::FAILURE
        }
    })
}

async fn measure(args: CampaignArgs) -> Result<ExitCode, BenchError> {
    let options = Options {
        recipients: args.recipients,
        concurrency: args.concurrency,
        rate: args.rate,
        batch_size: args.batch_size,
        max_conns: args.max_conns,
        yardstick_messages: args.yardstick,
    };
    let program = own_functions()?;
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

/// This program, which becomes each function.
fn own_functions() -> Result<FunctionProgram, BenchError> {
    let path = std::env::current_exe().map_err(io("find the path of the own program"))?;
    Ok(FunctionProgram { path, args: vec!["function".to_owned()] })
}

fn write_json(file: &Path, report: &serde_json::Value) -> Result<(), BenchError> {
    std::fs::write(file, format!("{report:#}\n")).map_err(io(&format!("write {}", file.display())))
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> BenchError {
    let what = what.to_owned();
    move |source| BenchError::Io { what, source }
}
