//! What all connections of one inbox share.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};

use crate::config::InboxConfig;
use crate::director::Director;
use crate::hold::Holds;
use crate::record::Snapshot;
use crate::script::{Script, ScriptError};
use crate::server::Gate;
use crate::store::Store;

/// The state behind the handle, the connections and the pages.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: InboxConfig,
    /// The names of `config.keep_headers`, shared by all records.
    pub(crate) keep_headers: Vec<Arc<str>>,
    pub(crate) store: Store,
    pub(crate) holds: Holds,
    /// Notified whenever a [`Snapshot`] would differ.
    pub(crate) changed: Notify,
    director: Mutex<Arc<Director>>,
    connections: AtomicU64,
    open: AtomicU64,
    max_open: AtomicU64,
    /// Whether connections shall be refused.
    refuse: watch::Sender<bool>,
    /// What the listener made of that.
    gate: watch::Receiver<Gate>,
}

impl Shared {
    pub(crate) fn new(
        config: InboxConfig,
        refuse: watch::Sender<bool>,
        gate: watch::Receiver<Gate>,
    ) -> io::Result<Self> {
        Ok(Self {
            keep_headers: config.keep_headers.iter().map(|name| name.as_str().into()).collect(),
            store: Store::open(config.keep_bodies, config.spool_folder.as_deref())?,
            holds: Holds::default(),
            changed: Notify::new(),
            director: Mutex::new(Arc::new(Director::new(config.script.clone()))),
            connections: AtomicU64::new(0),
            open: AtomicU64::new(0),
            max_open: AtomicU64::new(0),
            refuse,
            gate,
            config,
        })
    }

    /// The script at work now.
    pub(crate) fn director(&self) -> Arc<Director> {
        self.director.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the script and waits until the listener has followed.
    pub(crate) async fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        script.check()?;
        let wanted = if script.refuse_connections { Gate::Refusing } else { Gate::Listening };
        let refuse = script.refuse_connections;
        *self.director.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Director::new(script));
        self.refuse.send_replace(refuse);

        let mut gate = self.gate.clone();
        let reached = gate.wait_for(|&gate| gate == wanted || gate == Gate::Broken).await;
        if reached.is_ok_and(|gate| *gate == wanted) { Ok(()) } else { Err(ScriptError::Reopen) }
    }

    /// Counts a connection, unless so many are open already.
    pub(crate) fn admit(self: &Arc<Self>, max_connections: Option<usize>) -> Option<Admitted> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let limit = max_connections.map_or(u64::MAX, |limit| limit as u64);
        let one_more = |open| (open < limit).then_some(open + 1);
        let before = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        self.max_open.fetch_max(before + 1, Ordering::Relaxed);
        self.changed.notify_waiters();
        Some(Admitted { number, shared: self.clone() })
    }

    pub(crate) fn clear(&self) -> io::Result<()> {
        self.store.clear()?;
        self.changed.notify_waiters();
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let totals = self.store.totals();
        Snapshot {
            accepted: totals.accepted,
            messages: totals.messages,
            recipients: totals.recipients,
            with_several: totals.with_several,
            bytes: totals.bytes,
            connections: self.connections.load(Ordering::Relaxed),
            open_connections: self.open.load(Ordering::Relaxed),
            max_open_connections: self.max_open.load(Ordering::Relaxed),
            held: self.holds.len() as u64,
        }
    }
}

/// A connection that counts as open until this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// From 1, over all connections, those over the limit included.
    pub(crate) number: u64,
    shared: Arc<Shared>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.shared.open.fetch_sub(1, Ordering::Relaxed);
        self.shared.changed.notify_waiters();
    }
}
