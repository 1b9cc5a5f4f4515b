//! The functions and event sources of a host, as the HTTP interfaces see them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;

use crate::{event_source::EventSource, function::Function, invocation::InvokeError, sync::lock};

/// Finds functions by name and event sources by id.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    functions: Mutex<BTreeMap<String, Arc<Function>>>,
    event_sources: Mutex<BTreeMap<String, Arc<EventSource>>>,
}

impl Registry {
    /// Adds a function; `false` if its name is taken.
    pub(crate) fn add_function(&self, function: Arc<Function>) -> bool {
        insert_new(&self.functions, function.spec().name.clone(), function)
    }

    /// Adds an event source; `false` if its id is taken.
    pub(crate) fn add_event_source(&self, source: Arc<EventSource>) -> bool {
        insert_new(&self.event_sources, source.spec().uuid, source)
    }

    /// # Errors
    ///
    /// [`InvokeError::UnknownFunction`].
    pub(crate) fn function(&self, name: &str) -> Result<Arc<Function>, InvokeError> {
        let found = lock(&self.functions).get(name).cloned();
        found.ok_or_else(|| InvokeError::UnknownFunction(name.to_owned()))
    }

    pub(crate) fn functions(&self) -> Vec<Arc<Function>> {
        lock(&self.functions).values().cloned().collect()
    }

    pub(crate) fn event_source(&self, uuid: &str) -> Option<Arc<EventSource>> {
        lock(&self.event_sources).get(uuid).cloned()
    }

    pub(crate) fn event_sources(&self) -> Vec<Arc<EventSource>> {
        lock(&self.event_sources).values().cloned().collect()
    }

    /// Invokes a function, waiting for a unit of concurrency at most `wait`.
    ///
    /// # Errors
    ///
    /// Every kind of [`InvokeError`].
    pub(crate) async fn invoke(
        &self,
        name: &str,
        payload: Bytes,
        wait: Duration,
    ) -> Result<Bytes, InvokeError> {
        self.function(name)?.invoke(payload, wait).await
    }
}

fn insert_new<T>(map: &Mutex<BTreeMap<String, T>>, key: String, value: T) -> bool {
    use std::collections::btree_map::Entry;
    match lock(map).entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            true
        }
        Entry::Occupied(_) => false,
    }
}
