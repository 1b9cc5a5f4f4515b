//! One campaign through the whole stack, measured.
//!
//! 1. A stack in memory; the inbox keeps no bodies, so that nothing waits for a disk.
//! 2. `recipients` people are imported through the store; the campaign is made over the HTTP API.
//! 3. It is started over the HTTP API, and watched until it is finished. The clock runs from the request that
//!    starts it.
//! 4. The inbox is asked who got it, and how often.
//! 5. `smtp-source` sends messages of the same size to the same inbox.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fanmail::send::{ApiClient, ClientError, Cost, View};
use fanmail::stack::{FunctionProgram, Provider, Stack, StackConfig, StackError};
use fanmail_domain::ListId;
use fanmail_engine::ports::PortError;
use fanmail_inbox::{Capabilities, Inbox, InboxConfig};
use fanmail_lambda_host::HostError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::coldstart::ProbeError;
use crate::cost::CostError;
use crate::figures::Measured;
use crate::machine::{self, HostCpu};
use crate::mailer::MailerError;
use crate::{audience, smtp_source};

/// The mail that is sent.
const TEMPLATE: &str = include_str!("../../../examples/welcome.html");
/// How often the campaign is looked at: each look costs an API invocation.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const SAY_EVERY: Duration = Duration::from_secs(5);
/// A campaign that has not ended by then never will.
const GIVE_UP: Duration = Duration::from_secs(1_800);
/// The log is complete once nothing was added for this long.
const LOG_QUIET: Duration = Duration::from_millis(500);

/// What is sent, and how.
#[derive(Debug, Clone, Serialize)]
pub struct Options {
    /// Recipients.
    pub recipients: u64,
    /// Senders at a time.
    pub concurrency: u32,
    /// Messages per second of each sender.
    pub rate: u32,
    /// Recipients in one batch.
    pub batch_size: u32,
    /// Connections that each sender keeps open.
    pub max_conns: u32,
    /// Messages of `smtp-source`.
    pub yardstick_messages: u64,
}

/// How the campaign ended, by its own account and by the inbox's.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// The campaign's status.
    pub status: String,
    /// Recipients planned.
    pub audience: u64,
    /// Recipients by state.
    pub states: BTreeMap<String, u64>,
    /// Recipients that the inbox has exactly one message for.
    pub inbox_once: u64,
    /// Messages in the inbox.
    pub inbox_messages: u64,
}

