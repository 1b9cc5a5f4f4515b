//! The whole system as a machine: what can happen, and what then is.

use std::fmt;

use fanmail_domain::{CampaignStatus, Epoch};

use crate::properties::PROPERTIES;
use crate::scope::{Faults, Grain, Rules, Scope};
use crate::search::{Machine, Property, Sightings};
use crate::sweeper::Sweeper;
use crate::world::{Task, View, World};
use crate::{fan_out, moves, sender, sweeper};

/// The system of a certain size, under certain rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// How large it is.
    pub scope: Scope,
    /// Which rules it keeps.
    pub rules: Rules,
}

/// Names of what a search may meet.
pub mod sights {
    /// A campaign was finished.
    pub const FINISHED: &str = "a campaign was finished";
    /// A campaign was finished, and some of its recipients are in doubt.
    pub const FINISHED_WITH_DOUBT: &str = "a campaign was finished with doubt";
    /// A campaign was finished after it had been resumed.
    pub const FINISHED_IN_A_LATER_RUN: &str = "a campaign was finished in a later run";
    /// The write that finishes was refused.
    pub const FINISH_REFUSED: &str = "a write that finishes was refused";
    /// A sender took a batch whose lease had ended.
    pub const TAKEN_OVER: &str = "a sender took a batch over";
    /// The sweeper took a batch whose lease had ended.
    pub const LEASE_EXPIRED: &str = "the sweeper took a batch whose lease had ended";
    /// The sweeper had a lane's tasks sent again.
    pub const REWOUND: &str = "the sweeper had a lane's tasks sent again";
    /// A message for a batch that is held or done was dropped.
    pub const DUPLICATE_DROPPED: &str = "a duplicate message was dropped";
    /// A message of another run was dropped.
    pub const VOID_DROPPED: &str = "a message of another run was dropped";
    /// A sender that had lost its lease was refused a write.
    pub const HOLDER_FENCED: &str = "a holder without its lease was refused a write";
    /// Two senders read the same batch, and the second one's first write was refused.
    pub const LEASE_RACE_LOST: &str = "a race for a lease was lost";
    /// A fan-out that had lost its lane was refused a write.
    pub const LANE_RACE_LOST: &str = "a fan-out without its lane was refused a write";
    /// A recipient of a batch that had stalled was prepared alone.
    pub const PREPARED_WITH_CARE: &str = "a recipient was prepared with care";
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// Whoever started or resumed the campaign.
    Starter,
    /// A fan-out.
    FanOut(usize),
    /// A sender.
    Sender(usize),
    /// The sweeper.
    Sweeper,
}

/// What is open about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing.
    Plain,
    /// The campaign is not read: the view of a moment ago is used, and it is outdated.
    Stale,
    /// The write carries the lane's counters forward.
    Counting,
    /// Time is up.
    TimeUp,
    /// What the provider answers.
    Answer(Answer),
}

/// What the provider makes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It took it.
    Accepted,
    /// It refused it for good.
    Rejected,
    /// It takes nothing from anybody for now.
    PutOff,
    /// It took it, but its answer was lost.
    LostButTaken,
    /// It did not take it, and its answer was lost.
    LostAndNotTaken,
}

/// One atomic step of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Whoever began the run sends the lanes' tasks.
    Announce,
    /// The operator pauses the campaign.
    Pause,
    /// A second passes after a pause, and the windows that were open have ended.
    Quiet,
    /// The operator lets the campaign go on.
    Resume,
    /// A process gets a message; whether the message stays in the queue.
    Receive(Process, Task, bool),
    /// A process takes its next step.
    Go(Process, Choice),
    /// A process dies.
    Crash(Process),
    /// A message is lost.
    Lose(Task),
    /// A batch's lease ends; whether its holder lives, and was frozen.
    LeaseEnds(u8, u32, bool),
    /// A lane's lease ends; whether its holder lives, and was frozen.
    LaneLeaseEnds(u8, bool),
}

impl Choice {
    /// The choices of whoever looks whether the campaign runs.
    pub(crate) fn looks(world: &World, view: View, epoch: Epoch) -> Vec<Self> {
        let stale = world.is_stale(view, epoch).then_some(Self::Stale);
        std::iter::once(Self::Plain).chain(stale).collect()
    }
}

impl Answer {
    /// What the provider may still answer.
    pub(crate) fn possible(world: &World) -> impl Iterator<Item = Self> {
        let odd = [Self::Rejected, Self::PutOff, Self::LostButTaken, Self::LostAndNotTaken];
        let odd = if world.faults.answers > 0 { &odd[..] } else { &[] };
        std::iter::once(Self::Accepted).chain(odd.to_vec())
    }

