//! Connections to the endpoint, shared by all calls.
//!
//! - A *slot* (semaphore permit) is the right to hold one connection. Whoever gets a slot takes an idle connection and
//!   opens one only if there is none; a connection goes back to the idle ones before its slot is free again. So idle
//!   and busy connections together never exceed the slots.
//! - A connection under a request belongs to the future that sends it, and closes with it.
//! - Idle connections are looked at before they are used, the one used last first, so that a quiet pool shrinks. A
//!   task closes them when their time is over; it lives only while there are any.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::connection::Connection;
use crate::failure::Failure;

/// What the pool has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Connections opened.
    pub opened: u64,
    /// Requests begun on a connection that was kept.
    pub reused: u64,
    /// Kept connections that were found closed before use.
    pub found_stale: u64,
    /// Requests that broke on a kept connection before their last byte was written, and went out on a fresh one.
    pub retried: u64,
}

/// The counters, as they count.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) opened: AtomicU64,
    pub(crate) reused: AtomicU64,
    pub(crate) found_stale: AtomicU64,
    pub(crate) retried: AtomicU64,
}

/// At most so many connections.
#[derive(Debug)]
pub(crate) struct Pool {
    slots: Arc<Semaphore>,
    idle: Mutex<Idle>,
    idle_timeout: Duration,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
struct Idle {
    /// The longest idle one first.
    stack: Vec<(Instant, Connection)>,
    /// A task is waiting to close them.
    reaped: bool,
}

impl Pool {
    pub(crate) fn new(max_conns: usize, idle_timeout: Duration) -> Self {
        let slots = Arc::new(Semaphore::new(max_conns.clamp(1, Semaphore::MAX_PERMITS)));
        Self { slots, idle: Mutex::default(), idle_timeout, counters: Counters::default() }
    }

    /// The right to one connection; waits without end.
    pub(crate) async fn slot(&self) -> Result<OwnedSemaphorePermit, Failure> {
        Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Failure::ClientClosed)
    }

    /// The idle connection used last, if one is still good.
    pub(crate) fn take_idle(&self) -> Option<Connection> {
        self.close_expired();
        loop {
            // The lock ends with this statement: what follows makes system calls.
            let popped = self.idle().stack.pop();
            let (_, connection) = popped?;
            if connection.is_alive() {
                self.counters.reused.fetch_add(1, Relaxed);
                return Some(connection);
            }
            self.counters.found_stale.fetch_add(1, Relaxed);
        }
    }

    /// Keeps the connection for the next request, or closes it; then the slot is free.
    pub(crate) fn put_back(self: &Arc<Self>, connection: Connection, slot: OwnedSemaphorePermit) {
        // Under this lock, so that `close` finds every connection that was put back before it.
        let mut idle = self.idle();
        if connection.is_usable() && !self.slots.is_closed() {
            idle.stack.push((Instant::now(), connection));
            if !std::mem::replace(&mut idle.reaped, true) {
                tokio::spawn(reap(Arc::downgrade(self), self.idle_timeout));
            }
        }
        drop(idle);
        drop(slot);
    }

    /// Closes all idle connections, and the others when their requests have ended.
    pub(crate) fn close(&self) {
        self.slots.close();
        self.idle().stack.clear();
    }

    pub(crate) fn counts(&self) -> PoolCounts {
        let counters = &self.counters;
        PoolCounts {
            opened: counters.opened.load(Relaxed),
            reused: counters.reused.load(Relaxed),
            found_stale: counters.found_stale.load(Relaxed),
            retried: counters.retried.load(Relaxed),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        // A panic elsewhere cannot leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what has been idle for too long. Returns when the next one is due, `None` if none is left.
    fn close_expired(&self) -> Option<Duration> {
        let mut idle = self.idle();
        let expired = idle.stack.partition_point(|(since, _)| since.elapsed() >= self.idle_timeout);
        idle.stack.drain(..expired);
        idle.stack.first().map(|(since, _)| self.idle_timeout.saturating_sub(since.elapsed()))
    }
}

/// Closes idle connections when they are due, for as long as there are any.
async fn reap(pool: Weak<Pool>, mut due: Duration) {
    loop {
        sleep(due).await;
        let Some(pool) = pool.upgrade() else { return };
        due = match pool.close_expired() {
            Some(due) => due,
            None => {
                let mut idle = pool.idle();
                idle.reaped = !idle.stack.is_empty();
                if !idle.reaped {
                    return;
                }
                pool.idle_timeout
            }
        };
    }
}
