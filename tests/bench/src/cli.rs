//! The command line.
//!
//! Exit status: 0 everybody got it exactly once in every run, 1 not, 2 a run could not be made.

mod campaign;
mod coldstart;
mod cost;
mod fanout;
mod function;
mod mailer;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use fanmail_runtime::Chain;

use crate::campaign::BenchError;
use crate::mailer::part::{self, Part};

#[derive(Debug, Parser)]
#[command(name = "fanmail-bench", about = "Measures the stack and the mailer on this machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send one campaign to the inbox, and measure it
    Campaign(campaign::CampaignArgs),
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
    Function(function::FunctionArgs),
    /// Be one of the mailer benchmark's processes
    #[command(hide = true, subcommand)]
    Part(Part),
}

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Campaign(args) => block_on(fanmail::runtime::builder(), campaign::run(args)),
        Command::Mailer(args) => mailer::run(&args),
        Command::Fanout(args) => block_on(fanmail::runtime::builder(), fanout::run(args)),
        Command::Coldstart(args) => coldstart::run(&args),
        Command::Cost(args) => cost::run(&args),
        Command::Part(part) => part::run(part).map_err(BenchError::from),
        // As the functions' own `main`.
        Command::Function(args) => {
            block_on(tokio::runtime::Builder::new_current_thread(), function::run(args))
        }
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

fn write_json(file: &Path, report: &serde_json::Value) -> Result<(), BenchError> {
    std::fs::write(file, format!("{report:#}\n")).map_err(io(&format!("write {}", file.display())))
}

fn io(what: &str) -> impl FnOnce(std::io::Error) -> BenchError {
    let what = what.to_owned();
    move |source| BenchError::Io { what, source }
}
