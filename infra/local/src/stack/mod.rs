//! The stack: engines, functions, API and inbox, started in the order in which they need each other.
//!
//! ```text
//!  HTTP API ─▶ api ──┬─▶ DynamoDB engine ◀── start, sender, feedback, sweeper
//!                    └─▶ SQS engine ─▶ event sources ─▶ start ─▶ SQS ─▶ sender ─▶ inbox or relay
//!   a provider's events ─▶ SQS engine ─▶ event source ─▶ feedback
//!                                           schedule ─▶ sweeper
//! ```
//!
//! The functions are processes of the Lambda host; everything between them and the engines is HTTP, as on
//! AWS. What the stack keeps is in one folder ([`Storage`]); the queues are in memory, for they carry hints
//! only: after a restart the sweeper fills them again from the ledger.

mod config;
mod data_dir;
mod engines;
mod error;
mod functions;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::purge_queue::PurgeQueueError;
use dynoxide::Database;
use fanmail_domain::Settings;
use fanmail_engine::ports::PortError;
use fanmail_inbox::Inbox;
use fanmail_lambda_host::{Host, HostConfig, RustackQueue, gateway, lambda_api};
use fanmail_queue::Queue;
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::vars::Vars;
use fanmail_store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use config::{ApiAuth, FunctionProgram, Provider, StackConfig, Storage};
use data_dir::DataDir;
use engines::{DynamoDb, Sqs};
pub use error::StackError;
use functions::Environment;

use crate::functions::Function;

/// The name of the deployment: its tables and queues begin with it.
pub const NAME: &str = "fanmail";
/// The region that everything claims to be in.
const REGION: &str = "eu-west-1";
/// How long invocations under way may take to end when the stack stops.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// How often [`Stack::settle`] looks.
const SETTLE_LOOK: Duration = Duration::from_millis(20);

/// A running stack.
pub struct Stack {
    data_dir: DataDir,
    dynamodb: DynamoDb,
    sqs: Sqs,
    sqs_client: aws_sdk_sqs::Client,
    servers: JoinSet<()>,
    pollers: [Arc<RustackQueue>; 3],
    api_addr: SocketAddr,
    lambda_addr: SocketAddr,
    inbox_addr: Option<SocketAddr>,
    /// The function processes.
    pub host: Host,
    /// The mail that was caught, where the inbox is the provider.
    pub inbox: Option<Inbox>,
    /// A client of the tables.
    pub store: Store,
    /// A client of the queues.
    pub queue: Queue,
}

impl Stack {
    /// Starts everything. When it answers, the API does too.
    ///
    /// # Errors
    ///
    /// [`StackError`] says in one sentence what is in the way. What was started until then is stopped.
    pub async fn start(config: StackConfig) -> Result<Self, StackError> {
        let api = TcpListener::bind(config.api_addr)
            .await
            .map_err(|source| StackError::ApiPort { addr: config.api_addr, source })?;
        let api_addr = api.local_addr().map_err(StackError::Listen)?;
        let data_dir = DataDir::open(&config.storage)?;
        let dynamodb = DynamoDb::start(data_dir.database().as_deref())?;
        let sqs = Sqs::start().await?;
        let inbox = start_inbox(&config.provider, &data_dir).await?;
        let lambda = TcpListener::bind("127.0.0.1:0").await.map_err(StackError::Listen)?;
        let lambda_addr = lambda.local_addr().map_err(StackError::Listen)?;
        let environment = Environment {
            dynamodb_url: config.dynamodb_url.as_deref().unwrap_or(&dynamodb.url),
            sqs_url: &sqs.url,
            smtp_url: &smtp_url(&config.provider, inbox.as_ref()),
            public_url: &format!("http://{api_addr}"),
            unsubscribe_key: &data_dir.unsubscribe_key()?,
            lambda_url: &format!("http://{lambda_addr}"),
            config: &config,
        };
        let (store, queue, sqs_client) = provision(&dynamodb.url, &environment).await?;
        let host = Host::new(HostConfig { region: REGION.to_owned(), ..HostConfig::default() });
        let senders = settle_concurrency(&store, &config).await?;
        environment.add_functions(&host, &data_dir, senders)?;
        let pollers = environment.add_event_sources(&host, &sqs.provider, senders).await?;
        let mut servers = JoinSet::new();
        serve(&mut servers, &host, lambda, api);
        let inbox_addr = match &inbox {
            Some(inbox) => {
                Some(inbox.serve_http(([127, 0, 0, 1], 0).into()).await.map_err(StackError::Listen)?)
            }
            None => None,
        };
        Ok(Self {
            data_dir,
            dynamodb,
            sqs,
            sqs_client,
            servers,
            pollers,
            api_addr,
            lambda_addr,
            inbox_addr,
            host,
            inbox,
            store,
            queue,
        })
    }

