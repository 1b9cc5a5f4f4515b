//! The host: adds functions, event sources and schedules, and ends them all.
//!
//! [`Host::shutdown`] first stops what starts invocations, then waits for those that run, then kills what is left
//! and waits until no process lives. Dropping a host without that kills every process at once and waits for
//! nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    event_source::{EventSource, EventSourceSpec},
    function::{Function, FunctionStats},
    invocation::InvokeError,
    message_queue::MessageQueue,
    process::ProcessInfo,
    registry::Registry,
    schedule::{self, FireReply, Schedule},
    spec::{FunctionSpec, HostConfig},
    sync::lock,
    usage::FunctionUsage,
};

/// A part that could not be added or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Something of that kind has this name already.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// A function's name is not 1 to 64 letters, digits, `-` or `_`.
    #[error("a function cannot be called {0:?}")]
    BadFunctionName(String),
    /// The function it is for has not been added.
    #[error("there is no function {0}")]
    UnknownFunction(String),
    /// The event source to change has not been added.
    #[error("there is no event source {0}")]
    UnknownEventSource(String),
    /// A setting of an event source is out of its range; the text says which.
    #[error("{0}")]
    BadEventSource(&'static str),
    /// A schedule without a period.
    #[error("the period of schedule {0} is zero")]
    NoPeriod(String),
}

/// Runs functions as processes.
#[derive(Debug)]
pub struct Host {
    config: HostConfig,
    registry: Arc<Registry>,
    schedules: Mutex<BTreeMap<String, mpsc::Sender<FireReply>>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Drop for Host {
    fn drop(&mut self) {
        for function in self.registry.functions() {
            function.pool().close();
        }
    }
}

impl Host {
    /// A host without functions. Everything that is added starts tasks, so add inside a tokio runtime.
    #[must_use]
    pub fn new(config: HostConfig) -> Self {
        Self { config, registry: Arc::default(), schedules: Mutex::default(), tasks: Mutex::default() }
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Adds a function; its first process is started by its first invocation.
    ///
    /// # Errors
    ///
    /// [`HostError::BadFunctionName`], [`HostError::NameTaken`].
    pub fn add_function(&self, spec: FunctionSpec) -> Result<(), HostError> {
        let name = spec.name.clone();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(HostError::BadFunctionName(name));
        }
        let added = self.registry.add_function(Function::new(spec, self.config.clone()));
        added.then_some(()).ok_or(HostError::NameTaken(name))
    }

    /// Adds an event source and starts polling `queue` for it.
    ///
    /// # Errors
    ///
    /// [`HostError::BadEventSource`], [`HostError::UnknownFunction`], [`HostError::NameTaken`].
    pub fn add_event_source<Q: MessageQueue>(
        &self,
        spec: EventSourceSpec,
        queue: Arc<Q>,
    ) -> Result<(), HostError> {
        spec.check().map_err(HostError::BadEventSource)?;
        let source = EventSource::new(spec.clone(), self.function(&spec.function)?);
        if !self.registry.add_event_source(Arc::clone(&source)) {
            return Err(HostError::NameTaken(spec.uuid));
        }
        lock(&self.tasks).spawn(source.poll(queue));
        Ok(())
    }

    /// Adds a schedule; it fires for the first time after one period.
    ///
    /// # Errors
    ///
    /// [`HostError::NoPeriod`], [`HostError::UnknownFunction`], [`HostError::NameTaken`].
    pub fn add_schedule(&self, schedule: Schedule) -> Result<(), HostError> {
        if schedule.every.is_zero() {
            return Err(HostError::NoPeriod(schedule.name));
        }
        let function = self.function(&schedule.function)?;
        let mut schedules = lock(&self.schedules);
        if schedules.contains_key(&schedule.name) {
            return Err(HostError::NameTaken(schedule.name));
        }
        let (fire, fired) = mpsc::channel(1);
        schedules.insert(schedule.name.clone(), fire);
        lock(&self.tasks).spawn(schedule::run(schedule, function, fired));
        Ok(())
    }

