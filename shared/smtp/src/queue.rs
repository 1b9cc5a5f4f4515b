//! Who waits, who is idle, and how many connections there may be.
//!
//! A *seat* is the right to hold one connection; a driver has one from its start to its end. An errand goes
//! to the driver that became idle last; where none is idle, to a new one if a seat is free; else it waits.
//! Not more than `limit` drivers are busy at a time; it may be changed while they are, and idle ones beyond it end by themselves.
//! So errands wait only while every seat is taken and no driver is idle, or enough are busy, and a driver that has nothing more to do takes
//! a waiting one, becomes idle, or gives its seat back, all under one lock: nobody waits for a driver that has left.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::order::{Errand, Order};

/// Hands errands to drivers.
#[derive(Debug)]
pub(crate) struct Queue {
    seats: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// With ascending numbers.
    waiting: VecDeque<(u64, Errand)>,
    /// The longest idle one first.
    idle: Vec<(u64, UnboundedSender<Errand>)>,
    taken: usize,
    /// Drivers that may be busy at a time; at least 1.
    limit: usize,
    /// Of the last errand that waited or driver that began.
    last_number: u64,
    closed: bool,
}

/// What became of an errand.
#[derive(Debug)]
pub(crate) enum Placed {
    /// An idle driver has it.
    Handed,
    /// It waits under this number.
    Waits(u64),
    /// The caller must start a driver with this number for it.
    Start(u64, Errand),
    /// The queue takes no more.
    Closed(Errand),
}

/// What a driver does after its last errand.
#[derive(Debug)]
pub(crate) enum Next {
    /// The errand that has waited longest.
    Errand(Errand),
    /// Nothing, but it counts as idle and will be handed one.
    Idle,
    /// It has lost its seat.
    Leave,
}

impl Queue {
    pub(crate) fn new(seats: usize) -> Self {
        let limit = seats.max(1);
        Self { seats: limit, state: Mutex::new(State { limit, ..State::default() }) }
    }

    /// From now on at most so many drivers are busy, and never more than there are seats.
    pub(crate) fn limit(&self, busy: usize) {
        self.lock().limit = busy.clamp(1, self.seats);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn place(&self, mut errand: Errand) -> Placed {
        let mut state = self.lock();
        if state.closed {
            return Placed::Closed(errand);
        }
        let full = state.busy() >= state.limit;
        while let Some((_, driver)) = state.idle.pop_if(|_| !full) {
            match driver.send(errand) {
                Ok(()) => return Placed::Handed,
                Err(gone) => errand = gone.0,
            }
        }
        state.last_number += 1;
        let number = state.last_number;
        if !full && state.taken < self.seats {
            state.taken += 1;
            return Placed::Start(number, errand);
        }
        state.waiting.push_back((number, errand));
        Placed::Waits(number)
    }

    /// Takes an errand back; `None` if a driver already has it.
    pub(crate) fn withdraw(&self, number: u64) -> Option<Errand> {
        let mut state = self.lock();
        let at = state.waiting.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        state.waiting.remove(at).map(|(_, errand)| errand)
    }

    /// The message that has waited longest, if a message is what has waited longest.
    pub(crate) fn take_message(&self) -> Option<Order> {
        let mut state = self.lock();
        state.skip_withdrawn();
        match state.waiting.pop_front()? {
            (_, Errand::Send(order)) => Some(order),
            other => {
                state.waiting.push_front(other);
                None
            }
        }
    }

    /// What the driver with this number does next; it can be idle only with a connection (`mailbox`).
    pub(crate) fn next(&self, driver: u64, mailbox: Option<&UnboundedSender<Errand>>) -> Next {
        let mut state = self.lock();
        state.skip_withdrawn();
        // Those that are not too many take what waits.
        let too_many = state.busy() > state.limit;
        if let Some((_, errand)) = state.waiting.pop_front_if(|_| !too_many) {
            return Next::Errand(errand);
        }
        match mailbox {
            Some(mailbox) if !state.closed => {
                state.idle.push((driver, mailbox.clone()));
                Next::Idle
            }
            Some(_) | None => {
                state.taken -= 1;
                Next::Leave
            }
        }
    }

    /// An idle driver leaves. False if it has been handed an errand.
    pub(crate) fn leave_idle(&self, driver: u64) -> bool {
        let mut state = self.lock();
        let Some(at) = state.idle.iter().position(|(number, _)| *number == driver) else { return false };
        state.idle.remove(at);
        state.taken -= 1;
        true
    }

    /// A driver has ended without leaving: its task was dropped. If it was the last, nobody is left to serve those who wait.
    pub(crate) fn abandon(&self, driver: u64) {
        let mut state = self.lock();
        state.idle.retain(|(number, _)| *number != driver);
        state.taken -= 1;
        let waiting = if state.taken == 0 { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        drop(state);
        drop(waiting);
    }

    /// Takes no more errands. Returns those that wait and the drivers that are idle.
    pub(crate) fn close(&self) -> (Vec<Errand>, Vec<UnboundedSender<Errand>>) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = state.waiting.drain(..).map(|(_, errand)| errand).collect();
        let idle = state.idle.drain(..).map(|(_, driver)| driver).collect();
        (waiting, idle)
    }
}

impl State {
    fn busy(&self) -> usize {
        self.taken - self.idle.len()
    }

