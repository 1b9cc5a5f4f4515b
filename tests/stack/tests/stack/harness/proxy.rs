//! A proxy before DynamoDB that knows whose request it is, and can hold, refuse or spoil it.
//!
//! Functions reach it as `/<function>/<pid>/`. The first rule that matches a request decides what happens:
//!
//! * *hold before*: the engine has not seen it. If the process dies meanwhile, it never will.
//! * *hold after*: the engine has carried it out, and nobody was told.
//! * *fail*: the engine has not seen it, and the caller is told 500; or it has, and is told 500 all the same.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

/// One request of a function.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) pid: u32,
    /// `PutItem`, `GetItem` and so on.
    pub(crate) operation: String,
    pub(crate) body: Arc<str>,
    /// The campaign that the process was last seen working for.
    pub(crate) campaign: Option<u64>,
}

/// Which side of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// Speaks with the engine.
type Upstream = Client<HttpConnector, Full<Bytes>>;
type Matcher = Box<dyn Fn(&Call) -> bool + Send + Sync>;

struct Rule {
    matches: Matcher,
    /// Matching requests to let pass first.
    skip: u32,
    /// Matching requests to act on after those.
    times: u32,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Hold { side: Side, held: mpsc::UnboundedSender<Call>, release: watch::Receiver<bool> },
    Fail { side: Side },
}

/// A request that is to be held, or is.
pub(crate) struct Held {
    what: String,
    held: mpsc::UnboundedReceiver<Call>,
    release: watch::Sender<bool>,
}

impl Held {
    /// Waits until the request has come.
    pub(crate) async fn reached(&mut self) -> Call {
        let came = tokio::time::timeout(super::PATIENCE, self.held.recv()).await;
        came.unwrap_or_else(|_| panic!("{} never came", self.what)).unwrap()
    }

    /// Lets it go on.
    pub(crate) fn release(&self) {
        self.release.send_replace(true);
    }
}

#[derive(Default)]
struct Shared {
    upstream: Mutex<String>,
    rules: Mutex<Vec<Rule>>,
    campaigns: Mutex<HashMap<u32, u64>>,
    pids: Mutex<BTreeSet<u32>>,
    leaked: AtomicBool,
}

/// The proxy; it ends with its handle.
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let router = Router::new().fallback(serve).with_state((Arc::clone(&shared), client));
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server: server.abort_handle() }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Says where the engine is.
    pub(crate) fn lead_to(&self, url: &str) {
        url.clone_into(&mut self.shared.upstream.lock().unwrap());
    }

    /// Every process that was seen.
    pub(crate) fn pids(&self) -> BTreeSet<u32> {
        self.shared.pids.lock().unwrap().clone()
    }

    /// Whether a request to the table of campaigns held somebody's address.
    pub(crate) fn saw_a_leak(&self) -> bool {
        self.shared.leaked.load(Ordering::Relaxed)
    }

    /// Holds the `nth` matching request (from 0), and only that.
    pub(crate) fn hold(
        &self,
        side: Side,
        nth: u32,
        matches: impl Fn(&Call) -> bool + Send + Sync + 'static,
    ) -> Held {
        let (sender, held) = mpsc::unbounded_channel();
        let (release, released) = watch::channel(false);
        let action = Action::Hold { side, held: sender, release: released };
        self.rule(Rule { matches: Box::new(matches), skip: nth, times: 1, action });
        Held { what: format!("matching request {nth}"), held, release }
    }

    /// Answers the first `times` matching requests with 500.
    pub(crate) fn fail(
        &self,
        side: Side,
        times: u32,
        matches: impl Fn(&Call) -> bool + Send + Sync + 'static,
    ) {
        self.rule(Rule { matches: Box::new(matches), skip: 0, times, action: Action::Fail { side } });
    }

    /// Forgets what was asked of it; what is held stays held.
    pub(crate) fn clear(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    fn rule(&self, rule: Rule) {
        self.shared.rules.lock().unwrap().push(rule);
    }
}

impl Call {
    /// Whether a sender made it.
    pub(crate) fn is_of(&self, function: &str) -> bool {
        self.function == function
    }

    /// Whether it is such an operation and its body contains `text`.
    pub(crate) fn is(&self, operation: &str, text: &str) -> bool {
        self.operation == operation && self.body.contains(text)
    }

    /// Whether it reads subscribers, by the stretch or by name.
    pub(crate) fn reads_people(&self) -> bool {
        self.is("Query", "\"S#") || self.is("BatchGetItem", "\"S#")
    }
}

impl Shared {
    /// Reads what is to be known of a request.
    fn call(&self, path: &str, target: &str, body: &Bytes) -> Call {
        let mut parts = path.trim_matches('/').split('/');
        let function = parts.next().unwrap_or_default().to_owned();
        let pid = parts.next().and_then(|pid| pid.parse().ok()).unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body: Arc<str> = String::from_utf8_lossy(body).into();
        if body.contains("fanmail-campaigns") && body.contains(super::DOMAIN) {
            self.leaked.store(true, Ordering::Relaxed);
        }
        let mut campaigns = self.campaigns.lock().unwrap();
        if let Some(campaign) = campaign_in(&body) {
            campaigns.insert(pid, campaign);
        }
        if pid > 0 {
            self.pids.lock().unwrap().insert(pid);
        }
        Call { function, pid, operation, body, campaign: campaigns.get(&pid).copied() }
    }

    fn action(&self, call: &Call) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut().filter(|rule| (rule.matches)(call)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                return Some(rule.action.clone());
            }
        }
        None
    }
}

/// The number in the first key of the form `C#<number>`.
fn campaign_in(body: &str) -> Option<u64> {
    let (_, rest) = body.split_once("\"C#")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

async fn serve(State((shared, client)): State<(Arc<Shared>, Upstream)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else { return failed() };
    let body = body.to_bytes();
    let target = parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let call = shared.call(parts.uri.path(), target.unwrap_or_default(), &body);
    let action = shared.action(&call);
    if let Some(Action::Fail { side: Side::Before }) = action {
        return failed();
    }
    if let Some(Action::Hold { side: Side::Before, held, release }) = &action {
        hold(&call, held, release.clone()).await;
    }
    let upstream = shared.upstream.lock().unwrap().clone();
    let mut forward = Request::from_parts(parts, Full::new(body));
    *forward.uri_mut() = format!("{upstream}/").parse().unwrap();
    let Ok(answer) = client.request(forward).await else { return failed() };
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return failed() };
    match &action {
        Some(Action::Fail { side: Side::After }) => return failed(),
        Some(Action::Hold { side: Side::After, held, release }) => hold(&call, held, release.clone()).await,
        Some(Action::Fail { .. } | Action::Hold { .. }) | None => {}
    }
    Response::from_parts(parts, Body::from(body.to_bytes()))
}

async fn hold(call: &Call, held: &mpsc::UnboundedSender<Call>, mut release: watch::Receiver<bool>) {
    // Nobody listens, or nobody can release it any more: the test is over.
    let _ = held.send(call.clone());
    let _ = release.wait_for(|released| *released).await;
}

/// What DynamoDB answers when something is wrong on its side.
fn failed() -> Response {
    let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"injected"}"#;
    let response = Response::builder().status(500).header("content-type", "application/x-amz-json-1.0");
    response.body(Body::from(body)).unwrap()
}
