//! Creating queues where there is no template to do it.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use fanmail_engine::ports::PortError;

use crate::QueueUrls;
use crate::error::QueueError;

/// Names of the two queues. What is received too often goes to a queue of the same name with `-dead` behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueNames {
    /// Tasks to fan lanes out.
    pub lanes: String,
    /// Tasks to send batches.
    pub batches: String,
}

/// How the queues behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long a received message stays hidden; whole seconds, at most 12 hours. At least six times the
    /// function's timeout, says AWS.
    pub visibility_timeout: Duration,
    /// After so many receives a message goes to the dead-letter queue; at least 5, says AWS.
    pub max_receive_count: u32,
    /// How long a message is kept; whole seconds, from a minute to 14 days.
    pub retention: Duration,
}

/// Creates both queues and their dead-letter queues where they do not exist, and answers their addresses.
/// A queue that exists keeps its settings.
///
/// # Errors
///
/// [`PortError`] if SQS does not answer or refuses the settings. Asking again is safe.
pub async fn create_queues(
    client: &Client,
    names: &QueueNames,
    settings: &QueueSettings,
) -> Result<QueueUrls, PortError> {
    Ok(QueueUrls {
        lanes: create_queue(client, &names.lanes, settings).await?,
        batches: create_queue(client, &names.batches, settings).await?,
    })
}

/// Creates one queue and its dead-letter queue, as [`create_queues`] does, and answers its address: for a queue
/// that others than [`crate::Queue`] fill.
///
/// # Errors
///
/// As for [`create_queues`].
pub async fn create_queue(
    client: &Client,
    name: &str,
    settings: &QueueSettings,
) -> Result<String, PortError> {
    create_pair(client, name, settings).await.map_err(|error| PortError::new("create a queue", error))
}

async fn create_pair(client: &Client, name: &str, settings: &QueueSettings) -> Result<String, QueueError> {
    let retention = (Attribute::MessageRetentionPeriod, settings.retention.as_secs().to_string());
    let dead_name = format!("{name}-dead");
    let dead = create(client, &dead_name, HashMap::from([retention.clone()])).await?;
    let redrive = serde_json::json!({
        "deadLetterTargetArn": arn(client, &dead, &dead_name).await?,
        "maxReceiveCount": settings.max_receive_count,
    });
    let attributes = HashMap::from([
        retention,
        (Attribute::VisibilityTimeout, settings.visibility_timeout.as_secs().to_string()),
        (Attribute::RedrivePolicy, redrive.to_string()),
    ]);
    create(client, name, attributes).await
}

async fn create(
    client: &Client,
    name: &str,
    attributes: HashMap<Attribute, String>,
) -> Result<String, QueueError> {
    let missing = || QueueError::Nameless { what: "address", queue: name.to_owned() };
    let request = client.create_queue().queue_name(name).set_attributes(Some(attributes));
    let error = match request.send().await {
        Ok(output) => return output.queue_url.ok_or_else(missing),
        Err(error) => error,
    };
    // It exists with other settings: whoever made it knows better.
    if error.as_service_error().is_some_and(CreateQueueError::is_queue_name_exists) {
        let found = client.get_queue_url().queue_name(name).send().await.map_err(QueueError::from_sdk)?;
        return found.queue_url.ok_or_else(missing);
    }
    Err(QueueError::from_sdk(error))
}

async fn arn(client: &Client, url: &str, name: &str) -> Result<String, QueueError> {
    let request = client.get_queue_attributes().queue_url(url).attribute_names(Attribute::QueueArn);
    let output = request.send().await.map_err(QueueError::from_sdk)?;
    let arn = output.attributes.and_then(|mut attributes| attributes.remove(&Attribute::QueueArn));
    arn.ok_or_else(|| QueueError::Nameless { what: "arn", queue: name.to_owned() })
}
