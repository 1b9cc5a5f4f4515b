//! A task that owns one connection and runs errands on it.
//!
//! ```text
//! errand -> (connect) -> lockstep or pipelined -> next errand | idle | end
//! ```
//!
//! Replies are read where their commands were written, by the one task that has the connection, so they cannot
//! get out of step. A driver is started when an errand finds nobody idle, and keeps its seat while errands wait;
//! it may open several connections one after another, never two at once. When it is idle it holds a connection,
//! looks at it before the next message (no round trip), and ends with it after
//! [`ServerConfig::idle_timeout`](crate::ServerConfig::idle_timeout).
//!
//! The order at the end of a message: the driver counts as idle (or has left, or has taken the next errand) *before*
//! the sender hears the answer, so that the sender's next message meets this connection and opens no other.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use crate::budget::Budget;
use crate::commands::Debt;
use crate::order::{Errand, Order, Probe};
use crate::outcome::{Outcome, Phase};
use crate::pipeline::{End, Pipe};
use crate::pool::Shared;
use crate::queue::Next;
use crate::session::{ConnectError, Connection};
use crate::verdicts::Form;

/// A connection that was silent for less than this has not been given up by its server. A chunk is sent on no
/// other: a connection that turns out dead under it leaves the message in doubt.
const JUST_USED: Duration = Duration::from_secs(1);

/// No connection is idle for longer, whatever the settings say: a moment that far away can still be reckoned with.
const LONGEST_REST: Duration = Duration::from_secs(24 * 60 * 60);

/// Starts a driver that has just been given a seat.
pub(crate) fn start(pool: &Arc<Shared>, number: u64, errand: Errand) {
    let (mailbox, inbox) = unbounded_channel();
    let seat = Seat { pool: Arc::clone(pool), number, held: true };
    let rest = Box::pin(sleep(Duration::ZERO));
    let driver = Driver { seat, connection: None, idle_since: None, rest, mailbox, inbox };
    tokio::spawn(driver.run(errand));
}

/// The right to hold one connection, given back whatever happens.
#[derive(Debug)]
struct Seat {
    pool: Arc<Shared>,
    number: u64,
    held: bool,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.held {
            self.pool.queue.abandon(self.number);
        }
    }
}

#[derive(Debug)]
struct Driver {
    seat: Seat,
    connection: Option<Connection>,
    /// Set from becoming idle to the first look at the connection.
    idle_since: Option<Instant>,
    /// Ends an idle connection. One timer for the life of the driver: setting it later costs next to nothing.
    rest: Pin<Box<Sleep>>,
    mailbox: UnboundedSender<Errand>,
    inbox: UnboundedReceiver<Errand>,
}

impl Driver {
    async fn run(mut self, first: Errand) {
        let mut errand = Some(first);
        while let Some(now) = errand {
            let mut end = match now {
                Errand::Send(order) => self.send(order).await,
                Errand::Probe(probe) => self.probe(probe).await,
                Errand::Quit(_asked) => self.quit().await,
            };
            errand = match end.again.take() {
                Some(order) => {
                    end.tell();
                    Some(Errand::Send(order))
                }
                None => self.next(end).await,
            };
        }
    }

    /// Settles what this driver is from now on, then tells the last sender.
    async fn next(&mut self, mut end: End) -> Option<Errand> {
        let mailbox = self.connection.as_ref().map(|_| &self.mailbox);
        let next = self.seat.pool.queue.next(self.seat.number, mailbox);
        if matches!(next, Next::Leave) {
            self.seat.held = false;
            self.part();
        }
        end.tell();
        match next {
            Next::Errand(errand) => Some(errand),
            Next::Idle => self.idle().await,
            Next::Leave => None,
        }
    }

    /// Waits for an errand; `None` when the time is over.
    async fn idle(&mut self) -> Option<Errand> {
        let since = Instant::now();
        if self.connection.as_ref().is_some_and(|connection| connection.debt == Debt::Dot) {
            // The sender just answered may have the next message, whose commands then go with the dot.
            yield_now().await;
            if let Ok(errand) = self.inbox.try_recv() {
                return Some(errand);
            }
            self.pay().await;
        }
        self.idle_since = Some(since);
        let due = match self.connection {
            Some(_) => since + self.seat.pool.config.idle_timeout.min(LONGEST_REST),
            None => since,
        };
        self.rest.as_mut().reset(due.into());
        tokio::select! {
            biased;
            errand = self.inbox.recv() => return errand,
            () = self.rest.as_mut() => {}
        }
        if !self.seat.pool.queue.leave_idle(self.seat.number) {
            // An errand is on its way.
            return self.inbox.recv().await;
        }
        self.seat.held = false;
        self.part();
        None
    }

