//! The executor: time, order, death and sleep.

use std::sync::{Arc, Mutex, PoisonError};

use fanmail_sim::executor::{Ended, Executor, Handle, Stopped};
use fanmail_sim::rng::Rng;

type Log = Arc<Mutex<Vec<(u64, &'static str)>>>;

fn say(log: &Log, handle: &Handle, what: &'static str) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push((handle.now_ns(), what));
}

fn drain(log: &Log) -> Vec<(u64, &'static str)> {
    std::mem::take(&mut *log.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start() -> (Executor, Handle, Log) {
    let executor = Executor::new(0, Rng::new(1));
    let handle = executor.handle();
    (executor, handle, Log::default())
}

#[test]
fn the_clock_jumps_from_timer_to_timer() {
    let (mut executor, handle, log) = start();
    for (at_ns, what) in [(30, "late"), (10, "early")] {
        let (handle, log) = (handle.clone(), Arc::clone(&log));
        drop(handle.clone().spawn(async move {
            handle.sleep_until(at_ns).await;
            say(&log, &handle, what);
        }));
    }
    assert_eq!(executor.run(100, 1_000, || false), Stopped::TimeUp);
    assert_eq!(drain(&log), [(10, "early"), (30, "late")]);
}

#[test]
fn nothing_happens_after_the_end() {
    let (mut executor, handle, log) = start();
    let (own, own_log) = (handle.clone(), Arc::clone(&log));
    drop(handle.spawn(async move {
        own.sleep_until(101).await;
        say(&own_log, &own, "too late");
    }));
    assert_eq!(executor.run(100, 1_000, || false), Stopped::TimeUp);
    assert_eq!(drain(&log), []);
}

#[test]
fn a_killed_task_goes_no_further_and_its_end_is_known() {
    let (mut executor, handle, log) = start();
    let (own, own_log) = (handle.clone(), Arc::clone(&log));
    let id = handle.reserve();
    let end = handle.spawn_as(id, async move {
        own.sleep_until(10).await;
        say(&own_log, &own, "alive");
        own.sleep_until(20).await;
        say(&own_log, &own, "still alive");
    });
    let (own, own_log) = (handle.clone(), Arc::clone(&log));
    drop(handle.spawn(async move {
        own.sleep_until(15).await;
        own.kill(id);
        let ended = end.await;
        say(&own_log, &own, if ended == Ended::Killed { "dead" } else { "done" });
    }));
    executor.run(100, 1_000, || false);
    assert_eq!(drain(&log), [(10, "alive"), (15, "dead")]);
}

#[test]
fn a_task_can_kill_itself_at_its_next_await() {
    let (mut executor, handle, log) = start();
    let (own, own_log) = (handle.clone(), Arc::clone(&log));
    let id = handle.reserve();
    drop(handle.spawn_as(id, async move {
        own.kill(id);
        say(&own_log, &own, "before the await");
        own.sleep(0).await;
        say(&own_log, &own, "after the await");
    }));
    executor.run(100, 1_000, || false);
    assert_eq!(drain(&log), [(0, "before the await")]);
}

#[test]
fn a_frozen_task_goes_on_when_it_thaws_and_not_before() {
    let (mut executor, handle, log) = start();
    let (own, own_log) = (handle.clone(), Arc::clone(&log));
    let id = handle.reserve();
    drop(handle.spawn_as(id, async move {
        own.sleep_until(10).await;
        say(&own_log, &own, "awake");
    }));
    handle.freeze(id, 50);
    executor.run(100, 1_000, || false);
    assert_eq!(drain(&log), [(50, "awake")]);
}

#[test]
fn the_seed_decides_who_goes_first_in_the_same_moment() {
    let order = |seed| {
        let mut executor = Executor::new(0, Rng::new(seed));
        let (handle, log) = (executor.handle(), Log::default());
        for what in ["a", "b", "c", "d"] {
            let (own, own_log) = (handle.clone(), Arc::clone(&log));
            drop(handle.spawn(async move {
                own.sleep_until(10).await;
                say(&own_log, &own, what);
            }));
        }
        executor.run(100, 1_000, || false);
        drain(&log)
    };
    let orders: std::collections::BTreeSet<_> = (0..50).map(order).collect();
    assert!(orders.len() > 5, "only {} orders", orders.len());
    assert_eq!(order(7), order(7));
}

#[test]
fn whoever_goes_round_in_circles_is_stopped() {
    let (mut executor, handle, _) = start();
    let own = handle.clone();
    drop(handle.spawn(async move {
        loop {
            own.sleep(0).await;
        }
    }));
    assert_eq!(executor.run(100, 1_000, || false), Stopped::TooManySteps);
}
