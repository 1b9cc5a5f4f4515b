//! The queues' other side: what an operator, or SQS itself, may do to them.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use fanmail_domain::{BatchId, CampaignId, Epoch, LaneNo};
use fanmail_engine::ports::BatchTask;
use fanmail_lambda_host::EventSourceSpec;

use super::World;

/// The task of a batch in the first run.
pub(crate) fn task(campaign: CampaignId, lane: u8, seq: u32) -> BatchTask {
    BatchTask::of(Epoch(1), BatchId { campaign, lane: LaneNo(lane), seq })
}

impl World {
    fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(self.stack().sqs_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    fn queue_url(&self, name: &str) -> String {
        format!("{}/000000000000/fanmail-{name}", self.stack().sqs_url())
    }

    /// Throws away everything that waits or is hidden on a queue.
    pub(crate) async fn purge(&self, queue: &str) {
        self.sqs().purge_queue().queue_url(self.queue_url(queue)).send().await.unwrap();
    }

    /// Says whether a function is fed from its queue.
    pub(crate) fn feed(&self, function: &str, enabled: bool) {
        let host = &self.stack().host;
        let source = host.event_sources().into_iter().find(|source| source.function == function);
        host.update_event_source(EventSourceSpec { enabled, ..source.unwrap() }).unwrap();
    }

    /// Puts a body on a queue.
    pub(crate) async fn put(&self, queue: &str, body: &str) {
        self.sqs().send_message().queue_url(self.queue_url(queue)).message_body(body).send().await.unwrap();
    }

    /// Puts a body on a queue that comes out of it in 15 minutes, the longest delay that SQS knows.
    pub(crate) async fn put_for_later(&self, queue: &str, body: &str) {
        let message = self.sqs().send_message().queue_url(self.queue_url(queue)).message_body(body);
        message.delay_seconds(900).send().await.unwrap();
    }

    /// Messages of a queue: waiting, hidden and delayed.
    pub(crate) async fn count(&self, queue: &str) -> u64 {
        let request = self.sqs().get_queue_attributes().queue_url(self.queue_url(queue));
        let found = request.attribute_names(Attribute::All).send().await.unwrap().attributes.unwrap();
        [
            Attribute::ApproximateNumberOfMessages,
            Attribute::ApproximateNumberOfMessagesNotVisible,
            Attribute::ApproximateNumberOfMessagesDelayed,
        ]
        .iter()
        .map(|name| found[name].parse::<u64>().unwrap())
        .sum()
    }
}
