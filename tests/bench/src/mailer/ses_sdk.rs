//! The yardstick for SES: the plain SDK call, `SendEmail` with a raw message, one thread.
//!
//! Retries are off, as they must be for mail (SES knows no idempotency token); messages are made beforehand, so
//! that the call alone is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::config::{BehaviorVersion, Region};
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use aws_sdk_sesv2::{Client, Config};
use aws_smithy_http_client::Builder;
use tokio::task::JoinSet;

use super::ready::{Ready, ready};
use super::tally::Tally;
use super::{MailerError, Work};

/// No call to a stub on the same machine takes that long.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where the stub plays to be.
pub const REGION: &str = "eu-west-1";

/// Sends every message of `work`, and counts what was accepted.
///
/// # Errors
///
/// [`MailerError::Yardstick`] if a call failed, [`MailerError::Premise`] if no message can be made.
pub async fn send(work: Work) -> Result<Tally, MailerError> {
    let (client, messages) = (Client::from_conf(config(&work)), Arc::new(ready()?));
    let next = Arc::new(AtomicUsize::new(0));
    let mut lines: JoinSet<_> = (0..work.in_flight)
        .map(|_| line(client.clone(), Arc::clone(&messages), Arc::clone(&next), work.messages))
        .collect();
    let mut tally = Tally::default();
    while let Some(line) = lines.join_next().await {
        let counted = line.map_err(|error| MailerError::Yardstick(error.into()))?;
        tally.merge(counted.map_err(|error| MailerError::Yardstick(error.into()))?);
    }
    Ok(tally)
}

fn config(work: &Work) -> Config {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(credentials())
        .endpoint_url(format!("http://{}", work.server))
        .http_client(Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(TIMEOUT).build())
        .build()
}

/// Nobody's, with a session token, as functions have one.
#[must_use]
pub fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "secret", Some("token".repeat(200)), None, "nobody")
}

async fn line(
    client: Client,
    messages: Arc<Vec<Ready>>,
    next: Arc<AtomicUsize>,
    count: usize,
) -> Result<Tally, aws_sdk_sesv2::Error> {
    let mut tally = Tally::default();
    loop {
        let n = next.fetch_add(1, Relaxed);
        if n >= count {
            return Ok(tally);
        }
        send_one(&client, &messages[n % messages.len()]).await?;
        tally.add(0, 0);
    }
}

async fn send_one(client: &Client, message: &Ready) -> Result<(), aws_sdk_sesv2::Error> {
    let raw = RawMessage::builder().data(Blob::new(message.text.clone())).build()?;
    let call = client
        .send_email()
        .from_email_address(&message.from)
        .destination(Destination::builder().to_addresses(&message.to).build())
        .content(EmailContent::builder().raw(raw).build());
    call.send().await?;
    Ok(())
}
