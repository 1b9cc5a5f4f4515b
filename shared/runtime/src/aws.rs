//! The clients of AWS services, made once per process.
//!
//! Credentials come from the environment, where Lambda puts them; no other source is searched, which is why
//! the `aws-config` crate is not here. `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SQS` or, for all services,
//! `AWS_ENDPOINT_URL` lead elsewhere, and with `http://` need no TLS and load no certificates.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig};
use fanmail_queue::{Queue, QueueUrls};
use fanmail_store::{Store, TableNames};

use crate::http;
use crate::vars::{Vars, VarsError};

/// A request that takes longer is repeated: DynamoDB and SQS answer within milliseconds. It holds to the last octet of
/// an answer, so the SDK's watch over stalled streams, which is more patient, is turned off.
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
    /// Reads it from these variables, alone.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is missing.
    pub fn from_vars(mut vars: Vars) -> Result<Self, VarsError> {
        let config = Self::read(&mut vars);
        vars.finish().map(|()| config)
    }

    /// Reads it from these variables, alone, for a function that sends no tasks: it need not know the queues, and
    /// their addresses are empty.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that is missing.
    pub fn without_queues(mut vars: Vars) -> Result<Self, VarsError> {
        let config = Self::read_without_queues(&mut vars);
        vars.finish().map(|()| config)
    }

    /// Reads it among other variables. What is missing is an empty text; [`Vars::finish`] tells.
    pub fn read(vars: &mut Vars) -> Self {
        let queues = QueueUrls {
            lanes: vars.required("FANMAIL_LANES_QUEUE_URL"),
            batches: vars.required("FANMAIL_BATCHES_QUEUE_URL"),
        };
        Self { queues, ..Self::read_without_queues(vars) }
    }

    /// As [`AwsConfig::read`], for a function that sends no tasks.
    pub fn read_without_queues(vars: &mut Vars) -> Self {
        Self {
            region: vars.required("AWS_REGION"),
            credentials: Credentials::new(
                vars.required("AWS_ACCESS_KEY_ID"),
                vars.required("AWS_SECRET_ACCESS_KEY"),
                vars.optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            dynamodb_url: vars.endpoint("DYNAMODB"),
            sqs_url: vars.endpoint("SQS"),
            tables: TableNames {
                audience: vars.required("FANMAIL_AUDIENCE_TABLE"),
                campaigns: vars.required("FANMAIL_CAMPAIGNS_TABLE"),
            },
            queues: QueueUrls { lanes: String::new(), batches: String::new() },
        }
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
            .http_client(http::client(self.dynamodb_url.as_deref()))
            .retry_config(retries())
            .timeout_config(timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
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
            .http_client(http::client(self.sqs_url.as_deref()))
            .retry_config(retries())
            .timeout_config(timeouts())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url(self.sqs_url.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// For a client of another service, so that only the functions that use it are built with it.
    #[must_use]
    pub fn client_parts(&self, endpoint: Option<&str>) -> ClientParts {
        ClientParts {
            region: Region::new(self.region.clone()),
            credentials: self.credentials.clone(),
            http_client: http::client(endpoint),
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

#[cfg(test)]
mod tests {
    use fanmail_domain::CampaignId;
    use fanmail_engine::ports::Campaigns;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn vars(with_queues: bool) -> Vars {
        let found = [
            ("AWS_REGION", true),
            ("AWS_ACCESS_KEY_ID", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("FANMAIL_AUDIENCE_TABLE", true),
            ("FANMAIL_CAMPAIGNS_TABLE", true),
            ("FANMAIL_LANES_QUEUE_URL", with_queues),
            ("FANMAIL_BATCHES_QUEUE_URL", with_queues),
        ];
        Vars::new(found.into_iter().filter(|it| it.1).map(|(name, _)| (name.to_owned(), "x".to_owned())))
    }

    #[test]
    fn only_who_sends_tasks_has_to_know_the_queues() {
        assert_eq!(AwsConfig::from_vars(vars(true)).unwrap().queues.lanes, "x");
        assert_eq!(AwsConfig::without_queues(vars(false)).unwrap().tables.audience, "x");
        let error = AwsConfig::from_vars(vars(false)).unwrap_err().to_string();
        assert!(error.contains("FANMAIL_LANES_QUEUE_URL") && error.contains("FANMAIL_BATCHES_QUEUE_URL"));
        assert!(AwsConfig::without_queues(Vars::new([])).is_err());
    }

    /// Answers each connection with the first half of an answer, and keeps it open.
    async fn answer_by_halves(listener: TcpListener) {
        let mut kept = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            assert!(connection.read(&mut [0; 16 * 1024]).await.unwrap() > 0);
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"Item\":").await.unwrap();
            kept.push(connection);
        }
    }

    #[tokio::test]
    async fn an_answer_that_stops_halfway_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let halves = tokio::spawn(answer_by_halves(listener));
        let config = AwsConfig { dynamodb_url: Some(url), ..AwsConfig::from_vars(vars(true)).unwrap() };

        let store = config.store();
        let asked = tokio::time::timeout(10 * ATTEMPT_TIMEOUT, store.campaign(CampaignId(1))).await;

        assert!(asked.expect("it waited for the other half").is_err());
        halves.abort();
    }
}
