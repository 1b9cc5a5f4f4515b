//! What happens to processes from outside: the operator's orders, messages, deaths and the end of leases.

use crate::action::Process;
use crate::scope::Faults;
use crate::sweeper::Sweeper;
use crate::world::{Task, View, World};
use crate::{fan_out, moves, sender};

pub(crate) fn announce(world: &mut World) {
    let Some(epoch) = world.announcing.take() else { return };
    for (lane, _) in (0..).zip(&world.lanes) {
        world.tasks.insert(Task::Lane { epoch, lane });
    }
}

pub(crate) fn control(world: &mut World, pause: bool) {
    let change = if pause { moves::paused } else { moves::resumed };
    let Ok(state) = change(world.campaign) else {
        world.broken = true;
        return;
    };
    world.campaign = state;
    world.quiet = false;
    if pause {
        world.faults.pauses -= 1;
    } else {
        world.announcing = Some(state.epoch);
    }
}

pub(crate) fn be_quiet(world: &mut World) {
    world.quiet = true;
    for view in views(world) {
        *view = None;
    }
}

fn views(world: &mut World) -> impl Iterator<Item = &mut View> {
    let senders = world.senders.iter_mut().map(|it| &mut it.view);
    senders.chain(world.fan_outs.iter_mut().map(|it| &mut it.view))
}

pub(crate) fn receive(world: &mut World, process: Process, task: Task, stays: bool) {
    if stays {
        world.faults.duplicates -= 1;
    } else {
        world.tasks.remove(&task);
    }
    match process {
        Process::Sender(n) => {
            (world.senders[n].task, world.senders[n].at) = (Some(task), sender::At::Looking);
        }
        Process::FanOut(n) => {
            (world.fan_outs[n].task, world.fan_outs[n].at) = (Some(task), fan_out::At::Looking);
        }
        Process::Starter | Process::Sweeper => {}
    }
}

pub(crate) fn crash(world: &mut World, process: Process) {
    world.faults.crashes -= 1;
    let task = match process {
        Process::Starter => {
            world.announcing = None;
            None
        }
        Process::Sender(n) => std::mem::take(&mut world.senders[n]).task,
        Process::FanOut(n) => std::mem::take(&mut world.fan_outs[n]).task,
        Process::Sweeper => {
            world.sweeper = Sweeper::Idle;
            None
        }
    };
    world.tasks.extend(task.map(Task::again));
}

impl Task {
    /// The message as it is delivered the next time.
    fn again(self) -> Self {
        match self {
            Self::Lane { .. } => self,
            Self::Batch { epoch, lane, seq, .. } => Self::Batch { epoch, lane, seq, repeated: true },
        }
    }
}

pub(crate) fn end_lease(world: &mut World, lane: u8, seq: u32, frozen: bool) {
    spend_freeze(&mut world.faults, frozen);
    let stored = &mut world.batches[usize::from(lane)][seq as usize];
    moves::end_batch_lease(stored);
    let (id, token) = (stored.id, stored.token);
    let senders = world.senders.iter_mut().filter_map(sender::Sender::batch);
    for copy in senders.chain(world.sweeper.batches()) {
        if copy.id == id && copy.token == token {
            moves::end_batch_lease(copy);
        }
    }
}

pub(crate) fn end_lane_lease(world: &mut World, lane: u8, frozen: bool) {
    spend_freeze(&mut world.faults, frozen);
    let stored = &mut world.lanes[usize::from(lane)].plan;
    moves::end_lane_lease(stored);
    let (no, rev) = (stored.no, stored.rev);
    let fan_outs = world.fan_outs.iter_mut().filter_map(fan_out::FanOut::plan);
    for copy in fan_outs.filter(|plan| plan.rev == rev).chain(world.sweeper.plans()) {
        if copy.no == no {
            moves::end_lane_lease(copy);
        }
    }
}

fn spend_freeze(faults: &mut Faults, frozen: bool) {
    faults.freezes -= u8::from(frozen);
}