    /// The server waits for a text and nobody has one.
    async fn pay(&mut self) {
        if let Some(mut connection) = self.connection.take()
            && connection.pay().await
        {
            self.connection = Some(connection);
        }
    }

    async fn send(&mut self, mut order: Order) -> End {
        if order.ticket.is_withdrawn() {
            return End::default();
        }
        let just_used = self.idle_since.is_none_or(|since| since.elapsed() < JUST_USED);
        self.inspect();
        let reused = self.connection.is_some();
        let form = if just_used || !reused { Form::Chunk } else { Form::Data };
        let mut connection = match self.connection(&mut order).await {
            Some(Ok(connection)) => connection,
            Some(Err(err)) => return End::told(order, err.into_outcome()),
            None => return End::default(),
        };
        let end = match connection.check(&order.message) {
            Err(why) => End::told(order, Outcome::conclude(Phase::Prepare, Err(why))),
            Ok(()) => self.transfer(&mut connection, order, form, reused).await,
        };
        self.keep(connection);
        end
    }

    /// An idle connection may have died, or grown too old.
    fn inspect(&mut self) {
        let Some(since) = self.idle_since.take() else { return };
        if since.elapsed() >= self.seat.pool.config.idle_timeout {
            self.part();
        } else if self.connection.as_mut().is_some_and(|connection| !connection.is_alive()) {
            self.connection = None;
            self.seat.pool.stats.found_stale.fetch_add(1, Relaxed);
        }
    }

    /// The connection in hand or a fresh one; `None` if the sender goes meanwhile.
    async fn connection(&mut self, order: &mut Order) -> Option<Result<Connection, ConnectError>> {
        if let Some(connection) = self.connection.take() {
            self.seat.pool.stats.reused.fetch_add(1, Relaxed);
            return Some(Ok(connection));
        }
        tokio::select! {
            biased;
            opened = self.open(order.budget) => Some(opened),
            () = order.ticket.withdrawn() => None,
        }
    }

    async fn open(&self, budget: Budget) -> Result<Connection, ConnectError> {
        let connection = Connection::connect_within(&self.seat.pool.config, budget).await?;
        self.seat.pool.stats.opened.fetch_add(1, Relaxed);
        Ok(connection)
    }

    /// Sends the message, and others behind it, as the server allows; in the given form at most.
    async fn transfer(&self, connection: &mut Connection, order: Order, form: Form, reused: bool) -> End {
        let pool = &*self.seat.pool;
        let offered = connection.capabilities();
        if !offered.pipelining {
            return lockstep(pool, connection, order, reused).await;
        }
        let chunking = pool.config.chunking && !pool.chunking_refused.load(Relaxed);
        let form = if offered.chunking && chunking { form } else { Form::Data };
        match Pipe::new(connection, pool) {
            Some(pipe) => pipe.run(order, form, reused).await,
            None => lockstep(pool, connection, order, reused).await,
        }
    }

    /// Keeps the connection for the next message, if it may have one.
    fn keep(&mut self, connection: Connection) {
        if connection.messages >= self.seat.pool.config.max_messages_per_connection {
            connection.farewell();
        } else if connection.is_usable() {
            self.connection = Some(connection);
        }
    }

    fn part(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.farewell();
        }
    }

    async fn probe(&mut self, mut probe: Probe) -> End {
        self.part();
        self.idle_since = None;
        let opened = tokio::select! {
            opened = self.open(probe.budget) => opened,
            () = probe.answer.closed() => return End::default(),
        };
        let result = opened.map(|connection| self.keep(connection));
        End { probed: Some((probe, result)), ..End::default() }
    }

    async fn quit(&mut self) -> End {
        // A server that waits for a text would take QUIT for one.
        if let Some(connection) = self.connection.take()
            && connection.debt != Debt::Dot
        {
            connection.quit().await;
        }
        End::default()
    }
}

/// One message to a server without PIPELINING.
async fn lockstep(pool: &Shared, connection: &mut Connection, mut order: Order, reused: bool) -> End {
    let Order { message, budget, ticket, .. } = &mut order;
    ticket.reach(Phase::EndOfData);
    let outcome = tokio::select! {
        biased;
        outcome = connection.send_within(message, *budget) => outcome,
        () = ticket.withdrawn() => return End::default(),
    };
    if reused && outcome.is_untouched() && !connection.is_usable() && order.begin_again() {
        pool.stats.retried.fetch_add(1, Relaxed);
        return End { again: Some(order), ..End::default() };
    }
    End::told(order, outcome)
}
