//! An engine of its own for each test: in memory, on a free port, gone with the test.
//!
//! Where [`ENDPOINT`] names another engine, all tests share that one, each with tables of its own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use fanmail_store::{Store, TableNames};
use tokio::sync::oneshot;

/// The variable with the URL of the engine to test against, instead of the embedded one.
pub(crate) const ENDPOINT: &str = "FANMAIL_TEST_DYNAMODB_URL";

/// A store with fresh tables, and the engine behind it.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) tables: TableNames,
    /// The embedded engine; `None` where another one is used.
    engine: Option<Engine>,
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
        let elsewhere = std::env::var(ENDPOINT).ok();
        let (engine, tables) = match &elsewhere {
            Some(_) => (None, tables(&unused_prefix())),
            None => (Some(Engine::start()), tables("")),
        };
        let url = elsewhere.or_else(|| engine.as_ref().map(|engine| engine.url.clone())).unwrap();
        let client = client(&url);
        let store = Store::new(client.clone(), tables.clone());
        Self { store, client, tables, engine }
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.engine.is_some()
    }
}

/// A prefix that no other test and no earlier run has.
fn unused_prefix() -> String {
    static WORLDS: AtomicU32 = AtomicU32::new(0);
    format!("t{}-{}-", std::process::id(), WORLDS.fetch_add(1, Ordering::Relaxed))
}

/// The embedded engine on a thread of its own.
struct Engine {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(listener, stopped));
        Self { url, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking(), "the engine broke down");
    }
}

/// The names of a pair of tables.
pub(crate) fn tables(prefix: &str) -> TableNames {
    TableNames { audience: format!("{prefix}audience"), campaigns: format!("{prefix}campaigns") }
}

/// The real client, talking to the engine at `url`.
pub(crate) fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
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