    /// Where the HTTP API answers.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api_addr)
    }

    /// Where the Lambda API answers, for `PutFunctionConcurrency` and its kin.
    #[must_use]
    pub fn lambda_url(&self) -> String {
        format!("http://{}", self.lambda_addr)
    }

    /// Where the caught mail can be read, if the inbox is the provider.
    #[must_use]
    pub fn inbox_url(&self) -> Option<String> {
        self.inbox_addr.map(|addr| format!("http://{addr}/"))
    }

    /// The variables that lead a client to the tables, as a shell takes them before a command.
    #[must_use]
    pub fn client_env(&self) -> String {
        let local = functions::CREDENTIALS;
        let url = self.dynamodb_url();
        format!(
            "AWS_ENDPOINT_URL_DYNAMODB={url} AWS_REGION={REGION} AWS_ACCESS_KEY_ID={local} AWS_SECRET_ACCESS_KEY={local}"
        )
    }

    /// Where the DynamoDB engine answers.
    #[must_use]
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb.url
    }

    /// The DynamoDB engine itself: for measurements that need more people than anybody wants to import.
    #[must_use]
    pub fn database(&self) -> Database {
        self.dynamodb.database.clone()
    }

    /// Where the SQS engine answers.
    #[must_use]
    pub fn sqs_url(&self) -> &str {
        &self.sqs.url
    }

    /// The log of one function.
    #[must_use]
    pub fn log(&self, function: &str) -> PathBuf {
        self.data_dir.log(function)
    }

    /// SQS requests of the event sources so far, as AWS would bill them.
    #[must_use]
    pub fn poller_requests(&self) -> u64 {
        self.pollers.iter().map(|poller| poller.billed_requests()).sum()
    }

    /// Throws away every task that waits on the queues or is hidden, as an operator's `PurgeQueue` does. Answers
    /// whether it has: within 60 seconds of the last time SQS refuses it (AWS API reference, `PurgeQueue`).
    ///
    /// # Errors
    ///
    /// [`StackError`] if the SQS engine does not do it.
    pub async fn purge_queues(&self) -> Result<bool, StackError> {
        for url in functions::queue_urls(&self.sqs.url) {
            match self.sqs_client.purge_queue().queue_url(url).send().await {
                Ok(_) => {}
                Err(error) if is_too_soon(&error) => return Ok(false),
                Err(error) => return Err(StackError::Purge(error.into())),
            }
        }
        Ok(true)
    }

    /// Waits until every invocation of `start` and `sender` that runs now has ended; at most `patience`.
    ///
    /// Answers whether it has: what they did is written down then, in the ledger and in their logs.
    pub async fn settle(&self, patience: Duration) -> bool {
        let mut running = self.running();
        let ended = async {
            while !running.is_empty() {
                tokio::time::sleep(SETTLE_LOOK).await;
                let now = self.running();
                running.retain(|invocation| now.contains(invocation));
            }
        };
        tokio::time::timeout(patience, ended).await.is_ok()
    }

    /// Invocations that run now, each by its process and its number there.
    fn running(&self) -> Vec<(u32, u64)> {
        let functions = [Function::Start, Function::Sender];
        let processes = functions.into_iter().flat_map(|function| self.host.processes(function.name()));
        processes.filter(|it| it.busy).map(|it| (it.pid, it.invocations)).collect()
    }

    /// Stops everything, functions first; a temporary folder is gone then.
    pub async fn stop(self) {
        self.stop_within(SHUTDOWN_GRACE).await;
    }

    /// Stops everything, and gives invocations under way `grace` to end.
    pub async fn stop_within(self, grace: Duration) {
        let (data_dir, dynamodb) = self.stop_all_but_the_data(grace).await;
        dynamodb.stop().await;
        drop(data_dir);
    }

    /// Stops everything and keeps the data, in memory or not. Answers in which folder.
    ///
    /// # Errors
    ///
    /// [`StackError`] if the data cannot be written there.
    pub async fn stop_and_keep(self, grace: Duration) -> Result<PathBuf, StackError> {
        let (data_dir, dynamodb) = self.stop_all_but_the_data(grace).await;
        if let Some(file) = data_dir.prepare_to_stay()? {
            dynamodb.save(&file)?;
        }
        dynamodb.stop().await;
        Ok(data_dir.keep())
    }

    async fn stop_all_but_the_data(self, grace: Duration) -> (DataDir, DynamoDb) {
        let Self { data_dir, dynamodb, sqs, mut servers, host, inbox, .. } = self;
        host.shutdown(grace).await;
        servers.shutdown().await;
        if let Some(inbox) = inbox {
            inbox.shutdown().await;
        }
        sqs.stop().await;
        (data_dir, dynamodb)
    }
}

