//! Waiting for a task's end, whichever it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<T> {
    /// With this result.
    Done(T),
    /// It was killed.
    Killed,
}

struct End<T> {
    ended: Option<Ended<T>>,
    waiting: Option<Waker>,
}

/// Waits for a task's end.
#[must_use = "a task whose end nobody waits for runs all the same: drop this on purpose"]
pub struct Join<T>(Arc<Mutex<End<T>>>);

/// A join, and the guard that the task carries.
pub(super) fn pair<T>() -> (Join<T>, Guard<T>) {
    let end = Arc::new(Mutex::new(End { ended: None, waiting: None }));
    (Join(Arc::clone(&end)), Guard(end))
}

/// Says that the task was killed, unless it was closed before.
pub(super) struct Guard<T>(Arc<Mutex<End<T>>>);

impl<T> Guard<T> {
    pub(super) fn close(&self, how: Ended<T>) {
        let waiting = {
            let mut end = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if end.ended.is_none() {
                end.ended = Some(how);
            }
            end.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.close(Ended::Killed);
    }
}

impl<T> Future for Join<T> {
    type Output = Ended<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<T>> {
        let mut end = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match end.ended.take() {
            Some(ended) => Poll::Ready(ended),
            None => {
                end.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Join<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Join")
    }
}
