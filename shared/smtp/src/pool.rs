//! Connections to one server, shared by all who send.
//!
//! A message is handed to a *driver*, a task that owns one connection, and its sender waits for the answer. There are at most
//! `max_conns` drivers, so that many connections, those being opened included; they are started
//! when a message finds nobody idle and end with their connections. Messages for which there is no driver
//! wait in a queue, first come, first served, and a server with PIPELINING gets the commands of a waiting message behind the
//! text of the one before.
//!
//! - A sender that goes (its future is dropped) takes its message out of the queue; a message on the wire takes
//!   its connection with it. Others on that connection that were surely not taken begin again on another one.
//! - Idle connections are looked at before they are used (no round trip), and one that dies under the first
//!   command is replaced once: nothing had been said about the message.
//! - The connection that became idle last is used first, so that a quiet pool shrinks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::budget::{Budget, clip};
use crate::config::ServerConfig;
use crate::driver;
use crate::failure::Failure;
use crate::message::Message;
use crate::order::{Errand, Order, Probe};
use crate::outcome::{Outcome, Phase};
use crate::queue::{Placed, Queue};
use crate::session::ConnectError;
use crate::stats::PoolStats;

/// At most `max_conns` connections to one server. Cheap to clone; clones share everything.
///
/// When the last clone is dropped, idle connections end.
#[derive(Debug, Clone)]
pub struct Pool {
    owner: Arc<Owner>,
}

/// What drivers need to know. They outlive the pool by the messages under way.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    pub(crate) queue: Queue,
    pub(crate) stats: PoolStats,
    /// The server offers CHUNKING and does not know BDAT.
    pub(crate) chunking_refused: AtomicBool,
}

#[derive(Debug)]
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

impl Pool {
    /// Opens nothing yet.
    pub fn new(config: ServerConfig) -> Self {
        let queue = Queue::new(config.max_conns);
        let stats = PoolStats::default();
        let shared = Shared { config, queue, stats, chunking_refused: AtomicBool::new(false) };
        Self { owner: Arc::new(Owner(Arc::new(shared))) }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.owner.0
    }

    /// The server this pool is for.
    pub fn config(&self) -> &ServerConfig {
        &self.shared().config
    }

    /// The counters.
    pub fn stats(&self) -> &PoolStats {
        &self.shared().stats
    }

    /// Sends one message to one recipient, waiting for a free connection at most
    /// [`Timeouts::wait`](crate::Timeouts::wait).
    ///
    /// Needs a tokio runtime with time and I/O, on which the connection lives from then on. When the future is
    /// dropped, a message that waits is never sent, and one under way loses its connection.
    pub async fn send(&self, message: Arc<Message>) -> Outcome {
        let budget = Budget::begin(self.config().timeouts.message);
        self.send_within(message, budget).await
    }

    /// The same, with what is left of a budget.
    pub(crate) async fn send_within(&self, message: Arc<Message>, budget: Budget) -> Outcome {
        let (order, receipt) = Order::new(message, &self.config().timeouts, budget);
        let patience = order.patience;
        let answer = self.run(Errand::Send(order), patience, receipt).await;
        // Every ticket is answered; if one were not, nobody would know.
        let outcome = answer.unwrap_or(Outcome::Unknown { why: Failure::Closed });
        self.stats().add_outcome(&outcome);
        outcome
    }

    /// Opens a fresh connection (in place of an idle one, if there is any) and leaves it to the next message.
    pub(crate) async fn try_connection(&self) -> Result<(), ConnectError> {
        let timeouts = self.config().timeouts;
        let budget = Budget::begin(timeouts.message);
        let patience = clip(timeouts.wait, budget.before_body());
        let (answer, receipt) = oneshot::channel();
        let probed = self.run(Errand::Probe(Probe { budget, answer }), patience, receipt).await;
        probed.unwrap_or(Err(ConnectError { phase: Phase::Wait, why: Failure::Closed }))
    }

    /// Gives an errand to a driver and waits for the answer; `None` if there is none.
    async fn run<T>(
        &self,
        errand: Errand,
        patience: Duration,
        mut receipt: oneshot::Receiver<T>,
    ) -> Option<T> {
        let queue = &self.shared().queue;
        match queue.place(errand) {
            Placed::Handed => {}
            Placed::Closed(errand) => errand.refuse(Failure::PoolClosed),
            Placed::Start(number, errand) => driver::start(self.shared(), number, errand),
            Placed::Waits(number) => {
                let _place = Place { queue, number };
                let answer = timeout(patience, &mut receipt).await;
                if answer.is_err()
                    && let Some(errand) = queue.withdraw(number)
                {
                    errand.refuse(Failure::PoolBusy(patience));
                }
                if let Ok(answer) = answer {
                    return answer.ok();
                }
            }
        }
        receipt.await.ok()
    }

    /// From now on at most so many connections carry messages at a time, and never more than the server's
    /// `max_conns`; 0 counts as 1. Idle ones beyond it end when their time is over.
    pub fn limit_connections(&self, max_conns: usize) {
        self.shared().queue.limit(max_conns);
    }

    /// Says QUIT on all idle connections and waits for the answers, at most a second. Messages that are
    /// under way end normally; later ones, and those still waiting, are deferred.
    pub async fn close(&self) {
        for farewell in self.shared().close() {
            // It is answered by being dropped.
            let _ = farewell.await;
        }
    }
}

impl Shared {
    /// Refuses what waits and asks idle drivers to quit; each receiver ends when one has.
    fn close(&self) -> Vec<oneshot::Receiver<()>> {
        let (waiting, idle) = self.queue.close();
        waiting.into_iter().for_each(|errand| errand.refuse(Failure::PoolClosed));
        let ask = |driver: UnboundedSender<Errand>| {
            let (done, wait) = oneshot::channel();
            // A driver that is gone has nothing to quit.
            let _ = driver.send(Errand::Quit(done));
            wait
        };
        idle.into_iter().map(ask).collect()
    }
}

/// An errand in the queue, taken out when its sender goes.
struct Place<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.withdraw(self.number);
    }
}
