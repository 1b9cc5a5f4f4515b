//! The command line.
//!
//! Exit status: 0 every state was visited and every property holds, 1 a property does not hold, 2 the search
//! ended before every state was visited.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Parser, ValueEnum};

use crate::model::Model;
use crate::scope::{Faults, Grain, Rules, Scope};
use crate::search::{ENDS, Limits, Machine, Report, search};

#[derive(Debug, Parser)]
#[command(
    name = "fanmail-model",
    about = "Searches every state of fanmail's protocols on small numbers",
    args_override_self = true,
    after_help = "\
Every number multiplies the states: begin small, and raise one at a time. Faults are budgets for the whole run:
--crashes 2 lets processes die twice, at any two moments.

  fanmail-model                                      two batches, a crash and a freeze: 2 million states
  fanmail-model --batches 1 --pauses 1 --freezes 0   one batch, a crash and a pause
  fanmail-model --batches 1 --freezes 0 --fine       one batch and a crash, every read a step of its own
  fanmail-model --recipients 2 --without fencing     the shortest way to a recipient who gets it twice

In a trace, equal processes are numbered anew in each state: sender 0 of one line may be sender 1 of the next.

Exit status: 0 all properties hold in all states, 1 one does not, 2 --most-states ended the search."
)]
struct Cli {
    #[command(flatten)]
    size: Size,
    #[command(flatten)]
    faults: Budget,
    /// Make each read a step of its own, as in the engine; by default, reads in a row are one step
    #[arg(long)]
    fine: bool,
    /// Take a rule out of the protocols, and see what it is good for
    #[arg(long, value_name = "RULE")]
    without: Vec<Rule>,
    /// End the search, incomplete, once there are more states; 10 million take about 2 GB
    #[arg(long, value_name = "STATES", default_value_t = 50_000_000)]
    most_states: usize,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Size")]
struct Size {
    /// Lanes of the campaign, 1 to 4
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    lanes: u8,
    /// Batches of each lane
    #[arg(long, default_value_t = 2)]
    batches: usize,
    /// Recipients of each batch
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    recipients: usize,
    /// Batches that fan-out writes in one transaction
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    page: usize,
    /// Intents that a sender writes at once
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    window: usize,
    /// Sender processes
    #[arg(long, default_value_t = 2)]
    senders: usize,
    /// Fan-out processes
    #[arg(long, default_value_t = 1)]
    fan_outs: usize,
    /// Leases in a row without an end from which a batch's recipients are prepared one by one
    #[arg(long, value_name = "LEASES")]
    careful_after: Option<u8>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Faults")]
struct Budget {
    /// Processes that die
    #[arg(long, default_value_t = 1)]
    crashes: u8,
    /// Holders that are frozen until their lease has ended, and then go on
    #[arg(long, default_value_t = 1)]
    freezes: u8,
    /// Messages that are delivered twice
    #[arg(long, default_value_t = 0)]
    duplicates: u8,
    /// Messages that are lost
    #[arg(long, default_value_t = 0)]
    losses: u8,
    /// Pauses by the operator
    #[arg(long, default_value_t = 0)]
    pauses: u8,
    /// Messages that the provider rejects, puts off, or leaves without an answer
    #[arg(long, default_value_t = 0)]
    answers: u8,
    /// Processes that run out of time and hand their work on
    #[arg(long, default_value_t = 0)]
    timeouts: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// A write of a batch names the revision that it read
    Fencing,
    /// A write of a lane's plan names the revision that it read
    LaneFencing,
    /// A fan-out sends again only tasks of batches that its own copy of the plan contains
    OwnBatches,
    /// Intents are written before the provider is called
    IntentFirst,
    /// A lane is complete only once it is sealed
    SealedFinish,
    /// A sender looks at the campaign before each window
    LookFirst,
    /// The sweeper takes batches whose lease has ended
    Expiry,
    /// The sweeper has tasks sent again when the queues are idle
    Rewinding,
}

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let model = Model { scope: cli.scope(), rules: cli.rules() };
    println!("{:?}\n{:?}", model.scope, model.rules);
    let began = Instant::now();
    let limits = Limits { states: Some(cli.most_states), ..Limits::default() };
    let report = search(&model, limits);
    print(&model, &report, began.elapsed());
    match (report.violations.is_empty(), report.complete) {
        (false, _) => ExitCode::from(1),
        (true, false) => ExitCode::from(2),
        (true, true) => ExitCode::SUCCESS,
    }
}

impl Cli {
    fn scope(&self) -> Scope {
        let (size, faults) = (&self.size, &self.faults);
        Scope {
            lanes: size.lanes,
            batches: size.batches,
            recipients: size.recipients,
            page: size.page,
            window: size.window,
            senders: size.senders,
            fan_outs: size.fan_outs,
            careful_after: size.careful_after,
            grain: if self.fine { Grain::Fine } else { Grain::Coarse },
            faults: Faults {
                crashes: faults.crashes,
                freezes: faults.freezes,
                duplicates: faults.duplicates,
                losses: faults.losses,
                pauses: faults.pauses,
                answers: faults.answers,
                timeouts: faults.timeouts,
            },
        }
    }

    fn rules(&self) -> Rules {
        let keeps = |rule| !self.without.contains(&rule);
        Rules {
            fencing: keeps(Rule::Fencing),
            lane_fencing: keeps(Rule::LaneFencing),
            own_batches: keeps(Rule::OwnBatches),
            intent_first: keeps(Rule::IntentFirst),
            sealed_finish: keeps(Rule::SealedFinish),
            look_first: keeps(Rule::LookFirst),
            expiry: keeps(Rule::Expiry),
            rewinding: keeps(Rule::Rewinding),
        }
    }
}

fn print(model: &Model, report: &Report, took: Duration) {
    let extent = if report.complete { "all of them" } else { "NOT all of them" };
    println!(
        "{} states ({extent}), {} steps, depth {}, {} good ends, {:.1} s",
        report.states,
        report.steps,
        report.depth,
        report.ends,
        took.as_secs_f64()
    );
    println!("\nmet on the way:");
    for (what, count) in report.sightings.iter() {
        println!("{count:12}  {what}");
    }
    println!("\nproperties:");
    for name in model.properties().iter().map(|property| property.name).chain([ENDS]) {
        let unknown = name == ENDS && !report.complete;
        let Some(violation) = report.violation(name) else {
            println!("  {}  {name}", if unknown { "unknown " } else { "holds   " });
            continue;
        };
        println!("  VIOLATED  {name}, after {} steps:", violation.trace.len());
        for step in &violation.trace {
            println!("              {step}");
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("has to be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("has to be a number".to_owned()),
    }
}
