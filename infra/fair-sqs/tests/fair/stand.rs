//! An engine of its own for each test, with one queue, and a consumer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::{
    Message, MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use fanmail_fair_sqs::{FairSqs, FairSqsHandler};
use hyper_util::rt::TokioIo;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A queue, and the engine behind it.
pub(crate) struct Stand {
    pub(crate) client: Client,
    pub(crate) url: String,
    engine: JoinHandle<()>,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The queue has these attributes, and messages stay hidden for a minute if they do not say otherwise.
    pub(crate) async fn with(attributes: &[(QueueAttributeName, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = tokio::spawn(serve(listener, address));
        let client = client(address);
        let url = create(&client, "work", attributes).await;
        Self { client, url, engine }
    }

    pub(crate) async fn queue(&self, name: &str) -> String {
        create(&self.client, name, &[]).await
    }

    /// Sends `count` messages of a group: `a0`, `a1`, …
    pub(crate) async fn send(&self, group: &str, count: usize) {
        let numbers: Vec<usize> = (0..count).collect();
        for ten in numbers.chunks(10) {
            let entry = |number: &usize| {
                let entry = SendMessageBatchRequestEntry::builder().id(number.to_string());
                entry.message_body(format!("{group}{number}")).message_group_id(group).build().unwrap()
            };
            let entries = ten.iter().map(entry).collect();
            let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            assert_eq!(request.send().await.unwrap().failed(), []);
        }
    }

    /// Receives at most `max` messages, without waiting.
    pub(crate) async fn receive(&self, max: i32) -> Vec<Message> {
        let request = self.client.receive_message().queue_url(&self.url).max_number_of_messages(max);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        request.send().await.unwrap().messages.unwrap_or_default()
    }

    /// Receives one message that has to be there.
    pub(crate) async fn next(&self) -> Message {
        self.receive(1).await.pop().unwrap()
    }

    pub(crate) async fn delete(&self, message: &Message) {
        let handle = message.receipt_handle().unwrap();
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
    }

    /// Messages waiting, in flight and delayed.
    pub(crate) async fn counts(&self) -> [u32; 3] {
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let output = request.attribute_names(QueueAttributeName::All).send().await.unwrap();
        let attributes: HashMap<_, _> = output.attributes.unwrap();
        [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ]
        .map(|name| attributes[&name].parse().unwrap())
    }
}

/// What a message says.
pub(crate) fn body(message: &Message) -> &str {
    message.body().unwrap()
}

/// How often a message was received, as it tells.
pub(crate) fn receives(message: &Message) -> &str {
    &message.attributes().unwrap()[&MessageSystemAttributeName::ApproximateReceiveCount]
}

async fn create(client: &Client, name: &str, attributes: &[(QueueAttributeName, &str)]) -> String {
    let mut request =
        client.create_queue().queue_name(name).attributes(QueueAttributeName::VisibilityTimeout, "60");
    for (name, value) in attributes {
        request = request.attributes(name.clone(), *value);
    }
    request.send().await.unwrap().queue_url.unwrap()
}

fn client(address: SocketAddr) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn serve(listener: TcpListener, address: SocketAddr) {
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = Arc::new(FairSqsHandler::new(Arc::new(FairSqs::new(config))));
    let service = SqsHttpService::new(handler, SqsHttpConfig::default());
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let service = service.clone();
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}
