//! What a host and a function are told at the start.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::log_sink::LogSink;

/// Values that AWS would give to every function of an account.
#[derive(Debug, Clone)]
pub struct HostConfig {
    /// Region in ARNs, events and `AWS_REGION`.
    pub region: String,
    /// Account in ARNs and events.
    pub account_id: String,
    /// Concurrency of each function that has no reserved one. A new AWS account gives 10 to all functions
    /// together ([quotas]); here each function has its own share.
    ///
    /// [quotas]: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    pub unreserved_concurrency: u32,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            unreserved_concurrency: 10,
        }
    }
}

/// One function: a program and the limits it runs under.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// Name, unique in the host.
    pub name: String,
    /// The program to start.
    pub command: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, on top of what AWS gives every function; the host's own environment is not passed on.
    pub env: BTreeMap<String, String>,
    /// Longest time one invocation may take; AWS allows 1 s to 900 s.
    pub timeout: Duration,
    /// Most invocations at a time; 0 throttles all, `None` leaves [`HostConfig::unreserved_concurrency`].
    pub reserved_concurrency: Option<u32>,
    /// Told to the function as `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`; not enforced.
    pub memory_mb: u32,
    /// Where its standard output and error go.
    pub log: LogSink,
}

impl FunctionSpec {
    /// A function with Lambda's defaults: 3 s, 128 MB, no reserved concurrency; its output is inherited.
    pub fn new(name: impl Into<String>, command: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            command: command.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            timeout: Duration::from_secs(3),
            reserved_concurrency: None,
            memory_mb: 128,
            log: LogSink::Inherit,
        }
    }
}
