//! What every test needs: a host, a function on it, a witness of its work, a queue.

use std::{collections::BTreeMap, collections::HashMap, fs, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use fanmail_fair_sqs::FairSqs;
use fanmail_lambda_host::{
    EventSourceSpec, FunctionSpec, Host, HostConfig, InvokeError, LogSink, RustackQueue,
};
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_model::input::{CreateQueueInput, GetQueueAttributesInput, SendMessageInput};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

/// Longest wait for a condition; long, because the machine may be busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);
/// ARN of the queue `work`.
pub(crate) const QUEUE_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:work";

/// A host and its surroundings, all of it gone with the test.
pub(crate) struct Stage {
    pub(crate) host: Host,
    folder: TempDir,
    sqs: Arc<FairSqs>,
}

impl Stage {
    /// A host without functions.
    pub(crate) fn empty() -> Self {
        Self {
            host: Host::new(HostConfig::default()),
            folder: tempfile::tempdir().unwrap(),
            sqs: Arc::new(FairSqs::new(SqsConfig::default())),
        }
    }

    /// A host with the function `f`, changed by `change`.
    pub(crate) fn with_function(change: impl FnOnce(&mut FunctionSpec)) -> Self {
        let stage = Self::empty();
        let mut spec = FunctionSpec::new("f", env!("CARGO_BIN_EXE_host-test-function"));
        spec.timeout = Duration::from_secs(20);
        spec.log = LogSink::File(stage.path("logs/f.log"));
        spec.env.insert("WITNESS".to_owned(), stage.path("witness").display().to_string());
        change(&mut spec);
        stage.host.add_function(spec).unwrap();
        stage
    }

    /// Shuts the host down; what is left of the stage shows what it did.
    pub(crate) async fn shut_down(mut self, grace: Duration) -> Self {
        let host = std::mem::replace(&mut self.host, Host::new(HostConfig::default()));
        host.shutdown(grace).await;
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Invokes `f` and returns its answer.
    pub(crate) async fn invoke(&self, payload: Value) -> Result<Value, InvokeError> {
        let answer = self.host.invoke("f", payload.to_string().into()).await?;
        Ok(serde_json::from_slice(&answer).unwrap())
    }

    /// Invokes another function than `f`.
    pub(crate) async fn invoke_other(&self, function: &str) -> Result<Bytes, InvokeError> {
        self.host.invoke(function, Bytes::new()).await
    }

    /// The process id of the process that serves an invocation of `f`.
    pub(crate) async fn pid(&self) -> u32 {
        self.invoke(json!({ "do": "pid" })).await.unwrap().as_u64().unwrap().try_into().unwrap()
    }

    /// What the function has witnessed so far, line by line.
    pub(crate) fn witness(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("witness")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn forget_witness(&self) {
        fs::remove_file(self.path("witness")).unwrap();
    }

    /// Creates a queue and returns it.
    pub(crate) async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> Arc<RustackQueue> {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let input = CreateQueueInput {
            queue_name: name.to_owned(),
            attributes: attributes.collect(),
            tags: HashMap::new(),
        };
        self.sqs.create_queue(input).await.unwrap();
        Arc::new(RustackQueue::open(Arc::clone(&self.sqs), name).await.unwrap())
    }

    /// Creates the queue `work` and an event source `source` for `f`, changed by `change`.
    pub(crate) async fn event_source(
        &self,
        attributes: &[(&str, &str)],
        change: impl FnOnce(&mut EventSourceSpec),
    ) -> Arc<RustackQueue> {
        let queue = self.queue("work", attributes).await;
        let mut spec = EventSourceSpec::new("source", "f", QUEUE_ARN);
        change(&mut spec);
        self.host.add_event_source(spec, Arc::clone(&queue)).unwrap();
        queue
    }

    /// Changes the event source `source`.
    pub(crate) fn change_event_source(&self, change: impl FnOnce(&mut EventSourceSpec)) {
        let mut spec = self.host.event_sources().remove(0);
        change(&mut spec);
        self.host.update_event_source(spec).unwrap();
    }

    /// Sends a message to `work`.
    pub(crate) async fn send(&self, body: Value) {
        self.send_of(None, body).await;
    }

    /// Sends a message of a group, or of none, to `work`.
    pub(crate) async fn send_of(&self, group: Option<&str>, body: Value) {
        let input = SendMessageInput {
            queue_url: self.url("work"),
            message_body: body.to_string(),
            message_group_id: group.map(str::to_owned),
            ..SendMessageInput::default()
        };
        self.sqs.send_message(input).await.unwrap();
    }

    fn url(&self, queue: &str) -> String {
        self.sqs.queue_url_for_arn(&format!("arn:aws:sqs:us-east-1:000000000000:{queue}")).unwrap()
    }

    /// Messages of a queue: visible, and received but not deleted.
    pub(crate) async fn depth(&self, queue: &str) -> (u32, u32) {
        let input =
            GetQueueAttributesInput { queue_url: self.url(queue), attribute_names: vec!["All".to_owned()] };
        let attributes: BTreeMap<_, _> =
            self.sqs.get_queue_attributes(input).await.unwrap().attributes.into_iter().collect();
        let number = |name: &str| attributes[name].parse().unwrap();
        (number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible"))
    }

    /// Waits until `work` is empty, hidden messages included.
    pub(crate) async fn work_is_done(&self) {
        wait_for("an empty queue", async || self.depth("work").await == (0, 0)).await;
    }

    /// Waits until `count` processes of `f` are busy.
    pub(crate) async fn busy(&self, count: usize) {
        wait_for("busy processes", async || {
            self.host.processes("f").iter().filter(|process| process.busy).count() == count
        })
        .await;
    }
}

/// Asks until `condition` holds.
pub(crate) async fn wait_for(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "no {what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The largest number of pieces of work that had begun and not ended at one time.
pub(crate) fn most_at_a_time(witness: &[String]) -> usize {
    let mut now = 0;
    let counts = witness.iter().map(|line| {
        now = if line.starts_with("begin") { now + 1 } else { now - 1 };
        now
    });
    counts.max().unwrap_or(0)
}

/// Whether a process exists, be it only as a zombie.
pub(crate) fn exists(pid: u32) -> bool {
    fs::exists(format!("/proc/{pid}")).unwrap()
}

/// Whether a process exists and has not ended: neither a zombie (`Z`) nor one that another thread is burying
/// just now (`X`, which follows `Z` for a moment).
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}
