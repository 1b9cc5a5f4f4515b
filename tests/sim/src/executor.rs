//! A small deterministic executor with a virtual clock.
//!
//! Tasks are futures. Of the tasks that can take a step, a seeded generator picks the next; when none can,
//! the clock jumps to the next timer. A task can be killed: its future is dropped at the await where it
//! stands, as if its process had died. A task can be frozen: whatever wakes it, it is not polled until it
//! thaws, and then goes on without having noticed. Nothing here knows real time, threads or the engine.

mod join;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use crate::rng::Rng;
pub use join::{Ended, Join};

/// Names one task of one executor.
pub type TaskId = u64;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks until their world comes to rest.
pub struct Executor {
    handle: Handle,
    tasks: BTreeMap<TaskId, (Work, Waker)>,
    rng: Rng,
    steps: u64,
}

/// The executor as tasks see it.
#[derive(Clone)]
pub struct Handle(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    now_ns: u64,
    next: u64,
    timers: BTreeMap<(u64, u64), Waker>,
    ready: Vec<TaskId>,
    spawned: Vec<(TaskId, Work)>,
    killed: BTreeSet<TaskId>,
    frozen: BTreeMap<TaskId, u64>,
}

/// Why [`Executor::run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The condition was met.
    Done,
    /// Nothing can happen any more before the time is up.
    TimeUp,
    /// More steps than any run needs.
    TooManySteps,
}

impl Executor {
    /// An executor whose clock stands at `now_ns`.
    #[must_use]
    pub fn new(now_ns: u64, rng: Rng) -> Self {
        let inner = Inner { now_ns, ..Inner::default() };
        Self { handle: Handle(Arc::new(Mutex::new(inner))), tasks: BTreeMap::new(), rng, steps: 0 }
    }

    /// What tasks need of it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// How many steps tasks took so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Lets tasks go on until `done`, but not past `until_ns` and not for more than `max_steps` in all.
    pub fn run(&mut self, until_ns: u64, max_steps: u64, done: impl Fn() -> bool) -> Stopped {
        loop {
            self.adopt();
            self.bury();
            if done() {
                return Stopped::Done;
            }
            if self.steps >= max_steps {
                return Stopped::TooManySteps;
            }
            match self.next_ready() {
                Some(id) => self.step(id),
                None if self.handle.advance(until_ns) => {}
                None => return Stopped::TimeUp,
            }
        }
    }

    fn adopt(&mut self) {
        let spawned = std::mem::take(&mut self.handle.lock().spawned);
        for (id, work) in spawned {
            let waker = Waker::from(Arc::new(TaskWaker { id, inner: Arc::downgrade(&self.handle.0) }));
            waker.wake_by_ref();
            self.tasks.insert(id, (work, waker));
        }
    }

    /// Drops what was killed; outside of the lock, for futures may wake others as they go.
    fn bury(&mut self) {
        let killed = std::mem::take(&mut self.handle.lock().killed);
        for id in killed {
            self.tasks.remove(&id);
        }
    }

    fn next_ready(&mut self) -> Option<TaskId> {
        let mut inner = self.handle.lock();
        while !inner.ready.is_empty() {
            let at = self.rng.index(inner.ready.len());
            let id = inner.ready.swap_remove(at);
            let Some((_, waker)) = self.tasks.get(&id) else { continue };
            match inner.frozen.get(&id).copied() {
                Some(until) if until > inner.now_ns => inner.add_timer(until, waker.clone()),
                Some(_) | None => return Some(id),
            }
        }
        None
    }

    fn step(&mut self, id: TaskId) {
        let Some((mut work, waker)) = self.tasks.remove(&id) else { return };
        self.steps += 1;
        let ended = work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let killed = self.handle.lock().killed.remove(&id);
        if !ended && !killed {
            self.tasks.insert(id, (work, waker));
        }
    }
}

