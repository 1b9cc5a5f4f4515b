//! The command line.
//!
//! Exit status: 0 every promise was kept, 1 one was not. Progress goes to standard error, the summary or the
//! trace to standard output.

use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum as _};

use crate::fleet::{Summary, run_all};
use crate::oracle::Promise;
use crate::run::{Twist, run as run_seed};
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
    /// Say nothing of this promise; may be given several times
    #[arg(long, value_enum, value_name = "PROMISE")]
    except: Vec<Promise>,
}

/// Runs the command.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let twist = Twist { sabotage: cli.sabotage, except: cli.except.clone() };
    let kept = match cli.seed {
        Some(seed) => replay(seed, &twist),
        None => run_many(cli.from..cli.from.saturating_add(cli.seeds), &twist),
    };
    if kept { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Prints every step of one world. Answers whether every promise was kept.
fn replay(seed: u64, twist: &Twist) -> bool {
    let report = run_seed(seed, twist, true);
    print(&report.trace);
    let counts = report.counts.iter().map(|(kind, count)| format!("{count:>12} {kind}\n"));
    let broken = report.violations.iter().map(|violation| format!("BROKEN {violation}\n"));
    let text: String = ["\n".to_owned()].into_iter().chain(counts).chain(broken).collect();
    print(&text);
    report.violations.is_empty()
}

fn run_many(seeds: Range<u64>, twist: &Twist) -> bool {
    let began = Instant::now();
    let said = Mutex::new(began);
    let all = seeds.end - seeds.start;
    let live = std::io::stderr().is_terminal();
    let progress = |summary: &Summary| {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.elapsed() >= Duration::from_secs(if live { 1 } else { 30 }) {
            *said = Instant::now();
            let end = if live { "\r" } else { "\n" };
            eprint!("{} of {all} worlds, {} broken{end}", summary.runs, summary.failures.len());
        }
    };
    let summary = run_all(seeds, twist, ENOUGH, progress);
    eprintln!("{} of {all} worlds in {:.1} s", summary.runs, began.elapsed().as_secs_f64());
    print(&in_words(&summary, twist));
    summary.failures.is_empty()
}

/// The summary as people read it.
fn in_words(summary: &Summary, twist: &Twist) -> String {
    let mut text = String::new();
    let mut say = |line: String| text += &(line + "\n");
    say(format!("{:>12} worlds", summary.runs));
    for (kind, count) in summary.counts.iter() {
        say(format!("{count:>12} {kind}"));
    }
    let rest_s = summary.longest_rest_s;
    say(format!("{rest_s:>12} virtual seconds from the end of a storm to the end of its campaign, at most"));
    for promise in Promise::value_variants() {
        let broken = summary.failures.iter().filter(|failure| failure.breaks(*promise)).count();
        say(format!("{broken:>12} broke: {promise}"));
    }
    for failure in &summary.failures {
        say(format!("\nseed {}", failure.seed));
        failure.violations.iter().take(5).for_each(|violation| say(format!("  {violation}")));
        say(format!(
            "  replay: cargo run --release -p fanmail-sim -- --seed {}{}",
            failure.seed,
            flags(twist)
        ));
    }
    text
}

fn flags(twist: &Twist) -> String {
    let name = |value: Option<clap::builder::PossibleValue>| {
        value.map_or_else(String::new, |it| it.get_name().to_owned())
    };
    let sabotage = twist.sabotage.map(|it| format!(" --sabotage {}", name(it.to_possible_value())));
    let except = twist.except.iter().map(|it| format!(" --except {}", name(it.to_possible_value())));
    sabotage.into_iter().chain(except).collect()
}

/// Prints; whoever closes the pipe has seen enough.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