fn is_too_soon(error: &SdkError<PurgeQueueError>) -> bool {
    error.as_service_error().is_some_and(PurgeQueueError::is_purge_queue_in_progress)
}

async fn start_inbox(provider: &Provider, data_dir: &DataDir) -> Result<Option<Inbox>, StackError> {
    let Provider::Inbox(config) = provider else { return Ok(None) };
    let mut config = (**config).clone();
    config.spool_folder.get_or_insert_with(|| data_dir.spool());
    Ok(Some(Inbox::start(config).await?))
}

fn smtp_url(provider: &Provider, inbox: Option<&Inbox>) -> String {
    match (provider, inbox) {
        (Provider::Relay(url), _) => url.clone(),
        (Provider::Inbox(_), Some(inbox)) => format!("smtp://{}", inbox.smtp_addr()),
        (Provider::Inbox(_), None) => String::new(),
    }
}

/// Creates what is not there yet: tables and queues.
async fn provision(
    dynamodb_url: &str,
    environment: &Environment<'_>,
) -> Result<(Store, Queue, aws_sdk_sqs::Client), StackError> {
    let mut vars = environment.of_every_function();
    vars.insert("AWS_ENDPOINT_URL_DYNAMODB".into(), dynamodb_url.to_owned());
    vars.insert("AWS_REGION".into(), REGION.to_owned());
    let aws = AwsConfig::from_vars(Vars::new(vars)).map_err(|error| StackError::Provision(error.into()))?;
    let (store, queue, sqs_client) = (aws.store(), aws.queue(), aws.sqs_client());
    store.create_tables().await.map_err(|error| StackError::Provision(error.into()))?;
    environment.create_queues(&sqs_client).await?;
    Ok((store, queue, sqs_client))
}

/// Brings the settings and the stack's concurrency together, so that the settings tell the truth: one that was
/// stored before is kept if that is wanted, and else this one is stored. Answers which holds.
async fn settle_concurrency(store: &Store, config: &StackConfig) -> Result<u32, StackError> {
    let failed = |error: PortError| StackError::Provision(error.into());
    let (stand, rev) = store.settings_with_rev().await.map_err(failed)?;
    if rev > 0 && (config.keep_concurrency || stand.concurrency == config.concurrency) {
        return Ok(stand.concurrency);
    }
    let settings = Settings { concurrency: config.concurrency, ..stand };
    // Nobody else writes yet: the functions are not there.
    let _ours = store.replace_settings(&settings, rev).await.map_err(failed)?;
    Ok(config.concurrency)
}

fn serve(servers: &mut JoinSet<()>, host: &Host, lambda: TcpListener, api: TcpListener) {
    let (lambda, gateway) = (lambda_api::serve(lambda, host), gateway::serve(api, host, "api"));
    servers.spawn(async move {
        if let Err(error) = lambda.await {
            eprintln!("fanmail: the Lambda API stopped: {error}");
        }
    });
    servers.spawn(async move {
        if let Err(error) = gateway.await {
            eprintln!("fanmail: the HTTP API stopped: {error}");
        }
    });
}
