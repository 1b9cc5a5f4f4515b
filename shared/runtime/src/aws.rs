//! The clients of AWS services, made once per process.
//!
//! Credentials come from the environment, where Lambda puts them; no other source is searched, which is why
//! the `aws-config` crate is not here. `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_SQS` lead elsewhere,
//! and with `http://` need no TLS and load no certificates.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient};
use fanmail_queue::{Queue, QueueUrls};
use fanmail_store::{Store, TableNames};

use crate::tls::http_client;
use crate::vars::{Vars, VarsError};

/// A request that takes longer is repeated: DynamoDB and SQS answer within milliseconds.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the store and the queues are.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    region: String,
    credentials: Credentials,
    dynamodb_url: Option<String>,
    sqs_url: Option<String>,
    /// The two tables.
    pub tables: TableNames,
    /// The two queues.
    pub queues: QueueUrls,
}

impl AwsConfig {
    /// Reads it from the environment.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is missing.
    pub fn from_env() -> Result<Self, VarsError> {
        Self::from_vars(Vars::from_env())
    }

    /// Reads it from these variables.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is missing.
    pub fn from_vars(mut vars: Vars) -> Result<Self, VarsError> {
        let config = Self {
            region: vars.required("AWS_REGION"),
            credentials: Credentials::new(
                vars.required("AWS_ACCESS_KEY_ID"),
                vars.required("AWS_SECRET_ACCESS_KEY"),
                vars.optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            dynamodb_url: vars.optional("AWS_ENDPOINT_URL_DYNAMODB"),
            sqs_url: vars.optional("AWS_ENDPOINT_URL_SQS"),
            tables: TableNames {
                audience: vars.required("FANMAIL_AUDIENCE_TABLE"),
                campaigns: vars.required("FANMAIL_CAMPAIGNS_TABLE"),
            },
            queues: QueueUrls {
                lanes: vars.required("FANMAIL_LANES_QUEUE_URL"),
                batches: vars.required("FANMAIL_BATCHES_QUEUE_URL"),
            },
        };
        vars.finish()?;
        Ok(config)
    }

    /// Which AWS Region this is.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Who asks.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// A client of the two tables.
    #[must_use]
    pub fn store(&self) -> Store {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(http_client(self.dynamodb_url.as_deref()))
            .retry_config(retries())
            .timeout_config(timeouts());
        config.set_endpoint_url(self.dynamodb_url.clone());
        Store::new(aws_sdk_dynamodb::Client::from_conf(config.build()), self.tables.clone())
    }

    /// A client of the two queues.
    #[must_use]
    pub fn queue(&self) -> Queue {
        Queue::new(self.sqs_client(), self.queues.clone())
    }

    /// The client beneath [`AwsConfig::queue`], for creating queues where no template does.
    #[must_use]
    pub fn sqs_client(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new(self.region.clone()))
            .credentials_provider(self.credentials.clone())
            .http_client(http_client(self.sqs_url.as_deref()))
            .retry_config(retries())
            .timeout_config(timeouts());
        config.set_endpoint_url(self.sqs_url.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// For a client of another service, so that only the functions that use it are built with it.
    #[must_use]
    pub fn client_parts(&self, endpoint: Option<&str>) -> ClientParts {
        ClientParts {
            region: Region::new(self.region.clone()),
            credentials: self.credentials.clone(),
            http_client: http_client(endpoint),
            retries: retries(),
            timeouts: timeouts(),
        }
    }
}

/// What a client of one more service is made of.
#[derive(Debug, Clone)]
pub struct ClientParts {
    /// The region.
    pub region: Region,
    /// Who asks.
    pub credentials: Credentials,
    /// How it connects.
    pub http_client: SharedHttpClient,
    /// How it repeats.
    pub retries: RetryConfig,
    /// How long it waits.
    pub timeouts: TimeoutConfig,
}

/// Repeats by the SDK are safe here: every write names what it read. The engine repeats behind it, with longer
/// pauses, so the SDK's own begin short: its default of up to 1 s would eat an invocation's time.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_initial_backoff(FIRST_BACKOFF)
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}
