//! The functions' environment, event sources and schedule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanmail_fair_sqs::FairSqs;
use fanmail_lambda_host::{EventSourceSpec, FunctionSpec, Host, LogSink, RustackQueue, Schedule};
use fanmail_queue::{QueueNames, QueueSettings, create_queue, create_queues};

use super::config::{ApiAuth, StackConfig};
use super::data_dir::DataDir;
use super::{REGION, StackError};
use crate::functions::Function;

/// Names of the queues.
const LANES: &str = "fanmail-lanes";
const BATCHES: &str = "fanmail-batches";
const FEEDBACK: &str = "fanmail-feedback";
/// Account in ARNs and queue URLs.
const ACCOUNT: &str = "000000000000";
/// Fan-outs at a time: two keep one machine's database busy.
const START_CONCURRENCY: u32 = 2;
/// API requests at a time: people, and an import that sends its chunks one after the other.
const API_CONCURRENCY: u32 = 2;
/// Invocations of `feedback` at a time: AWS knows no maximum below 2.
const FEEDBACK_CONCURRENCY: u32 = 2;
/// Events that one invocation of `feedback` takes down at the most, one after the other: Lambda's default.
const FEEDBACK_BATCH: u32 = 10;
/// A hidden task comes back this long after its function's time-out.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(2);
/// Longer than any campaign is paused between two runs of the stack; the queues are in memory anyway.
const RETENTION: Duration = Duration::from_secs(14 * 24 * 3600);
/// The API's integration time-out on AWS.
const API_TIMEOUT: Duration = Duration::from_secs(29);

/// Both halves of the credentials: the engines take any.
pub(super) const CREDENTIALS: &str = "local";
/// How long the API believes tokens that it read. Reading them costs nothing here, and a person who takes one back to
/// see what happens does not wait.
const TOKEN_CACHE_S: &str = "1";

/// Variables of the stack's own environment that its functions may read as `env:` secrets.
const SECRETS: &str = "FANMAIL_SECRET_";

/// What the functions are told.
pub(super) struct Environment<'a> {
    pub(super) dynamodb_url: &'a str,
    pub(super) sqs_url: &'a str,
    pub(super) smtp_url: &'a str,
    pub(super) public_url: &'a str,
    pub(super) unsubscribe_key: &'a str,
    pub(super) lambda_url: &'a str,
    pub(super) config: &'a StackConfig,
}

/// Addresses of the queues of lanes and of batches.
pub(super) fn queue_urls(sqs_url: &str) -> [String; 2] {
    [LANES, BATCHES].map(|name| format!("{sqs_url}/{ACCOUNT}/{name}"))
}

