//! One campaign, from a list file to its last recipient.
//!
//! 1. Read and check everything that can be checked without starting anything.
//! 2. Start the stack, import the list, create the campaign or find the one that was left.
//! 3. Start it and watch it. Ctrl-C pauses it.
//! 4. Say how it ended.
//!
//! Everything goes through the HTTP API, as it would from any other client.

mod campaign;
mod client;
mod error;
mod import;
mod input;
mod list_file;
mod mbox;
mod progress;
mod summary;
mod usage;

use std::path::{Path, PathBuf};
use std::time::Instant;

pub use campaign::View;
pub use client::{ApiClient, ClientError};
pub use error::SendError;
pub use import::Imported;
use input::Input;
pub use input::provider;
use progress::Progress;
pub use summary::{Report, Summary};
pub use usage::Cost;

use crate::stack::{FunctionProgram, Stack, StackConfig, Storage};

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
pub async fn run(options: SendOptions, program: FunctionProgram) -> Result<Summary, SendError> {
    let input = input::read(&options)?;
    if let Some(relay) = &options.smtp {
        input::probe(relay).await?;
    }
    let stack = Stack::start(config(&options, program)?).await?;
    let progress = Progress::new();
    let sent = send(&stack, &options, &input, &progress).await;
    progress.clear();
    let mut summary = match sent {
        Ok(summary) => summary,
        Err(error) => {
            stack.stop().await;
            return Err(error);
        }
    };
    if let Some(path) = &options.report {
        write_report(path, &summary)?;
    }
    let paused = summary.campaign.status == "paused";
    if options.browse && !paused {
        browse(&stack).await?;
    }
    if paused {
        let folder = stack.stop_and_keep().await?;
        summary.notes.push(format!("To go on: the same command with --data-dir {}", folder.display()));
    } else {
        stack.stop().await;
    }
    Ok(summary)
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

async fn send(
    stack: &Stack,
    options: &SendOptions,
    input: &Input,
    progress: &Progress,
) -> Result<Summary, SendError> {
    let api = ApiClient::new(stack.api_url());
    progress.say("importing the list …");
    let imported = import::import(&api, options, |rows| {
        progress.say_now_and_then(|| format!("importing the list: {rows} rows …"));
    });
    let (list, imported) = imported.await?;
    let found = campaign::find_or_create(&api, options, input, list).await?;
    let started = Instant::now();
    let ended = campaign::run(&api, &found, progress).await?;
    let mut notes = Vec::new();
    if found.status == "finished" {
        notes.push("This campaign had finished before: nothing was sent now.".to_owned());
    }
    notes.extend(save_mail(stack, options)?);
    Ok(Summary {
        campaign: ended,
        imported,
        elapsed: started.elapsed(),
        cost: Cost::of(stack),
        caught: stack.inbox.as_ref().map(|inbox| (inbox.accepted(), inbox.recipients().len() as u64)),
        notes,
    })
}

/// Writes what the inbox caught into a file, and says where.
fn save_mail(stack: &Stack, options: &SendOptions) -> Result<Option<String>, SendError> {
    let Some(inbox) = stack.inbox.as_ref().filter(|inbox| inbox.accepted() > 0) else { return Ok(None) };
    let path = options.out.join("mail.mbox");
    let written = mbox::write(inbox, &path).map_err(SendError::write(&path))?;
    let first = if written == mbox::MAX_MESSAGES { "The first messages" } else { "The caught mail" };
    let more = if options.browse { String::new() } else { " (--browse opens it in a browser)".to_owned() };
    Ok(Some(format!("{first} can be read in {}{more}.", path.display())))
}

fn write_report(path: &Path, summary: &Summary) -> Result<(), SendError> {
    let json = serde_json::to_string_pretty(&summary.report()).unwrap_or_default();
    std::fs::write(path, json + "\n").map_err(SendError::write(path))
}

async fn browse(stack: &Stack) -> Result<(), SendError> {
    if let Some(url) = stack.inbox_url() {
        eprintln!("The caught mail can be read at {url} until Ctrl-C is pressed.");
        tokio::signal::ctrl_c().await.map_err(SendError::Signal)?;
    }
    Ok(())
}
