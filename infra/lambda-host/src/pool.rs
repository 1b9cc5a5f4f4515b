//! A function's units of concurrency and its idle processes.
//!
//! Whoever wants to invoke takes a [`Unit`] first; there are never more units out than the limit. A *claim* is a
//! place in front of all who ask later: the SQS event source claims for messages it holds already. Lowering the
//! limit takes nothing from who holds a unit; idle processes above the limit end at once, busy ones when they are
//! put back.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    invocation::InvokeError,
    process::{Process, ProcessState},
    sync::lock,
};

/// Shares out the concurrency of one function.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<State>,
    /// Told whenever somebody who waits should look again.
    changes: watch::Sender<()>,
    limit: watch::Sender<u32>,
}

#[derive(Debug)]
struct State {
    limit: u32,
    busy: u32,
    claims: u32,
    idle: Vec<Process>,
    living: Vec<Arc<ProcessState>>,
    closed: bool,
}

impl State {
    fn is_free(&self) -> bool {
        !self.closed && self.busy + self.claims < self.limit
    }

    /// Takes the idle processes that the limit no longer covers.
    fn surplus(&mut self) -> Vec<Process> {
        let idle = u32::try_from(self.idle.len()).unwrap_or(u32::MAX);
        let surplus = (idle + self.busy).saturating_sub(self.limit).min(idle);
        self.idle.drain(..usize::try_from(surplus).unwrap_or(0)).collect()
    }
}

/// The right to run one invocation; given back by dropping it.
#[derive(Debug)]
pub(crate) struct Unit(Arc<Pool>);

impl Drop for Unit {
    fn drop(&mut self) {
        self.0.change(|state| state.busy -= 1);
    }
}

/// A place in front of later callers; given up by dropping it.
struct Claim<'a>(&'a Pool);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.claims -= 1);
    }
}

impl Pool {
    pub(crate) fn new(limit: u32) -> Arc<Self> {
        let state = State { limit, busy: 0, claims: 0, idle: Vec::new(), living: Vec::new(), closed: false };
        Arc::new(Self {
            state: Mutex::new(state),
            changes: watch::Sender::new(()),
            limit: watch::Sender::new(limit),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changes.send_replace(());
        changed
    }

    /// Asks `attempt` again after every change, until it has an answer.
    async fn until<T>(&self, mut attempt: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(answer) = attempt(&mut self.state()) {
                return answer;
            }
            // The sender is in `self`, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Takes a unit, waiting for one at most `wait`.
    ///
    /// # Errors
    ///
    /// [`InvokeError::Throttled`] if none became free in time, [`InvokeError::Stopped`] if the pool is closed.
    pub(crate) async fn unit_within(self: &Arc<Self>, wait: Duration) -> Result<Unit, InvokeError> {
        let taken = self.until(|state| {
            if state.closed {
                return Some(false);
            }
            state.is_free().then(|| {
                state.busy += 1;
                true
            })
        });
        match tokio::time::timeout(wait, taken).await {
            Ok(true) => Ok(Unit(Arc::clone(self))),
            Ok(false) => Err(InvokeError::Stopped),
            Err(_) => Err(InvokeError::Throttled),
        }
    }

    /// Takes the next free unit in front of all who ask later; `None` after `patience` or if the pool is closed.
    pub(crate) async fn claimed_unit(self: &Arc<Self>, patience: Duration) -> Option<Unit> {
        self.state().claims += 1;
        let claim = Claim(self);
        let taken = self.until(|state| {
            let free = state.busy < state.limit;
            if free && !state.closed {
                state.busy += 1;
            }
            (free || state.closed).then_some(!state.closed)
        });
        let taken = tokio::time::timeout(patience, taken).await.unwrap_or(false);
        drop(claim);
        taken.then(|| Unit(Arc::clone(self)))
    }

    /// Waits until a unit is free, without taking it.
    pub(crate) async fn free(&self) {
        self.until(|state| state.is_free().then_some(())).await;
    }

    /// Waits until nobody holds a unit.
    pub(crate) async fn quiet(&self) {
        self.until(|state| (state.busy == 0).then_some(())).await;
    }

    /// Follows the limit.
    pub(crate) fn limit(&self) -> watch::Receiver<u32> {
        self.limit.subscribe()
    }

    /// Sets how many units there are; processes above it that are idle end now.
    pub(crate) fn set_limit(&self, limit: u32) {
        let surplus = self.change(|state| {
            state.limit = limit;
            state.surplus()
        });
        self.limit.send_replace(limit);
        drop(surplus);
    }

    /// A warm process: the one used last, so that the others' memory can be left alone. It may have ended since.
    pub(crate) fn take_idle(&self) -> Option<Process> {
        self.state().idle.pop()
    }

    /// Keeps a process for the next invocation, if the limit allows; otherwise ends it.
    ///
    /// The caller still holds its unit and gives it back afterwards.
    pub(crate) fn put_idle(&self, process: Process) {
        let mut state = self.state();
        let others_busy = state.busy.saturating_sub(1);
        let idle = u32::try_from(state.idle.len()).unwrap_or(u32::MAX);
        if !state.closed && !process.state().has_ended() && idle + others_busy < state.limit {
            state.idle.push(process);
        }
    }

    /// Lists a new process. One that comes after [`close`](Self::close) is killed.
    pub(crate) fn register(&self, process: &Process) {
        let mut state = self.state();
        state.living.retain(|known| !known.has_ended());
        state.living.push(Arc::clone(process.state()));
        if state.closed {
            process.state().kill();
        }
    }

    /// The processes that have not ended.
    pub(crate) fn living(&self) -> Vec<Arc<ProcessState>> {
        let mut state = self.state();
        state.living.retain(|known| !known.has_ended());
        state.living.clone()
    }

    /// Gives out no more units and kills every process, busy or not.
    pub(crate) fn close(&self) {
        let idle = self.change(|state| {
            state.closed = true;
            std::mem::take(&mut state.idle)
        });
        drop(idle);
        for process in self.living() {
            process.kill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_claim_goes_before_those_who_ask_while_it_waits() {
        let pool = Pool::new(1);
        let held = pool.unit_within(Duration::ZERO).await.unwrap();
        let mut claim = Box::pin(pool.claimed_unit(LONG));
        assert!(futures::poll!(&mut claim).is_pending());
        let mut later = Box::pin(pool.unit_within(LONG));
        assert!(futures::poll!(&mut later).is_pending());

        drop(held);

        assert!(futures::poll!(&mut later).is_pending(), "the claim was passed over");
        let claimed = claim.await.unwrap();
        assert!(futures::poll!(&mut later).is_pending(), "there is one unit only");
        drop(claimed);
        later.await.unwrap();
    }

    #[tokio::test]
    async fn a_claim_that_is_given_up_leaves_its_place() {
        let pool = Pool::new(1);
        let held = pool.unit_within(Duration::ZERO).await.unwrap();
        assert!(pool.claimed_unit(Duration::from_millis(1)).await.is_none());
        drop(held);

        pool.unit_within(Duration::ZERO).await.unwrap();
    }

    #[tokio::test]
    async fn whoever_waits_learns_that_the_pool_is_closed() {
        let pool = Pool::new(0);
        let mut waiting = Box::pin(pool.unit_within(LONG));
        let mut claiming = Box::pin(pool.claimed_unit(LONG));
        assert!(futures::poll!(&mut waiting).is_pending() && futures::poll!(&mut claiming).is_pending());

        pool.close();

        assert!(matches!(waiting.await, Err(InvokeError::Stopped)));
        assert!(claiming.await.is_none());
    }
}
