//! The command line.
//!
//! Exit status: 0 every promise was kept, 1 one was not. Progress goes to standard error, the summary or the
//! trace to standard output.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::fleet::{Summary, run_all};
use crate::run::run as run_seed;
use crate::scenario::Sabotage;

/// How many failing seeds are shown before the rest is not run.
const ENOUGH: usize = 5;

const LONG_ABOUT: &str = "Runs the real engine in simulated worlds, and asks an oracle who knows what the provider took.

One number, the seed, decides everything about a world: people, lists, settings, functions, providers' moods, operators, \
crashes, lost and doubled messages, failed and ambiguous writes, frozen processes, clocks that are off. The same seed is \
the same run, step by step.";

const EXAMPLES: &str = "Examples:
  fanmail-sim --seeds 100000            the first hundred thousand worlds
  fanmail-sim --seeds 1000 --from 5000  worlds 5000 to 5999
  fanmail-sim --seed 4711               one world, every step of it
  fanmail-sim --seeds 500 --sabotage blind-batch-writes
                                        worlds that are broken on purpose: the oracle has to notice

Reading a trace: virtual seconds, who, what. In a batch's line every recipient is a letter: . pending, p preparing,
s submitting, A accepted, ? in doubt, F failed, X skipped.

Exit status: 0 every promise was kept, 1 one was not (the failing seed and the command that replays it are printed).";

#[derive(Debug, Parser)]
#[command(name = "fanmail-sim", about = "Runs the real engine in simulated worlds", long_about = LONG_ABOUT, after_help = EXAMPLES)]
struct Cli {
    /// How many worlds to run
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "seed")]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Run this one world, and print every step of it
    #[arg(long)]
    seed: Option<u64>,
    /// Break every world like this, to see that the oracle notices
    #[arg(long, value_enum)]
    sabotage: Option<Sabotage>,
}

/// Runs the command.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let kept = match cli.seed {
        Some(seed) => replay(seed, cli.sabotage),
        None => run_many(&cli),
    };
    if kept { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Prints every step of one world. Answers whether every promise was kept.
fn replay(seed: u64, sabotage: Option<Sabotage>) -> bool {
    let report = run_seed(seed, sabotage, true);
    print(&report.trace);
    let mut text = String::from("\n");
    for (kind, count) in report.counts.iter() {
        text += &format!("{count:>12} {kind}\n");
    }
    for violation in &report.violations {
        text += &format!("BROKEN {violation}\n");
    }
    if report.violations.is_empty() {
        text += "every promise was kept\n";
    }
    print(&text);
    report.violations.is_empty()
}

fn run_many(cli: &Cli) -> bool {
    let began = Instant::now();
    let said = std::sync::Mutex::new(began);
    let progress = |summary: &Summary| {
        let mut said = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if said.elapsed() >= Duration::from_secs(1) {
            *said = Instant::now();
            eprint!("\r{} of {} worlds, {} broken", summary.runs, cli.seeds, summary.failures.len());
        }
    };
    let summary = run_all(cli.from..cli.from.saturating_add(cli.seeds), cli.sabotage, ENOUGH, progress);
    eprintln!("\r{} of {} worlds in {:.1} s", summary.runs, cli.seeds, began.elapsed().as_secs_f64());
    print(&summarise(&summary, cli.sabotage));
    summary.failures.is_empty()
}

fn summarise(summary: &Summary, sabotage: Option<Sabotage>) -> String {
    let mut text = format!("{:>12} worlds\n", summary.runs);
    for (kind, count) in summary.counts.iter() {
        text += &format!("{count:>12} {kind}\n");
    }
    text += &format!("{:>12} virtual seconds from the end of a storm to the end of its campaign, at most\n", summary.longest_rest_s);
    text += &format!("{:>12} broken\n", summary.failures.len());
    for failure in &summary.failures {
        text += &format!("\nseed {}\n", failure.seed);
        for violation in failure.violations.iter().take(5) {
            text += &format!("  {violation}\n");
        }
        text += &format!("  replay: cargo run --release -p fanmail-sim -- --seed {}{}\n", failure.seed, flag(sabotage));
    }
    text
}

fn flag(sabotage: Option<Sabotage>) -> String {
    let name = sabotage.as_ref().and_then(clap::ValueEnum::to_possible_value);
    name.map_or_else(String::new, |value| format!(" --sabotage {}", value.get_name()))
}

/// Prints; whoever closes the pipe has seen enough.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
