//! One function: takes a unit of concurrency, finds or starts a process, hands the invocation over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    init_backoff::InitBackoff,
    invocation::InvokeError,
    pool::{Pool, Unit},
    process::{Answer, Process, ProcessInfo},
    spec::{FunctionSpec, HostConfig},
    sync::lock,
    usage::{EndedUsage, FunctionUsage},
};

/// Shortest time a new process gets to ask for its first invocation ([lifecycle]: "limited to 10 seconds").
///
/// [lifecycle]: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How often things happened to a function since it was added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionStats {
    /// Invocations that got a unit of concurrency.
    pub invocations: u64,
    /// What AWS would bill for them, in milliseconds: each from its start to its answer, the start of a process
    /// included, and rounded up to the next millisecond ([AWS Lambda pricing]).
    ///
    /// [AWS Lambda pricing]: https://aws.amazon.com/lambda/pricing/
    pub billed_ms: u64,
    /// Those that ended in an error, of whatever kind.
    pub errors: u64,
    /// Those that ran out of time.
    pub timeouts: u64,
    /// Those whose process ended under them.
    pub exits: u64,
    /// Invocations refused for lack of a unit.
    pub throttles: u64,
    /// Processes started.
    pub starts: u64,
    /// Failed starts since the last good one.
    pub init_failures_in_a_row: u32,
}

#[derive(Debug, Default)]
struct Counters {
    invocations: AtomicU64,
    billed_ms: AtomicU64,
    errors: AtomicU64,
    timeouts: AtomicU64,
    exits: AtomicU64,
    throttles: AtomicU64,
    starts: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A function and everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Function {
    spec: FunctionSpec,
    config: HostConfig,
    arn: String,
    pool: Arc<Pool>,
    init: InitBackoff,
    reserved: std::sync::Mutex<Option<u32>>,
    counters: Counters,
    ended_usage: Arc<EndedUsage>,
}

impl Function {
    pub(crate) fn new(spec: FunctionSpec, config: HostConfig) -> Arc<Self> {
        let arn = format!("arn:aws:lambda:{}:{}:function:{}", config.region, config.account_id, spec.name);
        let pool = Pool::new(spec.reserved_concurrency.unwrap_or(config.unreserved_concurrency));
        Arc::new(Self {
            reserved: std::sync::Mutex::new(spec.reserved_concurrency),
            spec,
            config,
            arn,
            pool,
            init: InitBackoff::default(),
            counters: Counters::default(),
            ended_usage: Arc::default(),
        })
    }

    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    pub(crate) fn config(&self) -> &HostConfig {
        &self.config
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Waits until an invocation would neither be throttled nor meet a pause after a failed start.
    pub(crate) async fn ready(&self) {
        self.init.over().await;
        self.pool.free().await;
    }

    /// Invokes the function, waiting for a unit of concurrency at most `wait`.
    ///
    /// # Errors
    ///
    /// Every kind of [`InvokeError`] but an unknown function.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        payload: Bytes,
        wait: Duration,
    ) -> Result<Bytes, InvokeError> {
        match self.pool.unit_within(wait).await {
            Ok(unit) => self.invoke_with(unit, payload).await,
            Err(refused) => {
                count(&self.counters.throttles);
                Err(refused)
            }
        }
    }

    /// Invokes the function with a unit the caller has.
    ///
    /// The invocation goes on if the caller stops waiting, as on AWS.
    ///
    /// # Errors
    ///
    /// Every kind of [`InvokeError`] but throttling and an unknown function.
    pub(crate) async fn invoke_with(
        self: &Arc<Self>,
        unit: Unit,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let function = Arc::clone(self);
        let invocation = tokio::spawn(async move {
            let started = Instant::now();
            let result = function.run(payload).await;
            function.record(&result, started.elapsed());
            drop(unit);
            result
        });
        invocation.await.unwrap_or(Err(InvokeError::Stopped))
    }

    async fn run(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        let (process, answer) = match self.taken_by_warm(&payload).await? {
            Some(taken) => taken,
            None => self.taken_by_new(payload).await?,
        };
        let result = process.answer(answer).await;
        self.pool.put_idle(process);
        result
    }

