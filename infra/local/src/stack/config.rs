//! What a stack is told at the start.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use fanmail_inbox::InboxConfig;
use fanmail_sender::WRITE_RESERVE;

/// Where a stack keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory; logs and caught mail in a temporary folder that goes with the stack.
    Memory,
    /// In a folder that survives.
    Folder(PathBuf),
}

/// Who takes the mail.
#[derive(Debug, Clone)]
pub enum Provider {
    /// The built-in inbox.
    Inbox(Box<InboxConfig>),
    /// A relay, by its URL.
    Relay(String),
}

/// Whether the HTTP API asks for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiAuth {
    /// It does, as on AWS.
    Tokens,
    /// It does not: it listens on 127.0.0.1.
    Open,
}

/// The program that becomes a function when it is started with the function's name as its last argument.
#[derive(Debug, Clone)]
pub struct FunctionProgram {
    /// The executable.
    pub path: PathBuf,
    /// Arguments before the function's name.
    pub args: Vec<String>,
}

/// What a stack is told at the start.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Where the data is.
    pub storage: Storage,
    /// Who takes the mail.
    pub provider: Provider,
    /// What the functions are.
    pub program: FunctionProgram,
    /// Where the HTTP API listens; port 0 takes a free one.
    pub api_addr: SocketAddr,
    /// Whether the HTTP API asks for tokens.
    pub api_auth: ApiAuth,
    /// Senders at a time: the function's reserved concurrency, and its event source's maximum.
    pub concurrency: u32,
    /// Whether the concurrency that the settings have, where they were stored before, outweighs this one.
    pub keep_concurrency: bool,
    /// Connections that one sender keeps open.
    pub max_conns: u32,
    /// How long one invocation of `start` and of `sender` may take.
    pub timeout: Duration,
    /// How long one message may take from the first command to the last reply.
    pub submit_timeout: Duration,
    /// How often the sweeper looks.
    pub sweep_every: Duration,
    /// Deliveries of a task before it goes to the dead-letter queue.
    pub max_receive_count: u32,
    /// Where the functions find DynamoDB, if not at the stack's own engine: a proxy in front of it, say.
    pub dynamodb_url: Option<String>,
    /// More variables for the sender, which come before the stack's own: another provider, say.
    pub sender_env: BTreeMap<String, String>,
    /// The functions' log level, in the syntax of `FANMAIL_LOG`.
    pub log: String,
}

impl StackConfig {
    /// How long a sender works on a batch before it hands the rest on: it keeps a reserve for the last message
    /// and its writes, at most a third of its time (`fanmail_runtime::invocation`).
    #[must_use]
    pub fn sender_works(&self) -> Duration {
        self.timeout - (self.submit_timeout + WRITE_RESERVE).min(self.timeout / 3)
    }

    /// A stack in memory on free ports, with the inbox as the provider.
    #[must_use]
    pub fn new(program: FunctionProgram) -> Self {
        Self {
            storage: Storage::Memory,
            provider: Provider::Inbox(Box::default()),
            program,
            api_addr: (Ipv4Addr::LOCALHOST, 0).into(),
            api_auth: ApiAuth::Open,
            concurrency: 2,
            keep_concurrency: false,
            max_conns: 8,
            timeout: Duration::from_secs(60),
            submit_timeout: Duration::from_secs(15),
            sweep_every: Duration::from_secs(5),
            max_receive_count: 10,
            dynamodb_url: None,
            sender_env: BTreeMap::new(),
            log: "info".to_owned(),
        }
    }
}
