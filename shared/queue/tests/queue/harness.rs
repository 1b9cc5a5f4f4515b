//! An engine of its own for each test: in memory, on a free port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use fanmail_fair_sqs::{FairSqs, FairSqsHandler};
use fanmail_queue::{Queue, QueueNames, QueueSettings, QueueUrls, create_queues};
use hyper_util::rt::TokioIo;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Two queues, and the engine behind them.
pub(crate) struct World {
    pub(crate) queue: Queue,
    pub(crate) client: Client,
    pub(crate) urls: QueueUrls,
    engine: JoinHandle<()>,
}

pub(crate) const SETTINGS: QueueSettings = QueueSettings {
    visibility_timeout: Duration::from_secs(60),
    max_receive_count: 5,
    retention: Duration::from_secs(4 * 24 * 3_600),
};

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(&SETTINGS).await
    }

    pub(crate) async fn with(settings: &QueueSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let engine = tokio::spawn(serve(listener, address));
        let client = client(address);
        let urls = create_queues(&client, &names(), settings).await.unwrap();
        let queue = Queue::new(client.clone(), urls.clone());
        Self { queue, client, urls, engine }
    }

    /// The bodies of the messages that are visible now, taken off the queue if `delete`.
    pub(crate) async fn receive(&self, url: &str, delete: bool) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let request = self.client.receive_message().queue_url(url).max_number_of_messages(10);
            let messages = request.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return bodies;
            }
            for message in messages {
                if delete {
                    let handle = message.receipt_handle.unwrap();
                    let request = self.client.delete_message().queue_url(url).receipt_handle(handle);
                    request.send().await.unwrap();
                }
                bodies.push(message.body.unwrap());
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

pub(crate) fn names() -> QueueNames {
    QueueNames { lanes: "lanes".into(), batches: "batches".into() }
}

/// The real client, talking to `address`.
pub(crate) fn client(address: SocketAddr) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn serve(listener: TcpListener, address: SocketAddr) {
    let config = SqsConfig {
        default_region: "eu-west-1".into(),
        host: address.ip().to_string(),
        port: address.port(),
        ..SqsConfig::default()
    };
    let handler = Arc::new(FairSqsHandler::new(Arc::new(FairSqs::new(config))));
    let service = SqsHttpService::new(handler, SqsHttpConfig::default());
    while let Ok((stream, _)) = listener.accept().await {
        let service = service.clone();
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
}