impl Outcome {
    /// Whether all `recipients` got it exactly once, and ledger and inbox agree.
    #[must_use]
    pub fn is_exactly_once(&self, recipients: u64) -> bool {
        let accepted = self.states.get("accepted").copied().unwrap_or_default();
        self.status == "finished"
            && [self.audience, accepted, self.inbox_once, self.inbox_messages] == [recipients; 4]
    }
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The stack did not start.
    #[error("start the stack")]
    Stack(#[from] StackError),
    /// The audience could not be imported.
    #[error("import the audience")]
    Import(#[source] PortError),
    /// The HTTP API refused or did not answer.
    #[error("talk to the HTTP API")]
    Api(#[from] ClientError),
    /// The campaign neither ended nor stopped.
    #[error("the campaign was still running after {0:?}")]
    Endless(Duration),
    /// `smtp-source` failed.
    #[error("run smtp-source")]
    Yardstick(#[source] std::io::Error),
    /// The mailer could not be measured alone.
    #[error("measure the mailer")]
    Mailer(#[from] MailerError),
    /// The people could not be put into the engine.
    #[error("put people into the DynamoDB engine")]
    Seed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The Lambda host refused.
    #[error("hold the senders back")]
    Host(#[source] HostError),
    /// A function's cold start could not be watched.
    #[error("watch a cold start")]
    ColdStart(#[from] ProbeError),
    /// A campaign could not be priced.
    #[error("price a campaign")]
    Cost(#[from] CostError),
    /// The command's own program or its output file.
    #[error("{what}")]
    Io {
        /// The operation.
        what: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Makes one run.
///
/// # Errors
///
/// [`BenchError`]. A campaign that ended otherwise than exactly once is no error: the [`Outcome`] says so.
pub async fn run(options: &Options, program: FunctionProgram) -> Result<(Measured, Outcome), BenchError> {
    let load_before = machine::load();
    let stack = Stack::start(config(options, program)).await?;
    let measured = measure(&stack, options, load_before).await;
    stack.stop().await;
    measured
}

fn config(options: &Options, program: FunctionProgram) -> StackConfig {
    // As the relays do that people run: Postfix offers CHUNKING unless it is told not to.
    let capabilities = Capabilities { chunking: true, ..Capabilities::default() };
    let inbox = InboxConfig { keep_bodies: false, capabilities, ..InboxConfig::default() };
    StackConfig {
        provider: Provider::Inbox(Box::new(inbox)),
        concurrency: options.concurrency,
        max_conns: options.max_conns,
        ..StackConfig::new(program)
    }
}

async fn measure(
    stack: &Stack,
    options: &Options,
    load_before: f64,
) -> Result<(Measured, Outcome), BenchError> {
    let api = ApiClient::new(stack.api_url());
    let (list, import) = import(stack, &api, options).await?;
    let campaign = create(&api, options, list).await?;
    let host_before = HostCpu::now();
    let (view, times) = watch(&api, campaign).await?;
    let host = HostCpu::now().since(host_before);
    let inbox = stack.inbox.as_ref();
    let outcome = outcome(&view, inbox, options.recipients);
    let message_bytes = inbox.map_or(0, |inbox| inbox.snapshot().bytes);
    let mut measured = Measured {
        recipients: options.recipients,
        load_before,
        import,
        sealed_after: times.sealed,
        finished_after: times.finished,
        sender: stack.host.usage("sender"),
        start: stack.host.usage("start"),
        host,
        cost: settled_cost(stack).await,
        message_bytes,
        yardstick: None,
    };
    if let (Some(tool), Some(inbox)) = (smtp_source::find(), inbox) {
        eprintln!("smtp-source sends {} messages …", options.yardstick_messages);
        let (addr, messages) = (inbox.smtp_addr(), options.yardstick_messages);
        let size = message_bytes / options.recipients.max(1);
        let tool = tokio::task::spawn_blocking(move || smtp_source::run(&tool, addr, messages, size));
        let yardstick = tool.await.map_err(|error| BenchError::Yardstick(error.into()))?;
        measured.yardstick = Some(yardstick.map_err(BenchError::Yardstick)?);
    }
    Ok((measured, outcome))
}

#[derive(Debug, Deserialize)]
struct Created {
    id: u64,
}

async fn import(stack: &Stack, api: &ApiClient, options: &Options) -> Result<(u64, Duration), BenchError> {
    let body = json!({ "name": "bench", "optin": "single" });
    let list: Created = api.send("POST", "/api/lists", &body).await?;
    let started = Instant::now();
    let progress = |rows| {
        if rows % 25_000 == 0 {
            eprintln!("imported {rows} of {} …", options.recipients);
        }
    };
    let imported = audience::import(&stack.store, ListId(list.id), options.recipients, progress).await;
    imported.map_err(BenchError::Import)?;
    Ok((list.id, started.elapsed()))
}

async fn create(api: &ApiClient, options: &Options, list: u64) -> Result<u64, BenchError> {
    let body = json!({
        "name": "bench",
        "subject": "Welcome, {{ subscriber.first_name }}",
        "from_email": "Acme News <news@acme.example>",
        "lists": [list],
        "content_type": "html",
        "body": TEMPLATE,
        "settings": {
            "message_rate": options.rate,
            "batch_size": options.batch_size,
            "max_conns": options.max_conns,
        },
    });
    let campaign: Created = api.send("POST", "/api/campaigns", &body).await?;
    Ok(campaign.id)
}

/// How long it took, counted from the request that starts the campaign.
struct Times {
    sealed: Duration,
    finished: Duration,
}

async fn watch(api: &ApiClient, campaign: u64) -> Result<(View, Times), BenchError> {
    let path = format!("/api/campaigns/{campaign}");
    let started = Instant::now();
    let _: Value = api.send("PUT", &format!("{path}/status"), &json!({ "status": "running" })).await?;
    let (mut sealed, mut said) = (None, started);
    loop {
        let view: View = api.get(&format!("{path}?no_body=true")).await?;
        let now = started.elapsed();
        if view.audience_sealed {
            sealed.get_or_insert(now);
        }
        if view.status != "running" {
            return Ok((view, Times { sealed: sealed.unwrap_or(now), finished: now }));
        }
        if now > GIVE_UP {
            return Err(BenchError::Endless(now));
        }
        if said.elapsed() > SAY_EVERY {
            said = Instant::now();
            eprintln!("sent {} of {} …", view.ended(), view.audience);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn outcome(view: &View, inbox: Option<&Inbox>, recipients: u64) -> Outcome {
    let copies = inbox.map(Inbox::recipients).unwrap_or_default();
    let once = (0..recipients).filter(|n| copies.get(&audience::address(*n)) == Some(&1));
    Outcome {
        status: view.status.clone(),
        audience: view.audience,
        states: view.states.clone(),
        inbox_once: once.count() as u64,
        inbox_messages: copies.values().map(|copies| u64::from(*copies)).sum(),
    }
}

/// The cost, once the last invocations have written theirs into the log.
pub(crate) async fn settled_cost(stack: &Stack) -> Cost {
    let mut cost = Cost::of(stack);
    loop {
        tokio::time::sleep(LOG_QUIET).await;
        let later = Cost::of(stack);
        if (later.write_units, later.read_units) == (cost.write_units, cost.read_units) {
            return cost;
        }
        cost = later;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(accepted: u64, inbox_once: u64, inbox_messages: u64) -> Outcome {
        let states = BTreeMap::from([("accepted".to_owned(), accepted)]);
        Outcome { status: "finished".into(), audience: 5, states, inbox_once, inbox_messages }
    }

    #[test]
    fn exactly_once_means_that_ledger_and_inbox_agree_on_everybody() {
        assert!(outcome(5, 5, 5).is_exactly_once(5));
        assert!(!outcome(4, 5, 5).is_exactly_once(5));
        assert!(!outcome(5, 4, 4).is_exactly_once(5));
        assert!(!outcome(5, 4, 6).is_exactly_once(5));
        assert!(!outcome(5, 5, 6).is_exactly_once(5));
        assert!(!Outcome { status: "paused".into(), ..outcome(5, 5, 5) }.is_exactly_once(5));
        assert!(!outcome(5, 5, 5).is_exactly_once(6));
    }
}