impl Environment<'_> {
    /// What every function is told.
    pub(super) fn of_every_function(&self) -> BTreeMap<String, String> {
        let [lanes, batches] = queue_urls(self.sqs_url);
        [
            ("AWS_ACCESS_KEY_ID", CREDENTIALS.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.dynamodb_url.to_owned()),
            ("AWS_ENDPOINT_URL_SQS", self.sqs_url.to_owned()),
            ("FANMAIL_AUDIENCE_TABLE", "fanmail-audience".to_owned()),
            ("FANMAIL_CAMPAIGNS_TABLE", "fanmail-campaigns".to_owned()),
            ("FANMAIL_LANES_QUEUE_URL", lanes),
            ("FANMAIL_BATCHES_QUEUE_URL", batches),
            ("FANMAIL_PUBLIC_URL", self.public_url.to_owned()),
            ("FANMAIL_UNSUBSCRIBE_KEY", self.unsubscribe_key.to_owned()),
            ("FANMAIL_LOG", self.config.log.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    pub(super) async fn create_queues(&self, client: &aws_sdk_sqs::Client) -> Result<(), StackError> {
        let names = QueueNames { lanes: LANES.to_owned(), batches: BATCHES.to_owned() };
        let settings = QueueSettings {
            visibility_timeout: self.config.timeout + VISIBILITY_MARGIN,
            max_receive_count: self.config.max_receive_count,
            retention: RETENTION,
        };
        let created = async {
            create_queues(client, &names, &settings).await?;
            create_queue(client, FEEDBACK, &settings).await
        };
        created.await.map(drop).map_err(|error| StackError::Provision(error.into()))
    }

    pub(super) fn add_functions(
        &self,
        host: &Host,
        data_dir: &DataDir,
        senders: u32,
    ) -> Result<(), StackError> {
        let config = self.config;
        for (function, timeout, concurrency) in [
            (Function::Api, API_TIMEOUT, API_CONCURRENCY),
            (Function::Start, config.timeout, START_CONCURRENCY),
            (Function::Sender, config.timeout, senders),
            (Function::Feedback, config.timeout, FEEDBACK_CONCURRENCY),
            (Function::Sweeper, config.timeout, 1),
        ] {
            let mut spec = FunctionSpec::new(function.name(), &config.program.path);
            spec.args = config.program.args.clone();
            spec.args.push(function.name().to_owned());
            spec.env = self.of(function);
            spec.timeout = timeout;
            spec.reserved_concurrency = Some(concurrency);
            spec.log = LogSink::File(data_dir.log(function.name()));
            host.add_function(spec)?;
        }
        host.add_schedule(Schedule {
            name: "fanmail-sweep".to_owned(),
            function: Function::Sweeper.name().to_owned(),
            every: config.sweep_every,
        })?;
        Ok(())
    }

    fn of(&self, function: Function) -> BTreeMap<String, String> {
        let mut env = self.of_every_function();
        if function == Function::Api {
            let auth = if self.config.api_auth == ApiAuth::Tokens { "tokens" } else { "open" };
            env.insert("FANMAIL_API_AUTH".into(), auth.to_owned());
            env.insert("FANMAIL_TOKEN_CACHE_S".into(), TOKEN_CACHE_S.to_owned());
            env.insert("AWS_ENDPOINT_URL_LAMBDA".into(), self.lambda_url.to_owned());
            env.insert("FANMAIL_SENDER_FUNCTION".into(), Function::Sender.name().to_owned());
            let works = self.config.sender_works().as_secs();
            env.insert("FANMAIL_SENDER_WORKS_S".into(), works.to_string());
        }
        if function == Function::Feedback {
            // It sends no tasks.
            env.retain(|name, _| !name.ends_with("_QUEUE_URL"));
        }
        if matches!(function, Function::Api | Function::Sender) {
            env.extend(std::env::vars().filter(|(name, _)| name.starts_with(SECRETS)));
        }
        if function == Function::Sender {
            env.insert("FANMAIL_SMTP_URL".into(), self.smtp_url.to_owned());
            env.insert("FANMAIL_MAX_CONNS".into(), self.config.max_conns.to_string());
            let submit_timeout = self.config.submit_timeout.as_secs().max(1);
            env.insert("FANMAIL_SUBMIT_TIMEOUT_S".into(), submit_timeout.to_string());
            env.extend(std::env::var("FANMAIL_DKIM").map(|keys| ("FANMAIL_DKIM".into(), keys)));
            env.extend(self.config.sender_env.clone());
        }
        env
    }

    pub(super) async fn add_event_sources(
        &self,
        host: &Host,
        provider: &Arc<FairSqs>,
        senders: u32,
    ) -> Result<[Arc<RustackQueue>; 3], StackError> {
        let source = async |queue: &str, function: Function, batch_size: u32, concurrency: u32| {
            let poller = RustackQueue::open(Arc::clone(provider), queue).await;
            let poller = Arc::new(poller.map_err(|error| StackError::Provision(error.into()))?);
            let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}");
            let mut spec = EventSourceSpec::new(format!("{}-source", function.name()), function.name(), arn);
            spec.batch_size = batch_size;
            // AWS knows no maximum below 2; the reserved concurrency holds a single sender.
            spec.maximum_concurrency = (concurrency >= 2).then_some(concurrency);
            host.add_event_source(spec, Arc::clone(&poller))?;
            Ok::<_, StackError>(poller)
        };
        // One task per invocation: its lease is as long as the invocation may be.
        Ok([
            source(LANES, Function::Start, 1, START_CONCURRENCY).await?,
            source(BATCHES, Function::Sender, 1, senders).await?,
            source(FEEDBACK, Function::Feedback, FEEDBACK_BATCH, FEEDBACK_CONCURRENCY).await?,
        ])
    }
}
