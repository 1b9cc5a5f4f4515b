//! The end of a host leaves no process behind.

use std::{sync::Arc, time::Duration};

use fanmail_lambda_host::{
    EventSourceSpec, HostError, InvokeError, MessageQueue, QueueError, ReceivedMessage, RustackQueue,
    Schedule,
};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{QUEUE_ARN, Stage, exists, is_alive, signal, wait_for};

fn pids(stage: &Stage) -> Vec<u32> {
    stage.host.processes("f").iter().map(|process| process.pid).collect()
}

#[tokio::test]
async fn shutdown_leaves_no_process() {
    let stage = Stage::with_function(|_| {});
    let queue = stage.event_source(&[], |_| {}).await;
    let schedule =
        Schedule { name: "s".to_owned(), function: "f".to_owned(), every: Duration::from_secs(3600) };
    stage.host.add_schedule(schedule).unwrap();
    tokio::join!(stage.pid(), stage.pid(), stage.pid());
    let pids = pids(&stage);
    assert!(!pids.is_empty() && pids.iter().all(|pid| exists(*pid)));
    signal(pids[0], Signal::STOP);

    stage.shut_down(Duration::from_secs(10)).await;

    assert!(pids.iter().all(|pid| !exists(*pid)), "left: {pids:?}");
    assert_eq!(Arc::strong_count(&queue), 1, "the event source is still polling");
}

#[tokio::test]
async fn shutdown_waits_for_what_runs_and_deletes_its_messages() {
    let stage = Stage::with_function(|_| {});
    stage.event_source(&[], |_| {}).await;
    stage.send(json!({ "name": "a", "do": "sleep", "ms": 500 })).await;
    stage.busy(1).await;
    let pids = pids(&stage);

    let stage = stage.shut_down(Duration::from_secs(20)).await;

    assert_eq!(stage.witness(), ["begin a 1", "end a 1"]);
    assert_eq!(stage.depth("work").await, (0, 0));
    assert!(pids.iter().all(|pid| !exists(*pid)));
}

/// A queue that takes its time to delete.
struct SlowToDelete(Arc<RustackQueue>);

impl MessageQueue for SlowToDelete {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<ReceivedMessage>, QueueError> {
        self.0.receive(max, wait).await
    }

    async fn delete(&self, receipt_handles: &[String]) -> Result<(), QueueError> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.0.delete(receipt_handles).await
    }

    async fn change_visibility(
        &self,
        receipt_handles: &[String],
        timeout: Duration,
    ) -> Result<(), QueueError> {
        self.0.change_visibility(receipt_handles, timeout).await
    }
}

#[tokio::test]
async fn shutdown_waits_until_finished_messages_are_deleted() {
    let stage = Stage::with_function(|_| {});
    let queue = SlowToDelete(stage.queue("work", &[]).await);
    stage.host.add_event_source(EventSourceSpec::new("source", "f", QUEUE_ARN), Arc::new(queue)).unwrap();
    stage.send(json!({ "name": "a", "do": "sleep", "ms": 200 })).await;
    stage.busy(1).await;

    let stage = stage.shut_down(Duration::from_secs(20)).await;

    assert_eq!(stage.depth("work").await, (0, 0));
}

#[tokio::test]
async fn shutdown_kills_what_outlasts_the_grace() {
    let stage = Stage::with_function(|spec| spec.timeout = Duration::from_secs(600));
    stage.event_source(&[], |_| {}).await;
    stage.send(json!({ "name": "a", "do": "sleep", "ms": 600_000 })).await;
    stage.busy(1).await;
    let pids = pids(&stage);

    let stage = stage.shut_down(Duration::from_millis(100)).await;

    assert!(pids.iter().all(|pid| !exists(*pid)));
    assert_eq!(stage.depth("work").await, (0, 1), "the message is hidden, not lost");
}

#[tokio::test]
async fn dropping_a_host_kills_its_processes() {
    let stage = Stage::with_function(|_| {});
    let idle = stage.pid().await;

    drop(stage);

    wait_for("end of the process", async || !exists(idle)).await;
}

#[test]
fn the_end_of_the_runtime_kills_processes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stage, pid) = runtime.block_on(async {
        let stage = Stage::with_function(|_| {});
        let pid = stage.pid().await;
        // Frozen, so that it cannot notice by itself that the host has gone.
        signal(pid, Signal::STOP);
        (stage, pid)
    });

    drop(runtime);

    let end = std::time::Instant::now() + Duration::from_secs(20);
    while is_alive(pid) {
        assert!(std::time::Instant::now() < end, "process {pid} outlived the runtime");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(stage);
}

#[tokio::test]
async fn names_are_checked() {
    let stage = Stage::with_function(|_| {});
    let spec = |name: &str| fanmail_lambda_host::FunctionSpec::new(name, "/bin/true");

    assert!(matches!(stage.host.add_function(spec("f")), Err(HostError::NameTaken(_))));
    for name in ["", "a b", "ä", &"x".repeat(65)] {
        assert!(matches!(stage.host.add_function(spec(name)), Err(HostError::BadFunctionName(_))), "{name}");
    }
    assert!(matches!(stage.invoke_other("g").await, Err(InvokeError::UnknownFunction(_))));
}

#[test]
fn a_function_whose_host_was_killed_ends_itself() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut function = std::process::Command::new(env!("CARGO_BIN_EXE_host-test-function"))
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (connection, _) = listener.accept().unwrap();

    // A killed host leaves no listener and no connection.
    drop((listener, connection));

    let end = std::time::Instant::now() + Duration::from_secs(20);
    while function.try_wait().unwrap().is_none() && std::time::Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    function.kill().unwrap();
    assert!(
        !function.wait().unwrap().success() && std::time::Instant::now() < end,
        "it went on without a host"
    );
}