    /// Offers an invocation to the idle processes; `None` if there is none, or all had ended.
    async fn taken_by_warm(&self, payload: &Bytes) -> Result<Option<(Process, Answer)>, InvokeError> {
        let timeout = self.spec.timeout;
        while let Some(process) = self.pool.take_idle() {
            match process.offer(payload.clone(), timeout, timeout).await {
                Ok(answer) => return Ok(Some((process, answer))),
                // It may be frozen; starting over now would take longer than the caller was promised.
                Err(timed_out @ InvokeError::TimedOut(_)) => return Err(timed_out),
                Err(reason) => {
                    tracing::debug!(function.name = self.spec.name, %reason, "idle process was gone");
                }
            }
        }
        Ok(None)
    }

    /// Starts a process for an invocation.
    async fn taken_by_new(&self, payload: Bytes) -> Result<(Process, Answer), InvokeError> {
        self.init.check()?;
        let timeout = self.spec.timeout;
        let taken = match self.start().await {
            Ok(process) => {
                let offered = process.offer(payload, timeout, timeout.max(INIT_LIMIT)).await;
                offered.map(|answer| (process, answer))
            }
            Err(error) => Err(error),
        };
        match &taken {
            Ok(_) => self.init.succeeded(),
            Err(error) => self.init_failed(error),
        }
        taken
    }

    async fn start(&self) -> Result<Process, InvokeError> {
        count(&self.counters.starts);
        let ended_usage = Arc::clone(&self.ended_usage);
        let process = Process::start(&self.spec, &self.config, &self.arn, ended_usage)
            .await
            .map_err(|error| InvokeError::Start(Arc::new(error)))?;
        self.pool.register(&process);
        Ok(process)
    }

    fn init_failed(&self, error: &InvokeError) {
        self.init.failed(error.clone());
        tracing::warn!(
            function.name = self.spec.name,
            error = error as &dyn std::error::Error,
            failures_in_a_row = self.init.in_a_row(),
            "function did not start"
        );
    }

    fn record(&self, result: &Result<Bytes, InvokeError>, took: Duration) {
        let counters = &self.counters;
        count(&counters.invocations);
        let billed_ms = u64::try_from(took.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX);
        counters.billed_ms.fetch_add(billed_ms, Ordering::Relaxed);
        let Err(error) = result else { return };
        count(&counters.errors);
        match error {
            InvokeError::TimedOut(_) => count(&counters.timeouts),
            InvokeError::Exited(_) => count(&counters.exits),
            InvokeError::Function(_)
            | InvokeError::Init(_)
            | InvokeError::Start(_)
            | InvokeError::Stopped
            | InvokeError::Throttled
            | InvokeError::UnknownFunction(_) => {}
        }
    }

    /// The reserved concurrency in force.
    pub(crate) fn reserved_concurrency(&self) -> Option<u32> {
        *lock(&self.reserved)
    }

    /// Sets the reserved concurrency; `None` removes it. Busy processes finish what they serve.
    pub(crate) fn set_reserved_concurrency(&self, reserved: Option<u32>) {
        let mut current = lock(&self.reserved);
        *current = reserved;
        self.pool.set_limit(reserved.unwrap_or(self.config.unreserved_concurrency));
    }

    pub(crate) fn processes(&self) -> Vec<ProcessInfo> {
        self.pool.living().iter().map(|process| process.info()).collect()
    }

    pub(crate) fn usage(&self) -> FunctionUsage {
        let living = self.pool.living();
        let mut usage = self.ended_usage.total();
        for process in living {
            usage.add(process.sample());
        }
        usage
    }

    pub(crate) fn stats(&self) -> FunctionStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FunctionStats {
            invocations: read(&self.counters.invocations),
            billed_ms: read(&self.counters.billed_ms),
            errors: read(&self.counters.errors),
            timeouts: read(&self.counters.timeouts),
            exits: read(&self.counters.exits),
            throttles: read(&self.counters.throttles),
            starts: read(&self.counters.starts),
            init_failures_in_a_row: self.init.in_a_row(),
        }
    }
}
