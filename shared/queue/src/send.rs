//! Sending messages, ten in a request, until SQS has taken each of them.

use std::time::Duration;

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use fanmail_domain::CampaignId;

use crate::error::QueueError;
use crate::{MAX_DELAY, Queue};

/// The most messages of one request (`SendMessageBatch`, AWS API reference).
const MAX_ENTRIES: usize = 10;

/// How often messages that SQS failed to take are sent again.
const TRIES: u32 = 6;
/// The wait before the second try; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A task on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Whose it is: `MessageGroupId`.
    group: String,
    body: String,
}

impl Outgoing {
    pub(crate) fn new(campaign: CampaignId, body: String) -> Self {
        Self { group: format!("c{campaign}"), body }
    }
}

impl Queue {
    pub(crate) async fn send(
        &self,
        url: &str,
        messages: Vec<Outgoing>,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let delay = delay_seconds(delay);
        for chunk in messages.chunks(MAX_ENTRIES) {
            self.send_chunk(url, chunk, delay).await?;
        }
        Ok(())
    }

    /// Sends at most ten messages, and those again that failed for no fault of ours.
    async fn send_chunk(&self, url: &str, messages: &[Outgoing], delay: i32) -> Result<(), QueueError> {
        let mut left: Vec<SendMessageBatchRequestEntry> = (0..)
            .zip(messages)
            .map(|(number, message)| entry(number, message, delay))
            .collect::<Result<_, _>>()?;
        let (mut code, mut pause) = (String::new(), FIRST_PAUSE);
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            let failed = self.send_entries(url, left.clone()).await?;
            if let Some(refused) = failed.iter().find(|entry| entry.sender_fault()) {
                return Err(QueueError::MessageRefused { code: refused.code().to_owned() });
            }
            let Some(first) = failed.first() else { return Ok(()) };
            first.code().clone_into(&mut code);
            left.retain(|entry| failed.iter().any(|failed| failed.id() == entry.id()));
        }
        Err(QueueError::Unsent { left: left.len(), code })
    }

    async fn send_entries(
        &self,
        url: &str,
        entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<Vec<BatchResultErrorEntry>, QueueError> {
        self.asked();
        let request = self.client.send_message_batch().queue_url(url).set_entries(Some(entries));
        Ok(request.send().await.map_err(QueueError::from_sdk)?.failed)
    }
}

fn entry(number: usize, message: &Outgoing, delay: i32) -> Result<SendMessageBatchRequestEntry, QueueError> {
    let entry = SendMessageBatchRequestEntry::builder().id(number.to_string()).message_body(&message.body);
    Ok(entry.message_group_id(&message.group).delay_seconds(delay).build()?)
}

/// Whole seconds, rounded up so that nothing comes early, and at most what SQS takes.
fn delay_seconds(delay: Duration) -> i32 {
    let seconds = delay.min(MAX_DELAY).as_millis().div_ceil(1_000);
    i32::try_from(seconds).expect("at most 900")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_rounded_up_and_cut_at_fifteen_minutes() {
        let delays = [0, 1, 1_000, 1_001, 899_001, 901_000, u64::MAX];
        assert_eq!(
            delays.map(|millis| delay_seconds(Duration::from_millis(millis))),
            [0, 1, 1, 2, 900, 900, 900]
        );
    }
}
