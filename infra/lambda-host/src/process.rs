//! One process of a function.
//!
//! A process belongs to the invocation it serves, or to the pool while it is idle. Beside it runs a *supervisor*
//! task, which owns the operating system's process: it kills when told, notices the end, reads the last usage
//! between the end and the burial, and publishes how the process ended. Dropping a [`Process`] kills it; dropping
//! the whole runtime does so too (`kill_on_drop`). After a `kill -9` of the host, the function's connection to
//! the runtime API breaks, and a function that waits for its next invocation ends itself.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::serve::ListenerExt;
use bytes::Bytes;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Notify, mpsc, oneshot, watch},
    task::AbortHandle,
    time::Instant,
};

use crate::{
    environment,
    invocation::{FunctionError, InvokeError, Job, Waiting},
    runtime_api::{Phase, RuntimeApi},
    spec::{FunctionSpec, HostConfig},
    sync::{lock, send_at_once},
    usage::{EndedUsage, ProcessUsage},
};

/// What can be seen of a process from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessInfo {
    /// The operating system's process id.
    pub pid: u32,
    /// Whether it serves an invocation now.
    pub busy: bool,
    /// Invocations handed to it so far, including the one it serves.
    pub invocations: u64,
}

/// After an invocation the usage is read only if the last reading is older: reading `/proc` is slow beside all else that
/// the host does between two invocations, and peak memory never falls.
const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// What a process shares with its supervisor and with the pool's list.
#[derive(Debug)]
pub(crate) struct ProcessState {
    pid: u32,
    busy: AtomicBool,
    invocations: AtomicU64,
    usage: Mutex<ProcessUsage>,
    /// When the usage was read last after an invocation.
    sampled_at: Mutex<Option<Instant>>,
    kill: Notify,
    ended: watch::Sender<Option<Arc<str>>>,
}

impl ProcessState {
    fn new(pid: u32) -> Self {
        Self {
            pid,
            busy: AtomicBool::new(false),
            invocations: AtomicU64::new(0),
            usage: Mutex::default(),
            sampled_at: Mutex::default(),
            kill: Notify::new(),
            ended: watch::Sender::new(None),
        }
    }

    /// What a caller may know, while the process lives.
    pub(crate) fn info(&self) -> ProcessInfo {
        ProcessInfo {
            pid: self.pid,
            busy: self.busy.load(Ordering::Relaxed),
            invocations: self.invocations.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Has the process killed; it ends a moment later.
    pub(crate) fn kill(&self) {
        self.kill.notify_one();
    }

    /// Waits for the end and tells how it came.
    pub(crate) async fn ended(&self) -> Arc<str> {
        let mut ended = self.ended.subscribe();
        // The sender is in `self`, so waiting cannot fail.
        ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone()).unwrap_or_default()
    }

    /// Updates the usage from the system and returns it.
    pub(crate) fn sample(&self) -> ProcessUsage {
        let mut usage = lock(&self.usage);
        *usage = usage.or_later(ProcessUsage::of(self.pid));
        *usage
    }

    /// The same after an invocation, unless that was done a moment ago.
    fn sample_if_due(&self) {
        let mut sampled_at = lock(&self.sampled_at);
        if sampled_at.is_none_or(|at| SAMPLE_EVERY <= at.elapsed()) {
            *sampled_at = Some(Instant::now());
            self.sample();
        }
    }
}

/// The answer that a process owes for an invocation it has taken.
#[derive(Debug)]
pub(crate) struct Answer {
    reply: oneshot::Receiver<Result<Bytes, FunctionError>>,
    timeout: Duration,
}

/// A running process and the way to its runtime API.
#[derive(Debug)]
pub(crate) struct Process {
    state: Arc<ProcessState>,
    jobs: mpsc::Sender<Job>,
    phase: watch::Receiver<Phase>,
    server: AbortHandle,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.state.kill();
        self.server.abort();
    }
}

impl Process {
    /// Starts a process of `spec`; its usage is added to `ended_usage` at its end.
    ///
    /// # Errors
    ///
    /// No free port, no log file, or the program cannot be started.
    pub(crate) async fn start(
        spec: &FunctionSpec,
        config: &HostConfig,
        function_arn: &str,
        ended_usage: Arc<EndedUsage>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut command = Command::new(&spec.command);
        environment::set(&mut command, spec, config, listener.local_addr()?);
        let (stdout, stderr) = spec.log.open()?;
        command.args(&spec.args).stdin(std::process::Stdio::null()).stdout(stdout).stderr(stderr);
        // A group of its own: the Ctrl-C of a terminal goes to a whole group, and how a function ends is for
        // the host to say, not for the terminal in the middle of an invocation.
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process has no id"))?;

        let (jobs, jobs_receiver) = mpsc::channel(1);
        let api = Arc::new(RuntimeApi::new(function_arn.to_owned(), jobs_receiver));
        let phase = api.phase();
        let listener = listener.tap_io(send_at_once);
        let server = tokio::spawn(async move { axum::serve(listener, api.router()).await }).abort_handle();
        let state = Arc::new(ProcessState::new(pid));
        tokio::spawn(supervise(child, Arc::clone(&state), ended_usage));
        Ok(Self { state, jobs, phase, server })
    }

