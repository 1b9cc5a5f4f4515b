//! One campaign, from a list file to its last recipient.
//!
//! 1. Read and check everything that can be checked without starting anything: what is wrong with the input
//!    is said before anything is made, be it a file or a process.
//! 2. Start the stack, import the list, create the campaign or find the one that was left.
//! 3. Start it and watch it. Ctrl-C pauses it, and a second one stops everything at once.
//! 4. Say how it ended.
//!
//! Everything goes through the HTTP API, as it would from any other client.

mod campaign;
mod client;
mod error;
mod import;
mod input;
mod interrupt;
mod list_file;
mod mbox;
mod output;
mod progress;
mod recipients;
mod summary;
mod usage;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use campaign::View;
use campaign::{Ending, Running};
pub use client::{ApiClient, ClientError};
pub use error::SendError;
use fanmail_domain::settings::largest_batch;
use fanmail_runtime::Chain;
pub use import::Imported;
use input::Input;
pub use input::{probe, provider};
pub use interrupt::Interrupts;
use output::OutFolder;
pub(crate) use output::check_report;
pub(crate) use progress::Progress;
pub(crate) use summary::thousands;
pub use summary::{Report, Summary, Timing};
pub use usage::{Cost, Invoked};

use crate::stack::{FunctionProgram, SHUTDOWN_GRACE, Stack, StackConfig, Storage};

/// What is to be sent, and how.
#[derive(Debug, Clone)]
pub struct SendOptions {
    /// The list file.
    pub list: PathBuf,
    /// The HTML part's template.
    pub template: PathBuf,
    /// The text part's template, if it is not to be derived.
    pub text: Option<PathBuf>,
    /// The subject's template.
    pub subject: String,
    /// The From header.
    pub from: String,
    /// The campaign's name; the template's file name where there is none.
    pub name: Option<String>,
    /// The relay's URL; the inbox where there is none.
    pub smtp: Option<String>,
    /// Senders at a time.
    pub concurrency: u32,
    /// Messages per second of each sender.
    pub rate: u32,
    /// Recipients in one batch.
    pub batch_size: u32,
    /// Connections that each sender keeps open.
    pub max_conns: u32,
    /// Where everything is kept; a temporary folder where there is none.
    pub data_dir: Option<PathBuf>,
    /// Where rejected rows and caught mail are written.
    pub out: PathBuf,
    /// Where the figures are written as JSON.
    pub report: Option<PathBuf>,
    /// Whether the inbox stays open until Ctrl-C.
    pub browse: bool,
}

/// Sends one campaign.
///
/// # Errors
///
/// [`SendError`] if the input or the machine does not allow it; nothing is half done then. A campaign that
/// ran and did not reach everybody is no error: the [`Summary`] says how it ended.
pub async fn run(mut options: SendOptions, program: FunctionProgram) -> Result<Summary, SendError> {
    let interrupts = Interrupts::listen().map_err(SendError::Signal)?;
    let input = input::read(&options)?;
    let config = config(&options, program)?;
    fit_batches(&mut options, &config);
    check_report(options.report.as_deref())?;
    let out = tokio::select! {
        probed = probe(options.smtp.as_deref()) => probed.and_then(|()| OutFolder::make(&options))?,
        () = interrupts.first() => return Err(SendError::Interrupted),
    };
    let stack = Stack::start(config).await?;
    let progress = Progress::new();
    let sent = Send { stack: &stack, options: &options, progress: &progress, interrupts: &interrupts };
    let sent = sent.all(&input).await;
    progress.clear();
    match sent {
        Ok(Sent::Ended(summary)) => {
            out.keep();
            end(stack, &options, *summary, &interrupts).await
        }
        Ok(Sent::LeftRunning(source)) => {
            out.keep();
            let folder = stack.stop_and_keep(Duration::ZERO).await?;
            Err(SendError::LeftRunning { how: how_to_go_on(&options, &folder), source: source.map(Box::new) })
        }
        Err(error) => {
            stack.stop().await;
            Err(error)
        }
    }
}

fn config(options: &SendOptions, program: FunctionProgram) -> Result<StackConfig, SendError> {
    Ok(StackConfig {
        storage: options.data_dir.clone().map_or(Storage::Memory, Storage::Folder),
        provider: provider(options.smtp.as_deref())?,
        concurrency: options.concurrency,
        max_conns: options.max_conns,
        ..StackConfig::new(program)
    })
}

/// Makes batches so small that a sender can end one within its time, and says so.
fn fit_batches(options: &mut SendOptions, config: &StackConfig) {
    let works = config.sender_works();
    let (rate, fits) = (options.rate, largest_batch(options.rate, works));
    if options.batch_size > fits {
        let works_s = works.as_secs();
        eprintln!(
            "fanmail: note: batches of {fits} instead of {}: at {rate} per second a sender ends no more within \
             the {works_s} s that it works at a time",
            options.batch_size
        );
        options.batch_size = fits;
    }
}