impl Drop for Executor {
    /// Timers and tasks know the executor, and it knows them.
    fn drop(&mut self) {
        self.tasks.clear();
        let mut inner = self.handle.lock();
        let left = (std::mem::take(&mut inner.timers), std::mem::take(&mut inner.spawned));
        drop(inner);
        drop(left);
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Executor({} tasks)", self.tasks.len())
    }
}

impl Handle {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The virtual time.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.lock().now_ns
    }

    /// A name for a task that is to be spawned.
    #[must_use]
    pub fn reserve(&self) -> TaskId {
        self.lock().take_next()
    }

    /// Begins a task; it runs whether or not somebody waits for its end.
    pub fn spawn<T, F>(&self, work: F) -> Join<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let id = self.reserve();
        self.spawn_as(id, work)
    }

    /// Begins a task under a reserved name.
    pub fn spawn_as<T, F>(&self, id: TaskId, work: F) -> Join<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (join, guard) = join::pair();
        let work = async move {
            let result = work.await;
            guard.close(Ended::Done(result));
        };
        self.lock().spawned.push((id, Box::pin(work)));
        join
    }

    /// Drops the task's future where it stands.
    pub fn kill(&self, id: TaskId) {
        self.lock().killed.insert(id);
    }

    /// Keeps the task from going on before `until_ns`.
    pub fn freeze(&self, id: TaskId, until_ns: u64) {
        self.lock().frozen.insert(id, until_ns);
    }

    /// When the task thaws, if it is frozen now.
    #[must_use]
    pub fn frozen_until(&self, id: TaskId) -> Option<u64> {
        let inner = self.lock();
        inner.frozen.get(&id).copied().filter(|until| *until > inner.now_ns)
    }

    /// Waits until the clock shows `at_ns`; at least until everybody else who can has taken a step.
    #[must_use]
    pub fn sleep_until(&self, at_ns: u64) -> Sleep {
        Sleep { handle: self.clone(), at_ns, waker: None }
    }

    /// Waits for `ns` nanoseconds.
    #[must_use]
    pub fn sleep(&self, ns: u64) -> Sleep {
        self.sleep_until(self.now_ns() + ns)
    }

    /// Wakes `waker` at `at_ns`.
    pub fn wake_at(&self, at_ns: u64, waker: Waker) {
        self.lock().add_timer(at_ns, waker);
    }

    /// Moves the clock to the next timers and wakes whom they are for. Answers whether there were any.
    fn advance(&self, until_ns: u64) -> bool {
        let mut due = Vec::new();
        {
            let mut inner = self.lock();
            let Some(((at, _), _)) = inner.timers.first_key_value() else { return false };
            let at = *at;
            if at > until_ns {
                return false;
            }
            inner.now_ns = inner.now_ns.max(at);
            while let Some(first) = inner.timers.first_entry().filter(|first| first.key().0 <= at) {
                due.push(first.remove());
            }
        }
        due.into_iter().for_each(Waker::wake);
        true
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle(at {})", self.now_ns())
    }
}

impl Inner {
    fn take_next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn add_timer(&mut self, at_ns: u64, waker: Waker) {
        let number = self.take_next();
        self.timers.insert((at_ns, number), waker);
    }
}

struct TaskWaker {
    id: TaskId,
    inner: Weak<Mutex<Inner>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(inner) = self.inner.upgrade() else { return };
        let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.ready.contains(&self.id) {
            inner.ready.push(self.id);
        }
    }
}

/// Waits for a moment; see [`Handle::sleep_until`].
#[derive(Debug)]
pub struct Sleep {
    handle: Handle,
    at_ns: u64,
    waker: Option<Waker>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.waker.is_some() && self.handle.now_ns() >= self.at_ns {
            return Poll::Ready(());
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waker = Some(context.waker().clone());
            self.handle.wake_at(self.at_ns, context.waker().clone());
        }
        Poll::Pending
    }
}
