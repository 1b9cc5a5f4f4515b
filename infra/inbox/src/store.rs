//! The record of what was accepted, behind one lock.
//!
//! Times are taken inside the lock, so that the order of the records is the order of their times.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;
use crate::record::Delivery;
use crate::spool::{Place, Spool};

/// A message as it came, before it is recorded.
#[derive(Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) connection: u64,
    pub(crate) sender: &'a str,
    pub(crate) recipients: &'a [Arc<str>],
    pub(crate) body: &'a [u8],
    pub(crate) message_id: Option<String>,
    pub(crate) headers: Vec<(Arc<str>, String)>,
}

/// Everything that was accepted since the start or the last `clear`.
#[derive(Debug)]
pub(crate) struct Store {
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Number of the message before the first one.
    base: u64,
    messages: Vec<Message>,
    copies: Vec<Copy>,
    /// By recipient in lower case.
    counts: HashMap<Arc<str>, u32>,
    with_several: u64,
    bytes: u64,
    spool: Option<Spool>,
}

#[derive(Debug)]
struct Message {
    at_ms: u64,
    elapsed: Duration,
    connection: u64,
    size: usize,
    sender: Box<str>,
    message_id: Option<String>,
    headers: Vec<(Arc<str>, String)>,
    place: Option<Place>,
}

#[derive(Debug)]
struct Copy {
    /// Index into `messages`.
    message: usize,
    recipient: Arc<str>,
    /// The recipient in lower case; shares the memory if it is the same.
    key: Arc<str>,
}

/// The sums that a [`Snapshot`](crate::Snapshot) needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Totals {
    pub(crate) accepted: u64,
    pub(crate) messages: u64,
    pub(crate) recipients: u64,
    pub(crate) with_several: u64,
    pub(crate) bytes: u64,
}

impl Store {
    /// An empty record; `spool_folder` as in the configuration, `None` at the outside keeps no bodies.
    pub(crate) fn open(keep_bodies: bool, spool_folder: Option<&Path>) -> io::Result<Self> {
        let inner = Inner {
            base: 0,
            messages: Vec::new(),
            copies: Vec::new(),
            counts: HashMap::new(),
            with_several: 0,
            bytes: 0,
            spool: keep_bodies.then(|| Spool::open(spool_folder)).transpose()?,
        };
        Ok(Self { started: Instant::now(), inner: Mutex::new(inner) })
    }

    /// Records a message, once for each recipient. An error means that nothing was recorded.
    pub(crate) fn accept(&self, incoming: Incoming<'_>) -> io::Result<u64> {
        let keys: Vec<_> = incoming.recipients.iter().map(lower_case).collect();
        let mut inner = self.lock();
        let place = inner.spool.as_mut().map(|spool| spool.append(incoming.body)).transpose()?;

        let message = inner.messages.len();
        inner.messages.push(Message {
            at_ms: clock::now_ms(),
            elapsed: self.started.elapsed(),
            connection: incoming.connection,
            size: incoming.body.len(),
            sender: incoming.sender.into(),
            message_id: incoming.message_id,
            headers: incoming.headers,
            place,
        });
        inner.bytes += incoming.body.len() as u64;
        for (recipient, key) in incoming.recipients.iter().zip(keys) {
            inner.count(&key);
            inner.copies.push(Copy { message, recipient: recipient.clone(), key });
        }
        Ok(inner.base + message as u64 + 1)
    }

    pub(crate) fn totals(&self) -> Totals {
        let inner = self.lock();
        Totals {
            accepted: inner.copies.len() as u64,
            messages: inner.messages.len() as u64,
            recipients: inner.counts.len() as u64,
            with_several: inner.with_several,
            bytes: inner.bytes,
        }
    }

    /// Copies by recipient in lower case.
    pub(crate) fn recipients(&self) -> HashMap<String, u32> {
        self.lock().counts.iter().map(|(recipient, &copies)| (recipient.to_string(), copies)).collect()
    }