/// How sending was left.
enum Sent {
    Ended(Box<Summary>),
    LeftRunning(Option<SendError>),
}

/// One `send` under way.
struct Send<'a> {
    stack: &'a Stack,
    options: &'a SendOptions,
    progress: &'a Progress,
    interrupts: &'a Interrupts,
}

impl Send<'_> {
    async fn all(&self, input: &Input) -> Result<Sent, SendError> {
        let api = ApiClient::new(self.stack.api_url());
        let (imported, found) = tokio::select! {
            prepared = self.prepare(&api, input) => prepared?,
            () = self.interrupts.first() => return Err(SendError::Interrupted),
        };
        let since = Instant::now();
        let running = Running {
            stack: self.stack,
            api: &api,
            progress: self.progress,
            interrupts: self.interrupts,
            path: format!("/api/campaigns/{}", found.id),
        };
        let ending = if found.status == "finished" {
            Ending::Ended(found.clone())
        } else {
            running.to_the_end().await?
        };
        Ok(match ending {
            Ending::Ended(view) => {
                let mut summary = self.summary(view, imported, &found, since.elapsed());
                self.save_recipients(&api, &mut summary).await;
                Sent::Ended(Box::new(summary))
            }
            Ending::LeftRunning(error) => Sent::LeftRunning(error),
        })
    }

    /// Imports the list, and creates the campaign or finds it.
    async fn prepare(&self, api: &ApiClient, input: &Input) -> Result<(Imported, View), SendError> {
        self.progress.say("importing the list …");
        let (list, imported) = import::import(api, self.options, |rows| {
            self.progress
                .say_now_and_then(|| format!("importing the list: {} rows …", thousands(rows as u64)));
        })
        .await?;
        Ok((imported, campaign::find_or_create(api, self.options, input, list).await?))
    }

    fn summary(&self, view: View, imported: Imported, found: &View, elapsed: Duration) -> Summary {
        let mut summary = Summary {
            timing: Timing::of(&view, found, elapsed),
            campaign: view,
            imported,
            cost: Cost::of(self.stack),
            caught: self
                .stack
                .inbox
                .as_ref()
                .map(|inbox| (inbox.accepted(), inbox.recipients().len() as u64)),
            notes: Vec::new(),
            failures: Vec::new(),
        };
        if found.status == "finished" {
            summary.notes.push("This campaign had finished before: nothing was sent now.".to_owned());
        }
        let goes_on = if found.status == "draft" { mbox::Mode::Replace } else { mbox::Mode::Append };
        match self.save_mail(goes_on) {
            Ok(note) => summary.notes.extend(note),
            Err(error) => summary.failures.push(Chain(&error).to_string()),
        }
        if let Some(path) = &self.options.report
            && let Err(error) = output::write_report(path, &summary).map_err(SendError::write(path))
        {
            summary.failures.push(Chain(&error).to_string());
        }
        summary
    }

    /// Writes the list of all recipients, and says where.
    async fn save_recipients(&self, api: &ApiClient, summary: &mut Summary) {
        let path = self.options.out.join("recipients.csv");
        match recipients::write(api, summary.campaign.id, &path).await {
            Ok(count) => {
                let note = format!("The list of all {} recipients is {}.", thousands(count), path.display());
                summary.notes.push(note);
            }
            Err(error) => summary.failures.push(Chain(&error).to_string()),
        }
    }

    /// Writes what the inbox caught into a file, and says where.
    fn save_mail(&self, mode: mbox::Mode) -> Result<Option<String>, SendError> {
        let Some(inbox) = self.stack.inbox.as_ref().filter(|inbox| inbox.accepted() > 0) else {
            return Ok(None);
        };
        let path = self.options.out.join("mail.mbox");
        let written = mbox::write(inbox, &path, mode).map_err(SendError::write(&path))?;
        let first = if written == mbox::MAX_MESSAGES { "The first messages" } else { "The caught mail" };
        let more = if self.options.browse { "" } else { " (--browse opens it in a browser)" };
        Ok(Some(format!("{first} can be read in {}{more}.", path.display())))
    }
}

/// Stops the stack; what a campaign that has not finished needs to go on is kept.
async fn end(
    stack: Stack,
    options: &SendOptions,
    mut summary: Summary,
    interrupts: &Interrupts,
) -> Result<Summary, SendError> {
    if summary.campaign.status == "finished" {
        if let Some(url) = stack.inbox_url().filter(|_| options.browse) {
            eprintln!("The caught mail can be read at {url} until Ctrl-C is pressed.");
            interrupts.first().await;
        }
        stack.stop().await;
    } else {
        let folder = stack.stop_and_keep(SHUTDOWN_GRACE).await?;
        summary.notes.push(format!("To go on: {}.", how_to_go_on(options, &folder)));
    }
    Ok(summary)
}

fn how_to_go_on(options: &SendOptions, folder: &Path) -> String {
    match &options.data_dir {
        Some(_) => "the same command once more".to_owned(),
        None => format!("the same command with --data-dir {}", folder.display()),
    }
}
