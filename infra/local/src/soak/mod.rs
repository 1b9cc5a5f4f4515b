//! A soak: campaigns on a stack that is in trouble all the time, and an audit with the inbox as the witness.
//!
//! 1. Start a stack in a temporary folder, its leases short, and import people made up for the purpose.
//! 2. Start a campaign to all of them. Until the time is over, keep killing, freezing, re-tuning, pausing and
//!    purging at random from a [seed](plan); a campaign that ends is followed by the next.
//! 3. End the trouble, and let the last campaign come to its end.
//! 4. [Audit](audit) every campaign, and say what was found.
//!
//! The operator's part goes past the HTTP API, through the same engine: what is struck are the functions that
//! plan, send and recover. Everything that was delivered is kept in memory until the audit, about half a
//! kilobyte each.

mod audit;
mod campaigns;
mod people;
mod plan;
mod report;
mod trouble;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fanmail_domain::{CampaignId, CampaignStatus};
use fanmail_engine::ports::PortError;
use fanmail_inbox::InboxConfig;

use crate::send::{ClientError, Interrupts, Progress, SendError, check_report, thousands};
use crate::stack::{FunctionProgram, Provider, SHUTDOWN_GRACE, Stack, StackConfig, StackError};
use campaigns::{Campaigns, Standing};
use plan::{MAX_SENDERS, Plan};
pub use report::Report;
pub use trouble::Strokes;
use trouble::Trouble;

/// How long one invocation may take, so that leases end and begin anew many times in a soak.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Shared out over all steps of a message: 3 s for the reply to its end, which fits into what a sender keeps in
/// reserve of [`TIMEOUT`].
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(20);
/// How often the sweeper looks.
const SWEEP_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(100);
/// How often the campaign is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A campaign that brings nobody to an end for so long after the trouble is stuck: several leases, and the
/// longest that a batch waits before it is handed on.
const STUCK_AFTER: Duration = Duration::from_secs(150);

/// What a soak is told.
#[derive(Debug, Clone)]
pub struct SoakOptions {
    /// How long there is trouble.
    pub trouble: Duration,
    /// Recipients of each campaign.
    pub recipients: u32,
    /// What the trouble is drawn from.
    pub seed: u64,
    /// Where the figures are written as JSON.
    pub report: Option<PathBuf>,
}

/// Why a soak did not come to its audit, or what it found could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SoakError {
    /// The arguments or the machine do not allow it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The stack cannot be started, or refuses an operator's request.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// An API does not do what it is asked for.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A port stayed silent.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A campaign that was started is not there.
    #[error("campaign {0} is gone")]
    Vanished(CampaignId),
}

impl SoakError {
    /// Whether the arguments are at fault, and nothing was begun.
    #[must_use]
    pub fn is_wrong_input(&self) -> bool {
        matches!(self, Self::Send(error) if error.is_wrong_input())
    }
}

/// Soaks, and answers what was found.
///
/// # Errors
///
/// [`SoakError`] if it could not be begun or not be audited. A promise that broke is no error: the [`Report`]
/// says so, and the stack's folder is kept for whoever wants to know why.
pub async fn run(options: SoakOptions, program: FunctionProgram) -> Result<Report, SoakError> {
    let interrupts = Interrupts::listen().map_err(SendError::Signal)?;
    check_report(options.report.as_deref())?;
    let since = Instant::now();
    let stack = Stack::start(config(program)).await.map_err(SendError::from)?;
    eprintln!("soaking with --seed {}", options.seed);
    let progress = Progress::new();
    let soaked = soak(&stack, &options, &progress, &interrupts).await;
    progress.clear();
    let mut report = match soaked {
        Ok(report) => Report { seconds: since.elapsed().as_secs_f64(), ..report },
        Err(error) => {
            stack.stop_within(Duration::ZERO).await;
            return Err(error);
        }
    };
    if report.held {
        stack.stop().await;
    } else {
        let folder = stack.stop_and_keep(SHUTDOWN_GRACE).await?;
        report.problems.push(format!("The stack's data and logs were kept in {}.", folder.display()));
    }
    if let Some(path) = &options.report {
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from);
        json.and_then(|json| fs::write(path, json + "\n")).map_err(SendError::write(path))?;
    }
    Ok(report)
}