    fn function(&self, name: &str) -> Result<Arc<Function>, HostError> {
        self.registry.function(name).map_err(|_| HostError::UnknownFunction(name.to_owned()))
    }

    /// Invokes a function and waits for its answer.
    ///
    /// The invocation goes on if the caller stops waiting.
    ///
    /// # Errors
    ///
    /// Every kind of [`InvokeError`]; over the limit it is [`InvokeError::Throttled`] at once.
    pub async fn invoke(&self, function: &str, payload: Bytes) -> Result<Bytes, InvokeError> {
        self.registry.invoke(function, payload, Duration::ZERO).await
    }

    /// Fires a schedule out of turn and waits for the answer of its function; after a running invocation of the
    /// same schedule, never beside it.
    ///
    /// # Errors
    ///
    /// Those of [`invoke`](Self::invoke); [`InvokeError::Stopped`] also if there is no such schedule.
    pub async fn fire(&self, schedule: &str) -> Result<Bytes, InvokeError> {
        let fire = lock(&self.schedules).get(schedule).cloned().ok_or(InvokeError::Stopped)?;
        let (reply, result) = oneshot::channel();
        fire.send(reply).await.map_err(|_| InvokeError::Stopped)?;
        result.await.unwrap_or(Err(InvokeError::Stopped))
    }

    /// Changes a function's reserved concurrency at once; `None` removes it. Busy processes finish what they serve.
    ///
    /// # Errors
    ///
    /// [`HostError::UnknownFunction`].
    pub fn set_reserved_concurrency(&self, function: &str, reserved: Option<u32>) -> Result<(), HostError> {
        self.function(function)?.set_reserved_concurrency(reserved);
        Ok(())
    }

    /// The settings of all event sources.
    #[must_use]
    pub fn event_sources(&self) -> Vec<EventSourceSpec> {
        self.registry.event_sources().iter().map(|source| source.spec()).collect()
    }

    /// Changes the settings of the event source with the same id at once; its function and queue stay.
    ///
    /// # Errors
    ///
    /// [`HostError::BadEventSource`], [`HostError::UnknownEventSource`].
    pub fn update_event_source(&self, spec: EventSourceSpec) -> Result<(), HostError> {
        spec.check().map_err(HostError::BadEventSource)?;
        let source = self.registry.event_source(&spec.uuid);
        source.ok_or_else(|| HostError::UnknownEventSource(spec.uuid.clone()))?.update(spec);
        Ok(())
    }

    /// A function's living processes; none for an unknown function.
    #[must_use]
    pub fn processes(&self, function: &str) -> Vec<ProcessInfo> {
        self.function(function).map(|function| function.processes()).unwrap_or_default()
    }

    /// What a function's processes have used, the ended ones included; nothing for an unknown function.
    #[must_use]
    pub fn usage(&self, function: &str) -> FunctionUsage {
        self.function(function).map(|function| function.usage()).unwrap_or_default()
    }

    /// What has happened to a function; nothing for an unknown function.
    #[must_use]
    pub fn stats(&self, function: &str) -> FunctionStats {
        self.function(function).map(|function| function.stats()).unwrap_or_default()
    }

    /// Ends everything: stops schedules and event sources, gives running invocations `grace`, kills the rest, and
    /// returns when no process is left and every message that was dealt with is deleted.
    pub async fn shutdown(self, grace: Duration) {
        let end_of_grace = Instant::now() + grace;
        lock(&self.schedules).clear();
        let sources = self.registry.event_sources();
        for source in &sources {
            source.stop();
        }
        let finish = async {
            let mut tasks = std::mem::take(&mut *lock(&self.tasks));
            while tasks.join_next().await.is_some() {}
            for function in self.registry.functions() {
                function.pool().quiet().await;
            }
        };
        if timeout_at(end_of_grace, finish).await.is_err() {
            tracing::warn!("invocations were still running; their processes are killed");
        }
        for function in self.registry.functions() {
            let pool = function.pool();
            pool.close();
            for process in pool.living() {
                process.ended().await;
            }
            pool.quiet().await;
        }
        for source in &sources {
            source.quiet().await;
        }
    }
}