    fn skip_withdrawn(&mut self) {
        while self.waiting.front().is_some_and(|(_, errand)| errand.is_withdrawn()) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc::unbounded_channel;
    use tokio::sync::oneshot;

    use super::*;
    use crate::budget::Budget;
    use crate::order::Probe;
    use crate::session::ConnectError;

    type Receipt = oneshot::Receiver<Result<(), ConnectError>>;

    fn errand() -> (Errand, Receipt) {
        let (answer, receipt) = oneshot::channel();
        (Errand::Probe(Probe { budget: Budget::begin(Some(Duration::ZERO)), answer }), receipt)
    }

    /// Places errands and returns what became of them and their receipts.
    fn place<const N: usize>(queue: &Queue) -> ([Placed; N], [Receipt; N]) {
        let errands = std::array::from_fn::<_, N, _>(|_| errand());
        let mut receipts = Vec::new();
        let placed = errands.map(|(errand, receipt)| {
            receipts.push(receipt);
            queue.place(errand)
        });
        (placed, receipts.try_into().unwrap())
    }

    #[test]
    fn the_driver_that_became_idle_last_gets_the_next_errand() {
        let queue = Queue::new(2);
        let (placed, _receipts) = place::<2>(&queue);
        let [Placed::Start(a, _), Placed::Start(b, _)] = placed else { panic!("{placed:?}") };
        let ((to_a, mut at_a), (to_b, mut at_b)) = (unbounded_channel(), unbounded_channel());
        assert!(matches!(queue.next(a, Some(&to_a)), Next::Idle));
        assert!(matches!(queue.next(b, Some(&to_b)), Next::Idle));

        let (placed, _receipts) = place::<1>(&queue);

        assert!(matches!(placed, [Placed::Handed]));
        assert!(at_b.try_recv().is_ok() && at_a.try_recv().is_err());
        assert!(queue.leave_idle(a) && !queue.leave_idle(b), "one is idle, the other has an errand");
    }

    #[test]
    fn errands_wait_for_a_seat_in_their_order_and_leave_when_their_senders_do() {
        let queue = Queue::new(1);
        let (placed, [_started, first, second, third]) = place::<4>(&queue);
        let [Placed::Start(driver, _), Placed::Waits(_), Placed::Waits(taken_back), Placed::Waits(_)] =
            placed
        else {
            panic!("{placed:?}")
        };
        assert!(queue.withdraw(taken_back).is_some() && queue.withdraw(taken_back).is_none());
        drop(first);

        assert!(matches!(queue.next(driver, None), Next::Errand(_)));
        assert!(matches!(queue.next(driver, None), Next::Leave), "the last one was the third");
        drop((second, third));

        assert!(matches!(place::<1>(&queue).0, [Placed::Start(..)]), "the seat is free again");
    }

    #[test]
    fn a_lower_limit_holds_for_new_errands_and_for_drivers_that_end_theirs() {
        let queue = Queue::new(3);
        let (placed, _receipts) = place::<2>(&queue);
        let [Placed::Start(a, _), Placed::Start(b, _)] = placed else { panic!("{placed:?}") };
        queue.limit(1);
        let (placed, _waiting) = place::<1>(&queue);
        assert!(matches!(placed, [Placed::Waits(_)]), "{placed:?}");

        let (to_a, _at_a) = unbounded_channel();
        assert!(matches!(queue.next(a, Some(&to_a)), Next::Idle), "one of two is too many");
        assert!(matches!(queue.next(b, None), Next::Errand(_)), "the other one goes on");
    }

    #[test]
    fn who_waits_for_a_driver_that_ended_is_told() {
        let queue = Queue::new(1);
        let (placed, [_started, mut waiting]) = place::<2>(&queue);
        let [Placed::Start(driver, _), Placed::Waits(_)] = placed else { panic!("{placed:?}") };

        queue.abandon(driver);

        assert!(matches!(waiting.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
    }
}
