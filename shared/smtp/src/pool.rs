//! Connections to one server, shared by all who send.
//!
//! - A *slot* (semaphore permit) is the right to hold one connection. Whoever gets a slot takes an idle
//!   connection and opens one only if there is none; a connection goes back to the idle ones before its
//!   slot is free again. So idle and busy connections together never exceed the slots.
//! - A connection under a message belongs to the future that sends it. When that future is dropped,
//!   the connection closes with it.
//! - Idle connections are looked at before they are used (no round trip), and one that dies under the first
//!   command is replaced once: nothing had been said about the message.
//! - The oldest idle connections are the last to be used, so that a quiet pool shrinks. A task
//!   closes them when their time is over; it lives only while there are any.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::budget::{Budget, clip};
use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::{Outcome, Phase, Scope};
use crate::session::{ConnectError, Connection};
use crate::stats::PoolStats;

/// At most `max_conns` connections to one server. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: ServerConfig,
    slots: Arc<Semaphore>,
    idle: Mutex<IdleConnections>,
    stats: PoolStats,
}

#[derive(Debug, Default)]
struct IdleConnections {
    /// The longest idle one first.
    stack: Vec<(Instant, Connection)>,
    /// A task is waiting to close them.
    reaped: bool,
}

impl Pool {
    /// Opens nothing yet.
    pub fn new(config: ServerConfig) -> Self {
        let slots = config.max_conns.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Shared {
            config,
            slots: Arc::new(Semaphore::new(slots)),
            idle: Mutex::default(),
            stats: PoolStats::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The server this pool is for.
    pub fn config(&self) -> &ServerConfig {
        &self.shared.config
    }

    /// The counters.
    pub fn stats(&self) -> &PoolStats {
        &self.shared.stats
    }

    /// Sends one message to one recipient, waiting for a free connection at most
    /// [`Timeouts::wait`](crate::Timeouts::wait). See [`Connection::send`].
    ///
    /// Needs a tokio runtime with time and I/O. When the future is dropped, the connection it used is closed.
    pub async fn send(&self, message: Arc<Message>) -> Outcome {
        self.send_within(message, Budget::begin(self.shared.config.timeouts.message)).await
    }

    /// The same, with what is left of a budget.
    pub(crate) async fn send_within(&self, message: Arc<Message>, budget: Budget) -> Outcome {
        let outcome = self.deliver(&message, budget).await;
        self.shared.stats.add_outcome(&outcome);
        outcome
    }

    async fn deliver(&self, message: &Message, budget: Budget) -> Outcome {
        let slot = match self.slot(budget).await {
            Ok(slot) => slot,
            Err(failure) => return Outcome::conclude(Phase::Wait, Err(failure)),
        };
        if let Some(mut connection) = self.shared.take_idle() {
            let outcome = connection.send_within(message, budget).await;
            if !was_stale(&connection, &outcome) {
                self.shared.put_back(connection, slot);
                return outcome;
            }
            self.shared.stats.retried.fetch_add(1, Relaxed);
        }
        let mut connection = match self.open(budget).await {
            Ok(connection) => connection,
            Err(err) => return err.into_outcome(),
        };
        let outcome = connection.send_within(message, budget).await;
        self.shared.put_back(connection, slot);
        outcome
    }

    /// Opens a fresh connection (in place of an idle one, if there is any) and leaves it to the next message.
    pub(crate) async fn try_connection(&self) -> Result<(), ConnectError> {
        let budget = Budget::begin(self.shared.config.timeouts.message);
        let slot = self.slot(budget).await.map_err(|why| ConnectError { phase: Phase::Wait, why })?;
        if let Some(connection) = self.shared.take_idle() {
            connection.farewell();
        }
        let connection = self.open(budget).await?;
        self.shared.put_back(connection, slot);
        Ok(())
    }

    /// Says QUIT on all idle connections and waits for the answers, at most a second. Messages that are
    /// under way end normally; later ones, and those still waiting, are deferred.
    pub async fn close(&self) {
        self.shared.slots.close();
        let idle = std::mem::take(&mut self.shared.idle().stack);
        let farewells: JoinSet<()> = idle.into_iter().map(|(_, connection)| connection.quit()).collect();
        farewells.join_all().await;
    }

    async fn slot(&self, budget: Budget) -> Result<OwnedSemaphorePermit, Failure> {
        let limit = clip(self.shared.config.timeouts.wait, budget.before_body());
        match timeout(limit, Arc::clone(&self.shared.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) => Err(Failure::PoolClosed),
            Err(_) => Err(Failure::PoolBusy(limit)),
        }
    }

    async fn open(&self, budget: Budget) -> Result<Connection, ConnectError> {
        let connection = Connection::connect_within(&self.shared.config, budget).await?;
        self.shared.stats.opened.fetch_add(1, Relaxed);
        Ok(connection)
    }
}

/// The idle connection died before anything was said about the message (421 included).
fn was_stale(connection: &Connection, outcome: &Outcome) -> bool {
    let untouched =
        matches!(outcome, Outcome::Deferred { scope: Scope::Server, phase: Phase::Reset | Phase::Mail, .. });
    untouched && !connection.is_usable()
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        // A panic elsewhere cannot leave the list half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The idle connection used last, if one is still good.
    fn take_idle(&self) -> Option<Connection> {
        self.close_expired();
        loop {
            // The lock ends with this statement: what follows makes system calls.
            let popped = self.idle().stack.pop();
            let (_, mut connection) = popped?;
            if connection.is_alive() {
                self.stats.reused.fetch_add(1, Relaxed);
                return Some(connection);
            }
            self.stats.found_stale.fetch_add(1, Relaxed);
        }
    }

    /// Keeps the connection for the next message, or closes it; then the slot is free.
    fn put_back(self: &Arc<Self>, connection: Connection, slot: OwnedSemaphorePermit) {
        let spent = connection.messages >= self.config.max_messages_per_connection;
        // Under this lock, so that `close` finds every connection that was put back before it.
        let mut idle = self.idle();
        if spent || !connection.is_usable() || self.slots.is_closed() {
            connection.farewell();
        } else {
            idle.stack.push((Instant::now(), connection));
            if !std::mem::replace(&mut idle.reaped, true) {
                tokio::spawn(reap(Arc::downgrade(self), self.config.idle_timeout));
            }
        }
        drop(idle);
        drop(slot);
    }

    /// Closes what has been idle for too long. Returns when the next one is due, `None` if none is left.
    fn close_expired(&self) -> Option<std::time::Duration> {
        let limit = self.config.idle_timeout;
        let mut idle = self.idle();
        let expired = idle.stack.partition_point(|(since, _)| since.elapsed() >= limit);
        idle.stack.drain(..expired).for_each(|(_, connection)| connection.farewell());
        idle.stack.first().map(|(since, _)| limit.saturating_sub(since.elapsed()))
    }
}

/// Closes idle connections when they are due, for as long as there are any.
async fn reap(pool: Weak<Shared>, mut due: std::time::Duration) {
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
                pool.config.idle_timeout
            }
        };
    }
}
