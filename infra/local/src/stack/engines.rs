//! DynamoDB and SQS on embedded engines, reached over HTTP like the real ones.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use dynoxide::Database;
use fanmail_fair_sqs::{FairSqs, FairSqsHandler};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{REGION, StackError};

/// What the DynamoDB engine's threads are called.
const NAME: &str = "dynamodb";
/// SQLite serves one request at a time; a second thread reads and writes JSON meanwhile.
const THREADS: usize = 2;

/// The DynamoDB engine, on threads of its own: it works on SQLite without yielding.
pub(super) struct DynamoDb {
    pub(super) url: String,
    pub(super) database: Database,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl DynamoDb {
    /// Starts it on a free port, over a file or in memory.
    pub(super) fn start(file: Option<&Path>) -> Result<Self, StackError> {
        let database = match file {
            Some(path) => Database::new(&path.to_string_lossy()),
            None => Database::memory(),
        };
        let database = database.map_err(|error| StackError::Database(error.to_string()))?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(StackError::Listen)?;
        listener.set_nonblocking(true).map_err(StackError::Listen)?;
        // Connections inherit it (Linux). Without it the last part of an answer of more than one segment, a
        // batch's subscribers say, may wait for the client's delayed ACK; the engine does not set it itself.
        SockRef::from(&listener).set_tcp_nodelay(true).map_err(StackError::Listen)?;
        let addr = listener.local_addr().map_err(StackError::Listen)?;
        let (stop, stopped) = oneshot::channel();
        let served = database.clone();
        let serve = move || serve_dynamodb(listener, served, stopped);
        let thread = std::thread::Builder::new().name(NAME.into()).spawn(serve);
        let thread = thread.map_err(StackError::Thread)?;
        Ok(Self { url: format!("http://{addr}"), database, stop: Some(stop), thread: Some(thread) })
    }

    /// Writes everything into a file that [`DynamoDb::start`] can open.
    pub(super) fn save(&self, file: &Path) -> Result<(), StackError> {
        self.database
            .vacuum_into(&file.to_string_lossy())
            .map_err(|error| StackError::Database(error.to_string()))
    }

    /// Stops it once the requests under way are answered.
    pub(super) async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread cannot have panicked in a way that concerns anybody any more.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn serve_dynamodb(listener: std::net::TcpListener, database: Database, stopped: oneshot::Receiver<()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).thread_name(NAME).enable_all().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let stopped = async {
            let _ = stopped.await;
        };
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
            eprintln!("fanmail: the DynamoDB engine stopped: {error}");
        }
    });
}

/// The SQS engine.
#[derive(Debug)]
pub(super) struct Sqs {
    pub(super) url: String,
    pub(super) provider: Arc<FairSqs>,
    server: JoinSet<()>,
}

impl Sqs {
    /// Starts it on a free port, in memory.
    pub(super) async fn start() -> Result<Self, StackError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StackError::Listen)?;
        let addr = listener.local_addr().map_err(StackError::Listen)?;
        let config = SqsConfig {
            default_region: REGION.to_owned(),
            host: addr.ip().to_string(),
            port: addr.port(),
            ..SqsConfig::default()
        };
        let provider = Arc::new(FairSqs::new(config));
        let handler = Arc::new(FairSqsHandler::new(Arc::clone(&provider)));
        let service =
            SqsHttpService::new(handler, SqsHttpConfig { region: REGION.to_owned(), ..Default::default() });
        let mut server = JoinSet::new();
        server.spawn(serve_sqs(listener, service));
        Ok(Self { url: url(addr), provider, server })
    }

    /// Stops it; what is on its queues is gone.
    pub(super) async fn stop(mut self) {
        self.server.shutdown().await;
        self.provider.shutdown_all().await;
    }
}

async fn serve_sqs(listener: TcpListener, service: SqsHttpService<FairSqsHandler>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Without this the answer to every small request waits for the client's delayed ACK.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let service = service.clone();
        connections.spawn(async move {
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is its own affair.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

fn url(addr: SocketAddr) -> String {
    format!("http://{addr}")
}
