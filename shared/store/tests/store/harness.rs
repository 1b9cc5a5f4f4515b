//! An engine of its own for each test: in memory, on a free port, gone with the test.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use fanmail_store::{Store, TableNames};
use tokio::sync::oneshot;

/// A store with fresh tables, and the engine behind it.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    /// Tables that are ready.
    pub(crate) async fn new() -> Self {
        let world = Self::without_tables();
        world.store.create_tables().await.unwrap();
        let _ = world.store.take_usage();
        world
    }

    pub(crate) fn without_tables() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(listener, stopped));
        let client = client(address);
        let store = Store::new(client.clone(), tables());
        Self { store, client, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking(), "the engine broke down");
    }
}

pub(crate) fn tables() -> TableNames {
    TableNames { audience: "audience".into(), campaigns: "campaigns".into() }
}

/// The real client, talking to `address`.
pub(crate) fn client(address: SocketAddr) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Runs the engine on this thread until it is told to stop. Open connections do not hold it up.
fn serve(listener: TcpListener, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let database = dynoxide::Database::memory().unwrap();
        tokio::select! {
            ended = dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()) => ended.unwrap(),
            _ = stopped => {}
        }
    });
    runtime.shutdown_background();
}
