//! The whole system as a machine: what can happen, and what then is.

use fanmail_domain::CampaignStatus;

use crate::action::{Action, Answer, Choice, Process};
use crate::properties::PROPERTIES;
use crate::scope::{Grain, Rules, Scope};
use crate::search::{Machine, Property, Sightings};
use crate::sweeper::Sweeper;
use crate::world::{Task, World};
use crate::{fan_out, happenings, moves, sender, sweeper};

/// The system of a certain size, under certain rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// How large it is.
    pub scope: Scope,
    /// Which rules it keeps.
    pub rules: Rules,
}

impl Machine for Model {
    type State = World;
    type Action = Action;

    fn start(&self) -> World {
        World::start(&self.scope)
    }

    fn actions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::with_capacity(16);
        operator(world, &mut actions);
        messages(world, &mut actions);
        self.steps(world, &mut actions);
        leases(world, &mut actions);
        actions
    }

    fn next(&self, world: &World, action: Action, seen: &mut Sightings) -> World {
        let mut world = world.clone();
        match action {
            Action::Announce => happenings::announce(&mut world),
            Action::Pause => happenings::control(&mut world, true),
            Action::Resume => happenings::control(&mut world, false),
            Action::Quiet => happenings::be_quiet(&mut world),
            Action::Receive(process, task, stays) => happenings::receive(&mut world, process, task, stays),
            Action::Go(Process::Sender(n), choice) => sender::step(self, &mut world, n, choice, seen),
            Action::Go(Process::FanOut(n), choice) => fan_out::step(self, &mut world, n, choice, seen),
            Action::Go(Process::Sweeper, _) => sweeper::step(self, &mut world, seen),
            Action::Go(Process::Starter, _) => happenings::announce(&mut world),
            Action::Crash(process) => happenings::crash(&mut world, process),
            Action::Lose(task) => {
                world.faults.losses -= 1;
                world.tasks.remove(&task);
            }
            Action::LeaseEnds(lane, seq, frozen) => happenings::end_lease(&mut world, lane, seq, frozen),
            Action::LaneLeaseEnds(lane, frozen) => happenings::end_lane_lease(&mut world, lane, frozen),
        }
        if self.scope.grain == Grain::Coarse && self.rules.fencing && self.rules.lane_fencing {
            self.refuse_doomed(&mut world, seen);
        }
        world.settle(&self.scope);
        world
    }

    fn is_fault(&self, action: Action) -> bool {
        match action {
            Action::Pause | Action::Crash(_) | Action::Lose(_) => true,
            Action::Receive(_, _, stays) => stays,
            Action::Go(_, Choice::TimeUp) => true,
            Action::Go(_, Choice::Answer(answer)) => answer != Answer::Accepted,
            Action::LeaseEnds(_, _, frozen) | Action::LaneLeaseEnds(_, frozen) => frozen,
            Action::Announce | Action::Quiet | Action::Resume | Action::Go(..) => false,
        }
    }

    fn is_end(&self, world: &World) -> bool {
        world.campaign.status == CampaignStatus::Finished
            && world.tasks.is_empty()
            && world.senders.iter().all(|it| it.task.is_none())
            && world.fan_outs.iter().all(|it| it.task.is_none())
            && world.sweeper == Sweeper::Idle
    }

    fn properties(&self) -> &[Property<World>] {
        PROPERTIES
    }

    fn describe(&self, world: &World, action: Action) -> String {
        action.words(world)
    }
}

impl Model {
    /// Lets whoever is about to be refused a write find out.
    fn refuse_doomed(&self, world: &mut World, seen: &mut Sightings) {
        for n in 0..world.senders.len() {
            if world.senders[n].is_doomed(world) {
                sender::step(self, world, n, Choice::Plain, seen);
            }
        }
        for n in 0..world.fan_outs.len() {
            if world.fan_outs[n].is_doomed(world) {
                fan_out::step(self, world, n, Choice::Plain, seen);
            }
        }
        while world.sweeper.is_doomed(world) {
            sweeper::step(self, world, seen);
        }
    }