    /// The recipients with most copies, and then by name.
    pub(crate) fn top(&self, limit: usize, to: &str) -> Vec<(Arc<str>, u32)> {
        let inner = self.lock();
        let matching = inner.counts.iter().filter(|(recipient, _)| recipient.contains(to));
        let mut top: Vec<_> = matching.map(|(recipient, &copies)| (recipient.clone(), copies)).collect();
        drop(inner);

        top.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        top.truncate(limit);
        top
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let inner = self.lock();
        inner.copies.iter().map(|copy| inner.delivery(copy)).collect()
    }

    /// One page of the deliveries whose recipient contains `to` (lower case), and how many there are.
    pub(crate) fn page(&self, query: &Page<'_>) -> (u64, Vec<Delivery>) {
        let inner = self.lock();
        let total = inner.matching(query.to).count() as u64;
        let shown = |copies: &mut dyn Iterator<Item = &Copy>| {
            copies.skip(query.offset).take(query.limit).map(|copy| inner.delivery(copy)).collect()
        };
        let page = match query.order {
            Order::OldestFirst => shown(&mut inner.matching(query.to)),
            Order::NewestFirst => shown(&mut inner.matching(query.to).rev()),
        };
        (total, page)
    }

    /// The body; `None` if there is no such message or bodies are not kept.
    pub(crate) fn body(&self, seq: u64) -> Option<io::Result<Vec<u8>>> {
        let mut inner = self.lock();
        let index = usize::try_from(seq.checked_sub(inner.base + 1)?).ok()?;
        let place = inner.messages.get(index)?.place?;
        inner.spool.as_mut().map(|spool| spool.read(place))
    }

    pub(crate) fn max_in_window(&self, window: Duration) -> usize {
        let inner = self.lock();
        let at = |copy: &Copy| inner.messages[copy.message].elapsed;
        let mut first = 0;
        let mut most = 0;
        for (last, copy) in inner.copies.iter().enumerate() {
            while at(&inner.copies[first]) + window < at(copy) {
                first += 1;
            }
            most = most.max(last - first + 1);
        }
        most
    }

    pub(crate) fn last_accept_at(&self) -> Option<Instant> {
        self.lock().messages.last().map(|message| self.started + message.elapsed)
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Forgets what was accepted. Numbers go on.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.spool.as_mut().map_or(Ok(()), Spool::clear)?;
        inner.base += inner.messages.len() as u64;
        inner.messages.clear();
        inner.copies.clear();
        inner.counts.clear();
        (inner.with_several, inner.bytes) = (0, 0);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which deliveries to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) to: &'a str,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
    pub(crate) order: Order,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl Inner {
    fn count(&mut self, key: &Arc<str>) {
        match self.counts.get_mut(key) {
            None => {
                self.counts.insert(key.clone(), 1);
            }
            Some(copies) => {
                *copies += 1;
                self.with_several += u64::from(*copies == 2);
            }
        }
    }

    fn matching<'a>(&'a self, to: &'a str) -> impl DoubleEndedIterator<Item = &'a Copy> {
        self.copies.iter().filter(move |copy| to.is_empty() || copy.key.contains(to))
    }

    fn delivery(&self, copy: &Copy) -> Delivery {
        let message = &self.messages[copy.message];
        Delivery {
            seq: self.base + copy.message as u64 + 1,
            recipient: copy.recipient.to_string(),
            sender: message.sender.to_string(),
            at_ms: message.at_ms,
            elapsed: message.elapsed,
            connection: message.connection,
            size: message.size as u64,
            message_id: message.message_id.clone(),
            headers: message.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        }
    }
}

fn lower_case(recipient: &Arc<str>) -> Arc<str> {
    if recipient.is_ascii() && !recipient.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return recipient.clone();
    }
    recipient.to_lowercase().into()
}