    /// Whether the recipient gets the message.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::Accepted | Self::LostButTaken)
    }
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
            Action::Announce => announce(&mut world),
            Action::Pause => control(&mut world, true),
            Action::Resume => control(&mut world, false),
            Action::Quiet => be_quiet(&mut world),
            Action::Receive(process, task, stays) => receive(&mut world, process, task, stays),
            Action::Go(Process::Sender(n), choice) => sender::step(self, &mut world, n, choice, seen),
            Action::Go(Process::FanOut(n), choice) => fan_out::step(self, &mut world, n, choice, seen),
            Action::Go(Process::Sweeper, _) => sweeper::step(self, &mut world, seen),
            Action::Go(Process::Starter, _) => announce(&mut world),
            Action::Crash(process) => crash(&mut world, process),
            Action::Lose(task) => {
                world.faults.losses -= 1;
                world.tasks.remove(&task);
            }
            Action::LeaseEnds(lane, seq, frozen) => end_lease(&mut world, lane, seq, frozen),
            Action::LaneLeaseEnds(lane, frozen) => end_lane_lease(&mut world, lane, frozen),
        }
        if self.scope.grain == Grain::Coarse && self.rules.fencing {
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
        match action {
            Action::Announce => "starter: send the lane tasks".to_owned(),
            Action::Pause => "operator: pause".to_owned(),
            Action::Resume => "operator: resume".to_owned(),
            Action::Quiet => "a second passes, and open windows have ended".to_owned(),
            Action::Receive(process, task, stays) => {
                let again = if stays { ", which will come again" } else { "" };
                format!("{process}: receive {task}{again}")
            }
            Action::Go(process, choice) => {
                format!("{process}: {}{}", next_step(world, process), choice.suffix())
            }
            Action::Crash(process) => format!("{process}: die, instead of: {}", next_step(world, process)),
            Action::Lose(task) => format!("lost: {task}"),
            Action::LeaseEnds(lane, seq, frozen) => {
                format!("the lease of batch {lane}/{seq} ends{}", holder_is(frozen))
            }
            Action::LaneLeaseEnds(lane, frozen) => {
                format!("the lease of lane {lane} ends{}", holder_is(frozen))
            }
        }
    }
}

fn next_step(world: &World, process: Process) -> &'static str {
    match process {
        Process::Starter => "send the lane tasks",
        Process::FanOut(n) => world.fan_outs[n].next_step(),
        Process::Sender(n) => world.senders[n].next_step(),
        Process::Sweeper => world.sweeper.next_step(),
    }
}

fn holder_is(frozen: bool) -> &'static str {
    if frozen { "; its holder was frozen and goes on" } else { "" }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starter => f.write_str("starter"),
            Self::FanOut(n) => write!(f, "fan-out {n}"),
            Self::Sender(n) => write!(f, "sender {n}"),
            Self::Sweeper => f.write_str("sweeper"),
        }
    }
}

impl Choice {
    fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Stale => " (not yet again: an outdated view is used)",
            Self::Counting => " and carry the counters forward",
            Self::TimeUp => " (time is up)",
            Self::Answer(Answer::Accepted) => ", which accepts",
            Self::Answer(Answer::Rejected) => ", which rejects",
            Self::Answer(Answer::PutOff) => ", which takes nothing",
            Self::Answer(Answer::LostButTaken) => ", which accepts, but its answer is lost",
            Self::Answer(Answer::LostAndNotTaken) => ", which is not reached, but nobody knows",
        }
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

fn announce(world: &mut World) {
    let Some(epoch) = world.announcing.take() else { return };
    for (lane, _) in (0..).zip(&world.lanes) {
        world.tasks.insert(Task::Lane { epoch, lane });
    }
}

fn control(world: &mut World, pause: bool) {
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

fn be_quiet(world: &mut World) {
    world.quiet = true;
    for view in views(world) {
        *view = None;
    }
}

fn views(world: &mut World) -> impl Iterator<Item = &mut View> {
    let senders = world.senders.iter_mut().map(|it| &mut it.view);
    senders.chain(world.fan_outs.iter_mut().map(|it| &mut it.view))
}

fn receive(world: &mut World, process: Process, task: Task, stays: bool) {
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

fn crash(world: &mut World, process: Process) {
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

fn end_lease(world: &mut World, lane: u8, seq: u32, frozen: bool) {
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

fn end_lane_lease(world: &mut World, lane: u8, frozen: bool) {
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
