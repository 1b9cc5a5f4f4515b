//! Two queues that deliver at least once, in any order.

use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use fanmail_engine::ports::{BatchTask, LaneTask};
use fanmail_engine::send_batch::Delivery;

use super::{State, World};
use crate::rng::Rng;

/// Which queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueName {
    /// Lane tasks, for the start function.
    Lanes,
    /// Batch tasks, for the sender.
    Batches,
}

/// A task of either kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Fan a lane out.
    Lane(LaneTask),
    /// Send a batch.
    Batch(BatchTask),
}

/// A message on a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    number: u64,
    task: Task,
    visible_ns: u64,
    received: u32,
}

/// A message as a receiver has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    number: u64,
    /// What is to be done.
    pub task: Task,
    /// How often it was received, this time included.
    pub count: u32,
}

/// Both queues.
#[derive(Debug, Default)]
pub struct Queues {
    lanes: Queue,
    batches: Queue,
    next: u64,
}

#[derive(Debug, Default)]
struct Queue {
    messages: Vec<Message>,
    waiting: Vec<Waker>,
}

impl Task {
    /// The queue it belongs on.
    #[must_use]
    pub fn queue(&self) -> QueueName {
        match self {
            Self::Lane(_) => QueueName::Lanes,
            Self::Batch(_) => QueueName::Batches,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lane(task) => write!(f, "lane {} of epoch {}", task.lane, task.epoch),
            Self::Batch(task) => write!(f, "batch {} of epoch {}", task.batch, task.epoch),
        }
    }
}

impl Received {
    /// What the engine is told of it.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        if self.count > 1 { Delivery::Repeated } else { Delivery::First }
    }
}

impl Queues {
    fn of(&mut self, name: QueueName) -> &mut Queue {
        match name {
            QueueName::Lanes => &mut self.lanes,
            QueueName::Batches => &mut self.batches,
        }
    }

    /// Puts a message on its queue, visible from `visible_ns` on.
    pub fn put(&mut self, task: Task, visible_ns: u64) {
        self.next += 1;
        let number = self.next;
        let queue = self.of(task.queue());
        queue.messages.push(Message { number, task, visible_ns, received: 0 });
        queue.waiting.drain(..).for_each(Waker::wake);
    }

    /// Whether neither queue holds anything, visible or not.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        self.lanes.messages.is_empty() && self.batches.messages.is_empty()
    }

    /// Loses everything.
    pub fn purge(&mut self) -> usize {
        let lost = self.lanes.messages.len() + self.batches.messages.len();
        self.lanes.messages.clear();
        self.batches.messages.clear();
        lost
    }

    /// Takes a message for good.
    pub fn confirm(&mut self, received: &Received) {
        self.of(received.task.queue()).messages.retain(|message| message.number != received.number);
    }

    /// Everything that waits, in words.
    pub fn describe(&self) -> Vec<String> {
        let all = self.lanes.messages.iter().chain(&self.batches.messages);
        all.map(|message| format!("{} (received {} times)", message.task, message.received)).collect()
    }
}

impl Queue {
    /// Hides one of the visible messages and hands it out. Which one is anybody's guess.
    fn receive(&mut self, rng: &mut Rng, now_ns: u64, hidden_until: u64) -> Option<Received> {
        let visible = |(_, message): &(usize, &Message)| message.visible_ns <= now_ns;
        let all: Vec<usize> =
            self.messages.iter().enumerate().filter(visible).map(|(index, _)| index).collect();
        if all.is_empty() {
            return None;
        }
        let message = &mut self.messages[rng.pick(&all)];
        message.visible_ns = hidden_until;
        message.received += 1;
        Some(Received { number: message.number, task: message.task.clone(), count: message.received })
    }

    fn next_visible(&self) -> Option<u64> {
        self.messages.iter().map(|message| message.visible_ns).min()
    }
}

impl State {
    fn receive(&mut self, world: &World, name: QueueName) -> Option<Received> {
        let hidden_until = self.now_ns + world.scenario.visibility_ns;
        loop {
            let received = self.queues.of(name).receive(&mut self.rng, self.now_ns, hidden_until)?;
            if received.count <= world.scenario.max_receives {
                return Some(received);
            }
            self.counts.add("dead letters");
            self.note("queue", || format!("{} goes to the dead letters", received.task));
            self.queues.confirm(&received);
        }
    }
}

/// Waits for a message.
pub async fn receive(world: &Arc<World>, name: QueueName) -> Received {
    std::future::poll_fn(|context| {
        let mut state = world.state();
        if let Some(received) = state.receive(world, name) {
            return Poll::Ready(received);
        }
        let queue = state.queues.of(name);
        queue.waiting.push(context.waker().clone());
        let next = queue.next_visible();
        drop(state);
        if let Some(at_ns) = next {
            world.exec.wake_at(at_ns, context.waker().clone());
        }
        Poll::Pending
    })
    .await
}

/// Another message, if there is one right now.
pub fn receive_more(world: &Arc<World>, name: QueueName) -> Option<Received> {
    world.state().receive(world, name)
}
