//! Transactions that wait for their answer until a test releases them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{Notify, oneshot};

/// A transaction whose message was read completely and whose answer is withheld.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Number of the connection, from 1.
    pub connection: u64,
    /// The accepted recipients.
    pub recipients: Vec<String>,
    /// Value of the Message-ID header.
    pub message_id: Option<String>,
    /// Whether the message counts as accepted already.
    pub stored: bool,
}

/// All that is held, in the order in which it came.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    next: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    count: u64,
    by_ticket: BTreeMap<u64, (Held, oneshot::Sender<()>)>,
}

/// One place in [`Holds`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    holds: &'a Holds,
    changed: &'a Notify,
    number: u64,
    released: oneshot::Receiver<()>,
}

impl Holds {
    /// Queues a transaction. `changed` is notified when it comes and when it goes.
    pub(crate) fn enter<'a>(&'a self, held: Held, changed: &'a Notify) -> Ticket<'a> {
        let (release, released) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.count += 1;
        let number = waiting.count;
        waiting.by_ticket.insert(number, (held, release));
        drop(waiting);

        changed.notify_waiters();
        Ticket { holds: self, changed, number, released }
    }

    /// Who is held now.
    pub(crate) fn list(&self) -> Vec<Held> {
        self.lock().by_ticket.values().map(|(held, _)| held.clone()).collect()
    }

    /// How many are held now.
    pub(crate) fn len(&self) -> usize {
        self.lock().by_ticket.len()
    }

    /// Lets everybody go who is held now, and says how many that were.
    pub(crate) fn release_all(&self) -> usize {
        let released = std::mem::take(&mut self.lock().by_ticket);
        // A receiver that is gone belongs to a connection that is gone.
        released.into_values().filter_map(|(_, release)| release.send(()).ok()).count()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    /// Completes when released; never if it is dropped before.
    pub(crate) async fn released(&mut self) {
        if (&mut self.released).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.holds.lock().by_ticket.remove(&self.number);
        self.changed.notify_waiters();
    }
}
