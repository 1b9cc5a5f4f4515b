//! The start and the sender function, as the event sources of their queues drive them.
//!
//! A slot is one unit of concurrency: it waits for messages, and invokes its environment with them. What the
//! function carried out is confirmed; the rest comes again when its visibility time-out is over.

use std::sync::Arc;

use fanmail_engine::Invocation;
use fanmail_engine::fan_out::FanOut;
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::send_batch::Sender;

use super::{Environment, take_down, watch_over};
use crate::rng::ALWAYS;
use crate::world::queue::{QueueName, Received, Task, receive, receive_more};
use crate::world::{Process, World};

/// Works off a queue for ever, in one slot.
pub async fn slot(world: Arc<World>, queue: QueueName, number: usize) {
    let kind = match queue {
        QueueName::Lanes => "start",
        QueueName::Batches => "sender",
    };
    let name = format!("{kind}-{number}");
    let mut environment = Environment::new(&world, &name);
    loop {
        let mut event = vec![receive(&world, queue).await];
        while event.len() < world.scenario.event_size {
            let Some(more) = receive_more(&world, queue) else { break };
            event.push(more);
        }
        let lives = invoke(&world, &environment, &event, queue).await;
        if !lives || world.state().rng.chance(ALWAYS / 50) {
            environment = Environment::new(&world, &name);
        }
    }
}

/// Invokes an environment with an event. Answers whether it lives on.
async fn invoke(
    world: &Arc<World>,
    environment: &Arc<Environment>,
    event: &[Received],
    queue: QueueName,
) -> bool {
    let (process, invocation) = environment.invoked(world, queue == QueueName::Batches);
    let work = work_on(process.clone(), Arc::clone(environment), event.to_vec(), invocation);
    let done = watch_over(world, &process, world.exec.spawn_as(process.task, work)).await;
    let mut state = world.state();
    let slept = state.witness.freezes.iter().any(|freeze| freeze.task == process.task);
    if queue == QueueName::Batches && (done.is_none() || slept) {
        state.witness.bad_ends += 1;
    }
    let storm = state.now_ns < world.scenario.weather.ends_ns;
    for received in done.iter().flatten() {
        if storm && state.rng.chance(world.scenario.weather.unconfirmed) {
            state.counts.add("unconfirmed messages");
            state.note(&process.name, || format!("{} is not confirmed", received.task));
        } else {
            state.queues.confirm(received);
        }
    }
    done.is_some()
}

/// Works on each message of an event while there is time. Answers which were carried out.
async fn work_on(
    process: Process,
    environment: Arc<Environment>,
    event: Vec<Received>,
    invocation: Invocation,
) -> Vec<Received> {
    let mut done = Vec::with_capacity(event.len());
    for received in event {
        if process.now() >= invocation.stop_at {
            continue;
        }
        process.world.note(&process.name, || format!("gets {}, the {}. time", received.task, received.count));
        match carry_out(&process, &environment, &received, &invocation).await {
            Ok(outcome) => {
                process.world.note(&process.name, || format!("{}: {outcome}", received.task));
                done.push(received);
            }
            Err(error) => {
                take_down(&process, &error);
                process.world.state().witness.bad_ends += 1;
            }
        }
    }
    done
}

async fn carry_out(
    process: &Process,
    environment: &Environment,
    received: &Received,
    invocation: &Invocation,
) -> Result<String, PortError> {
    match &received.task {
        Task::Lane(task) => {
            let watch = &environment.watch;
            let start = FanOut { store: process, tasks: process, clock: process, watch };
            start.fan_out(*task, invocation).await.map(|outcome| format!("{outcome:?}"))
        }
        Task::Batch(task) => {
            let memory = &environment.memory;
            let sender = Sender { store: process, tasks: process, mailer: process, clock: process, memory };
            let sent = sender.send_batch(task.clone(), received.delivery(), invocation).await;
            sent.map(|outcome| format!("{outcome:?}"))
        }
    }
}