fn config(program: FunctionProgram) -> StackConfig {
    let inbox = InboxConfig {
        keep_bodies: false,
        keep_headers: vec![audit::PLACE.to_owned()],
        ..InboxConfig::default()
    };
    StackConfig {
        provider: Provider::Inbox(Box::new(inbox)),
        concurrency: MAX_SENDERS,
        timeout: TIMEOUT,
        submit_timeout: SUBMIT_TIMEOUT,
        sweep_every: SWEEP_EVERY,
        ..StackConfig::new(program)
    }
}

async fn soak(
    stack: &Stack,
    options: &SoakOptions,
    progress: &Progress,
    interrupts: &Interrupts,
) -> Result<Report, SoakError> {
    let people = people::made_up(options.recipients);
    let list = people::import(&stack.store, &people).await?;
    let mut plan = Plan::new(options.seed);
    let first = plan.tuning();
    let mut soak = Soak {
        campaigns: Campaigns::new(stack, list),
        trouble: Trouble::new(stack, plan),
        progress,
        audience: people.len() as u64,
        began: Instant::now(),
        lasts: options.trouble,
    };
    soak.trouble.tune(&soak.campaigns, first).await?;
    let last = soak.make_trouble(interrupts).await?;
    let trouble_s = soak.began.elapsed().as_secs_f64();
    tokio::select! {
        ended = soak.come_to_the_end(last) => ended?,
        () = interrupts.second() => {}
    }
    stack.settle(TIMEOUT).await;
    let ids: Vec<_> = people.iter().map(people::id_of).collect();
    let found = audit::audit(stack, soak.campaigns.started(), &ids).await?;
    let campaigns = soak.campaigns.started().len() as u64;
    let report = Report::new(options.seed, soak.audience, campaigns, soak.trouble.strokes(), found);
    Ok(Report { trouble_s, ..report })
}

/// A soak under way.
struct Soak<'a> {
    campaigns: Campaigns<'a>,
    trouble: Trouble<'a>,
    progress: &'a Progress,
    audience: u64,
    began: Instant,
    lasts: Duration,
}

impl Soak<'_> {
    /// Starts campaigns and strikes until the time is over, or an end is asked for; then takes everything back.
    /// Answers the last campaign.
    async fn make_trouble(&mut self, interrupts: &Interrupts) -> Result<CampaignId, SoakError> {
        let mut on = self.campaigns.start_another().await?;
        let mut looked = Instant::now();
        while self.began.elapsed() < self.lasts {
            // Only the wait can be cut short: a stroke that was begun is remembered, and taken back.
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = interrupts.first() => {
                    eprintln!("ending the trouble; Ctrl-C again audits at once");
                    break;
                }
            }
            self.trouble.go_on(&self.campaigns, on).await?;
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                if self.look(on).await?.status == CampaignStatus::Finished {
                    on = self.campaigns.start_another().await?;
                }
            }
        }
        self.trouble.end(&self.campaigns).await?;
        Ok(on)
    }

    /// Waits until the last campaign has ended, or is stuck: then the audit says who is missing.
    async fn come_to_the_end(&self, last: CampaignId) -> Result<(), SoakError> {
        let (mut ended, mut moved) = (0, Instant::now());
        while moved.elapsed() < STUCK_AFTER {
            let standing = self.look(last).await?;
            if standing.status == CampaignStatus::Finished {
                break;
            }
            if standing.ended > ended {
                (ended, moved) = (standing.ended, Instant::now());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Looks at a campaign and shows how far it is; one that paused by itself is resumed, as an operator would.
    async fn look(&self, id: CampaignId) -> Result<Standing, SoakError> {
        let standing = self.campaigns.look(id).await?;
        if standing.status == CampaignStatus::Paused && !self.trouble.holds(id) {
            self.campaigns.resume(id).await?;
        }
        self.progress.say_now_and_then(|| self.line(id, standing));
        Ok(standing)
    }

    fn line(&self, id: CampaignId, standing: Standing) -> String {
        let Strokes { kills, freezes, retunings, pauses, purges, .. } = self.trouble.strokes();
        let (ended, of, in_doubt) =
            (thousands(standing.ended), thousands(self.audience), thousands(standing.in_doubt));
        let (passed, lasts) = (self.began.elapsed().as_secs(), self.lasts.as_secs());
        format!(
            "{passed} of {lasts} s, campaign {id}: {ended} of {of}, {in_doubt} in doubt; {kills} kills, \
             {freezes} freezes, {retunings} re-tunings, {pauses} pauses, {purges} purges"
        )
    }
}
