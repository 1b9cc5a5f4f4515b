//! The world of one test: a stack in memory on free ports, a proxy before its DynamoDB, and an end that checks.
//!
//! [`World::start`] waits until fewer than [`WORLDS`] stacks run. [`World::finish`] audits every campaign,
//! stops the stack and looks for what it left behind; a world that is dropped without it fails the test.
//! A world that [`World::lasting`] made can stop and start its stack in between: the inbox, as the provider, stays.

mod audit;
mod campaigns;
mod events;
mod orders;
mod people;
mod processes;
mod proxy;
mod queues;
mod reconcile;
mod ses;
mod wait;

use std::sync::Mutex;
use std::time::Duration;

use fanmail::send::ApiClient;
use fanmail::stack::{FunctionProgram, Provider, Stack, StackConfig, Storage};
use fanmail_domain::CampaignId;
use fanmail_inbox::{Inbox, InboxConfig, Script};
use fanmail_ses::stub::Stub;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) use campaigns::{Campaign, ends};
pub(crate) use events::{By, Told};
pub(crate) use orders::{done, order};
pub(crate) use people::{address_of, by_id, id_of, people};
pub(crate) use processes::{freeze, is_alive, kill, thaw};
pub(crate) use proxy::{Call, Proxy, Side};
pub(crate) use queues::task;
pub(crate) use ses::{address, sent, taken};
pub(crate) use wait::eventually;

/// Stacks at a time: the machine may have two cores.
const WORLDS: usize = 3;
/// Requests to the API at a time.
const CALLS: usize = 4;
static RUNNING: Semaphore = Semaphore::const_new(WORLDS);

/// Longest wait for anything that a scenario waits for: several leases.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

const FUNCTIONS: [&str; 5] = ["api", "start", "sender", "feedback", "sweeper"];
/// What every address ends with, and nothing but the audience's table may hold.
const DOMAIN: &str = "@example.org";

/// One test's stack, and everything to look into it.
pub(crate) struct World {
    pub(crate) stack: Option<Stack>,
    config: StackConfig,
    /// The inbox, where it outlives the stack.
    inbox: Option<Inbox>,
    /// SES, where it is the provider.
    pub(crate) ses: Option<Stub>,
    pub(crate) api: ApiClient,
    /// Requests to the API at a time: more are answered with 503, as on AWS.
    pub(crate) calls: Semaphore,
    pub(crate) proxy: Proxy,
    campaigns: Mutex<Vec<CampaignId>>,
    _turn: SemaphorePermit<'static>,
}

impl World {
    /// A stack with short limits.
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// A stack with short limits, changed by `change`.
    pub(crate) async fn with(change: impl FnOnce(&mut StackConfig)) -> Self {
        Self::build(None, change).await
    }

    /// The same, with an inbox that outlives the stack.
    pub(crate) async fn lasting(change: impl FnOnce(&mut StackConfig)) -> Self {
        let inbox = Inbox::start(InboxConfig::default()).await.unwrap();
        let url = format!("smtp://{}", inbox.smtp_addr());
        let change = |config: &mut StackConfig| {
            config.provider = Provider::Relay(url);
            change(config);
        };
        Self::build(Some(inbox), change).await
    }

    async fn build(inbox: Option<Inbox>, change: impl FnOnce(&mut StackConfig)) -> Self {
        let turn = RUNNING.acquire().await.unwrap();
        let proxy = Proxy::start().await;
        let program = FunctionProgram { path: env!("CARGO_BIN_EXE_stack-function").into(), args: Vec::new() };
        let mut config = StackConfig {
            timeout: Duration::from_secs(6),
            // Shared out over all steps of a message: 1.8 s for the reply to its end, 90 ms for a connection.
            submit_timeout: Duration::from_secs(12),
            sweep_every: Duration::from_millis(700),
            dynamodb_url: Some(proxy.url()),
            ..StackConfig::new(program)
        };
        change(&mut config);
        let stack = Stack::start(config.clone()).await.unwrap();
        proxy.lead_to(stack.dynamodb_url());
        let api = ApiClient::new(stack.api_url());
        let (calls, campaigns) = (Semaphore::new(CALLS), Mutex::default());
        Self { stack: Some(stack), config, inbox, ses: None, api, calls, proxy, campaigns, _turn: turn }
    }

    /// Kills every process where it stands, loses what is on the queues, and starts again on the same data.
    pub(crate) async fn restart(&mut self) {
        let stack = self.stack.take().unwrap();
        let living = FUNCTIONS.map(|function| stack.host.processes(function));
        living.iter().flatten().for_each(|process| kill(process.pid));
        let folder = stack.stop_and_keep(Duration::ZERO).await.unwrap();
        self.config.storage = Storage::Folder(folder);
        let stack = Stack::start(self.config.clone()).await.unwrap();
        self.proxy.lead_to(stack.dynamodb_url());
        self.api = ApiClient::new(stack.api_url());
        self.stack = Some(stack);
    }

    pub(crate) fn stack(&self) -> &Stack {
        self.stack.as_ref().unwrap()
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        self.inbox.as_ref().or_else(|| self.stack().inbox.as_ref()).unwrap()
    }

    pub(crate) async fn script(&self, script: Script) {
        self.inbox().set_script(script).await.unwrap();
    }

    /// Audits, stops, and checks that nothing is left.
    pub(crate) async fn finish(mut self) {
        let campaigns = self.campaigns.lock().unwrap().clone();
        self.audit(&campaigns).await;
        assert!(!self.proxy.saw_a_leak(), "an address was written into the table of campaigns");
        let stack = self.stack.take().unwrap();
        let folder = stack.log("sender").parent().unwrap().parent().unwrap().to_owned();
        assert!(folder.exists(), "the stack's folder is looked for in the wrong place");
        let mut pids = self.proxy.pids();
        for function in FUNCTIONS {
            let log = std::fs::read_to_string(stack.log(function)).unwrap_or_default();
            let line = log.lines().find(|line| line.contains(DOMAIN));
            assert!(line.is_none(), "an address is in the log of {function}: {line:?}");
        }
        let living = FUNCTIONS.map(|function| stack.host.processes(function));
        pids.extend(living.iter().flatten().map(|process| process.pid));
        stack.stop().await;
        if let Storage::Folder(folder) = &self.config.storage {
            std::fs::remove_dir_all(folder).unwrap();
        }
        eventually("no process of the stack lives", Duration::from_secs(5), async || {
            let left: Vec<u32> = pids.iter().copied().filter(|pid| is_alive(*pid)).collect();
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
        assert!(!folder.exists(), "{} was left behind", folder.display());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let finished = self.stack.is_none();
        if !finished && !std::thread::panicking() {
            panic!("the test did not call `finish`, so nothing was checked");
        }
    }
}