    fn steps(&self, world: &World, actions: &mut Vec<Action>) {
        let mut add = |process, choices: Vec<Choice>| {
            actions.extend(choices.into_iter().map(|choice| Action::Go(process, choice)));
        };
        for (n, sender) in world.senders.iter().enumerate() {
            add(Process::Sender(n), sender.choices(self, world));
        }
        for (n, fan_out) in world.fan_outs.iter().enumerate() {
            add(Process::FanOut(n), fan_out.choices(world));
        }
        let sweeps = world.sweeper != Sweeper::Idle || world.campaign.status == CampaignStatus::Running;
        add(Process::Sweeper, if sweeps { vec![Choice::Plain] } else { Vec::new() });
        if world.faults.crashes > 0 {
            crashes(world, actions);
        }
    }
}

fn crashes(world: &World, actions: &mut Vec<Action>) {
    let senders = (0..world.senders.len()).filter(|n| world.senders[*n].task.is_some());
    actions.extend(senders.map(|n| Action::Crash(Process::Sender(n))));
    let fan_outs = (0..world.fan_outs.len()).filter(|n| world.fan_outs[*n].task.is_some());
    actions.extend(fan_outs.map(|n| Action::Crash(Process::FanOut(n))));
    actions.extend((world.sweeper != Sweeper::Idle).then_some(Action::Crash(Process::Sweeper)));
    actions.extend(world.announcing.map(|_| Action::Crash(Process::Starter)));
}

fn operator(world: &World, actions: &mut Vec<Action>) {
    actions.extend(world.announcing.map(|_| Action::Announce));
    match world.campaign.status {
        CampaignStatus::Running if world.faults.pauses > 0 => actions.push(Action::Pause),
        CampaignStatus::Paused => {
            actions.push(Action::Resume);
            let open = world.senders.iter().any(sender::Sender::is_inside_a_window);
            actions.extend((!world.quiet && !open).then_some(Action::Quiet));
        }
        CampaignStatus::Draft
        | CampaignStatus::Scheduled
        | CampaignStatus::Running
        | CampaignStatus::Cancelled
        | CampaignStatus::Finished => {}
    }
}

fn messages(world: &World, actions: &mut Vec<Action>) {
    for task in &world.tasks {
        let takers: Vec<Process> = match task {
            // Equal processes stand side by side, and one of them is enough.
            Task::Lane { .. } => (0..world.fan_outs.len())
                .filter(|n| world.fan_outs[*n].task.is_none())
                .filter(|n| *n == 0 || world.fan_outs[*n] != world.fan_outs[n - 1])
                .map(Process::FanOut)
                .collect(),
            Task::Batch { .. } => (0..world.senders.len())
                .filter(|n| world.senders[*n].task.is_none())
                .filter(|n| *n == 0 || world.senders[*n] != world.senders[n - 1])
                .map(Process::Sender)
                .collect(),
        };
        for taker in takers {
            actions.push(Action::Receive(taker, *task, false));
            actions.extend((world.faults.duplicates > 0).then_some(Action::Receive(taker, *task, true)));
        }
        actions.extend((world.faults.losses > 0).then_some(Action::Lose(*task)));
    }
}

/// A lease whose holder is gone ends in time; that of a living one ends only if the holder was frozen.
fn leases(world: &World, actions: &mut Vec<Action>) {
    let freezes = world.faults.freezes > 0;
    for (no, lane) in (0..).zip(&world.lanes) {
        let held = world.fan_outs.iter().any(|it| it.holds(&lane.plan));
        if moves::is_lane_leased(&lane.plan) && (!held || freezes) {
            actions.push(Action::LaneLeaseEnds(no, held));
        }
        for batch in &world.batches[usize::from(no)] {
            let held = world.senders.iter().any(|it| it.holds(batch));
            if moves::is_batch_leased(batch) && (!held || freezes) {
                actions.push(Action::LeaseEnds(no, batch.id.seq, held));
            }
        }
    }
}
