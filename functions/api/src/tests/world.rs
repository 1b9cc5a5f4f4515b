//! An engine of its own for each test: in memory, on a free port, gone with the test.

use std::net::TcpListener;
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lambda_events::http::HeaderMap;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_engine::ports::Clock;
use fanmail_mailer::{Renderer, UnsubscribeLinks};
use fanmail_runtime::aws::AwsConfig;
use fanmail_runtime::metrics::Metrics;
use fanmail_runtime::vars::Vars;
use fanmail_runtime::{Secrets, SystemClock};
use fanmail_store::{Store, TableNames};
use lambda_runtime::Context;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::auth::Auth;
use crate::concurrency::Concurrency;
use crate::schedules::Schedules;
use crate::{Ports, handler};

/// A minute, in milliseconds: longer than any request here takes.
const TIMEOUT_MS: u64 = 60_000;

/// The function's ports with fresh tables, and the engine behind them.
pub(super) struct World {
    ports: Ports,
    /// For damage that the store itself does not do.
    pub(super) client: Client,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the function answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: i64,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(listener, stopped));
        let aws = AwsConfig::from_vars(vars(&url)).unwrap();
        let (store, queue) = (aws.store(), aws.queue());
        store.create_tables().await.unwrap();
        let unsubscribe_key = UnsubscribeKey::parse("a key that is as long as keys have to be").unwrap();
        let links = UnsubscribeLinks::new("https://mail.acme.example", unsubscribe_key.clone()).unwrap();
        let ports = Ports {
            secrets: Secrets::new([("FANMAIL_SECRET_RELAY".to_owned(), "geheim".to_owned())]),
            renderer: Renderer::new(links, || SystemClock::new().now()),
            store,
            queue,
            clock: SystemClock::new(),
            auth: open(),
            unsubscribe_key,
            concurrency: None,
            schedules: None,
            sender_works: Duration::from_secs(42),
            metrics: Metrics::from_vars(&Vars::new([]), "api"),
        };
        Self { ports, client: client(&url), stop: Some(stop), thread: Some(thread) }
    }

    /// The same, where the senders' concurrency can be changed at this Lambda API.
    pub(super) async fn with_lambda(url: &str) -> Self {
        Self::with_sender(url, &[]).await
    }

    /// The same, with more variables about the sender.
    pub(super) async fn with_sender(url: &str, more: &[(&str, &str)]) -> Self {
        let mut world = Self::new().await;
        let known = [("AWS_ENDPOINT_URL_LAMBDA", url), ("FANMAIL_SENDER_FUNCTION", "sender")];
        let mut about = named(known.iter().chain(more).copied());
        let aws = AwsConfig::from_vars(vars("http://127.0.0.1:9")).unwrap();
        world.ports.concurrency = Concurrency::from_vars(&mut about, &aws);
        about.finish().unwrap();
        world
    }

    /// The same, where campaigns get one-time schedules at this Scheduler API.
    pub(super) async fn with_scheduler(url: &str) -> Self {
        let mut world = Self::new().await;
        let mut vars = named([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_SCHEDULER", url),
            ("FANMAIL_SCHEDULE_GROUP", "mails"),
            ("FANMAIL_SCHEDULE_TARGET_ARN", "start"),
            ("FANMAIL_SCHEDULE_ROLE_ARN", "role"),
            ("FANMAIL_SCHEDULE_DEAD_LETTERS_ARN", "dead"),
        ]);
        world.ports.schedules = Schedules::from_vars(&mut vars);
        vars.finish().unwrap();
        world
    }

    /// The same behind another door.
    pub(super) async fn with_auth(auth: Auth) -> Self {
        let mut world = Self::new().await;
        world.ports.auth = auth;
        let _ = world.store().take_usage();
        world
    }

    /// The same over tables of this version of the schema, which the function did not look at yet.
    pub(super) async fn new_process_on_version(version: u32) -> Self {
        let mut world = Self::new().await;
        for table in ["audience", "campaigns"] {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let version = AttributeValue::N(version.to_string());
            let item = [("pk", text("SCHEMA")), ("sk", text("SCHEMA")), ("version", version)];
            let item = item.map(|(name, value)| (name.to_owned(), value)).into();
            let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
            let write = WriteRequest::builder().put_request(put).build();
            world.client.batch_write_item().request_items(table, vec![write]).send().await.unwrap();
        }
        let names = TableNames { audience: "audience".to_owned(), campaigns: "campaigns".to_owned() };
        world.ports.store = Store::new(world.client.clone(), names);
        world
    }

    pub(super) fn store(&self) -> &Store {
        &self.ports.store
    }

    /// One request, and what came of it.
    pub(super) async fn request(&self, method: &str, url: &str, accept: &str, body: &str) -> Answer {
        self.ask(method, url, json!({ "accept": accept, "content-type": "application/json" }), body).await
    }

    /// One request with this `Authorization`.
    pub(super) async fn authorized(&self, method: &str, url: &str, header: &str, body: &str) -> Answer {
        self.ask(method, url, json!({ "authorization": header }), body).await
    }

    async fn ask(&self, method: &str, url: &str, headers: Value, body: &str) -> Answer {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers,
            "requestContext": { "http": { "method": method, "path": path }, "timeEpoch": 0 },
            "body": body, "isBase64Encoded": false,
        });
        self.event(event).await
    }

    /// One event of API Gateway, and what came of it.
    pub(super) async fn event(&self, event: Value) -> Answer {
        let mut context = Context::default();
        context.deadline = self.ports.clock.now().0 + TIMEOUT_MS;
        let event = serde_json::from_value(event).unwrap();
        let answer = handler::handle(&self.ports, event, &context).await;
        let body = answer.body.as_deref().map(|body| String::from_utf8(body.to_vec()).unwrap());
        Answer { status: answer.status_code, headers: answer.headers, body: body.unwrap_or_default() }
    }

    /// What is at `url`; it has to be there.
    pub(super) async fn get(&self, url: &str) -> Value {
        self.request("GET", url, "", "").await.data()
    }

    /// Status and message of a refusal.
    pub(super) async fn refusal(&self, url: &str) -> (i64, String) {
        self.request("GET", url, "", "").await.refusal()
    }
}

impl Answer {
    #[track_caller]
    pub(super) fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str::<Value>(&self.body).unwrap()["data"].take()
    }

    #[track_caller]
    pub(super) fn refusal(&self) -> (i64, String) {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        (self.status, body["message"].as_str().expect("no message").to_owned())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))) || std::thread::panicking(), "the engine broke down");
    }
}

/// A door that stands open: most of what is tested here is behind it.
fn open() -> Auth {
    Auth::from_vars(&mut Vars::new([("FANMAIL_API_AUTH".to_owned(), "open".to_owned())]))
}

fn vars(url: &str) -> Vars {
    let vars = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL_DYNAMODB", url),
        // Nobody listens there: what is tested here sends no tasks.
        ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9"),
        ("FANMAIL_AUDIENCE_TABLE", "audience"),
        ("FANMAIL_CAMPAIGNS_TABLE", "campaigns"),
        ("FANMAIL_LANES_QUEUE_URL", "http://127.0.0.1:9/0/lanes"),
        ("FANMAIL_BATCHES_QUEUE_URL", "http://127.0.0.1:9/0/batches"),
    ];
    named(vars)
}

fn named<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vars {
    Vars::new(vars.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(url)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Runs the engine on this thread until it is told to stop. Open connections do not hold it up.
fn serve(listener: TcpListener, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
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