    pub(crate) fn state(&self) -> &Arc<ProcessState> {
        &self.state
    }

    /// Offers one invocation and waits until the process has taken it.
    ///
    /// `patience` is how long the process may take to ask for it: long for one that has just been started.
    ///
    /// # Errors
    ///
    /// Why the process did not take it; the process has ended then, and another one may have the invocation.
    pub(crate) async fn offer(
        &self,
        payload: Bytes,
        timeout: Duration,
        patience: Duration,
    ) -> Result<Answer, InvokeError> {
        let (job, Waiting { mut taken, reply }) = Job::new(payload, timeout);
        // A closed channel means that the process is ending; that is found out below.
        let _ = self.jobs.send(job).await;
        self.state.busy.store(true, Ordering::Relaxed);
        let mut phase = self.phase.clone();
        tokio::select! {
            biased;
            Ok(()) = &mut taken => {
                self.state.invocations.fetch_add(1, Ordering::Relaxed);
                Ok(Answer { reply, timeout })
            }
            how = self.state.ended() => match init_error(&phase) {
                Some(error) => Err(InvokeError::Init(error)),
                None => Err(InvokeError::Exited(how)),
            },
            Some(error) = init_failure(&mut phase) => {
                self.end().await;
                Err(InvokeError::Init(error))
            }
            () = tokio::time::sleep(patience) => {
                self.end().await;
                Err(InvokeError::TimedOut(patience))
            }
        }
    }

    /// Waits for the answer to an invocation that this process has taken.
    ///
    /// # Errors
    ///
    /// The function's error; or the process ended, which it also has if it took too long.
    pub(crate) async fn answer(&self, mut answer: Answer) -> Result<Bytes, InvokeError> {
        let result = tokio::select! {
            biased;
            Ok(result) = &mut answer.reply => result.map_err(InvokeError::Function),
            how = self.state.ended() => match answer.reply.try_recv() {
                Ok(result) => result.map_err(InvokeError::Function),
                Err(_) => Err(InvokeError::Exited(how)),
            },
            () = tokio::time::sleep(answer.timeout) => {
                self.end().await;
                Err(InvokeError::TimedOut(answer.timeout))
            }
        };
        self.state.sample_if_due();
        self.state.busy.store(false, Ordering::Relaxed);
        result
    }

    /// Kills the process and waits until it has ended.
    async fn end(&self) {
        self.state.sample();
        self.state.kill();
        self.state.ended().await;
    }
}

fn init_error(phase: &watch::Receiver<Phase>) -> Option<FunctionError> {
    match &*phase.borrow() {
        Phase::InitFailed(error) => Some(error.clone()),
        Phase::Starting | Phase::Serving => None,
    }
}

/// Waits for an init error; `None` once the process's runtime API is gone.
async fn init_failure(phase: &mut watch::Receiver<Phase>) -> Option<FunctionError> {
    phase.wait_for(|phase| matches!(phase, Phase::InitFailed(_))).await.ok()?;
    init_error(phase)
}

/// Owns the operating system's process from its start to its burial.
async fn supervise(mut child: Child, state: Arc<ProcessState>, ended_usage: Arc<EndedUsage>) {
    tokio::select! {
        () = end_of(&mut child) => {}
        () = state.kill.notified() => {
            state.sample();
            // Fails only if the process has already ended.
            let _ = child.start_kill();
            end_of(&mut child).await;
        }
    }
    let usage = state.sample();
    let how = match child.wait().await {
        Ok(status) => status.to_string(),
        Err(error) => format!("unknown: {error}"),
    };
    tracing::debug!(process.pid = state.pid, %how, "process ended");
    // Together, so that no process counts as living and as ended for long.
    ended_usage.add(usage);
    state.ended.send_replace(Some(how.into()));
}

/// Waits until the process has ended, but leaves it to be waited for, so that `/proc` still knows it.
#[cfg(target_os = "linux")]
async fn end_of(child: &mut Child) {
    use tokio::signal::unix::{SignalKind, signal};

    // Listening starts before the first look, so no end falls between them.
    let Ok(mut children_changed) = signal(SignalKind::child()) else {
        return drop(child.wait().await);
    };
    while child.id().is_some_and(is_running) {
        children_changed.recv().await;
    }
}

#[cfg(target_os = "linux")]
fn is_running(pid: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), look), Ok(None)))
}

/// Waits until the process has ended.
#[cfg(not(target_os = "linux"))]
async fn end_of(child: &mut Child) {
    drop(child.wait().await);
}
