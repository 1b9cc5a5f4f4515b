//! People who order things for the campaign, through the API's use cases.
//!
//! An order that fails, or whose process dies, is given again until it is answered. What a [`Request`] does
//! is in [`carry_out`]; what an acknowledged one means to the oracle is in `acknowledge`.

mod carry_out;

use std::sync::Arc;

use fanmail_domain::{Campaign, Settings};

use super::{Environment, take_down, watch_over};
use crate::rng::{ALWAYS, Rng};
use crate::scenario::draw_settings;
use crate::time::{MILLI, SECOND};
use crate::world::World;
use carry_out::{Answer, carry_out};

/// What an operator asks for, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at_ns: u64,
    /// What.
    pub request: Request,
}

/// What an operator asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// That the campaign starts.
    Start,
    /// That it starts at a time, and not after another one.
    Schedule {
        /// The time, on the world's clock.
        send_ns: u64,
        /// The end of it.
        not_after_ns: u64,
    },
    /// That it starts if it is due: what a one-time schedule asks.
    StartDue,
    /// That it stops for now; for so long, or until somebody resumes it.
    Pause {
        /// How long, if it is to end by itself.
        for_ns: Option<u64>,
    },
    /// That it goes on.
    Resume,
    /// That it stops for good.
    Cancel,
    /// That the ends of a class are taken back.
    Retry(&'static str),
    /// That everybody in doubt counts as accepted.
    Assume,
    /// That it says something else.
    Edit,
    /// That all campaigns go on under other settings.
    Settings(Settings),
    /// That it stops for good, as one who saw an earlier version of it.
    CancelLate,
}

/// Classes that are tried again, the one that may send twice more often than the others.
const CLASSES: [&str; 6] =
    ["in_doubt", "in_doubt", "failed:*", "failed:rejected", "skipped:*", "skipped:cancelled"];

impl Act {
    /// What the operators do in one run.
    pub fn draw_all(rng: &mut Rng, starts_ns: u64, ends_ns: u64, senders: usize) -> Vec<Self> {
        let mut acts = Self::draw_start(rng, starts_ns);
        let busy = rng.chance(ALWAYS / 2);
        let soon = |rng: &mut Rng| {
            let seconds = (ends_ns - starts_ns) / SECOND;
            starts_ns + rng.mostly_small(0..=seconds * 1_000) * MILLI
        };
        for _ in 0..if busy { rng.within(1..=4) } else { 0 } {
            let at_ns = soon(rng);
            acts.extend(Self::draw_pause(rng, at_ns));
        }
        for _ in 0..if busy { rng.below(4) } else { 0 } {
            let request = Request::Settings(draw_settings(rng, senders));
            acts.push(Self { at_ns: soon(rng), request });
        }
        let sundry = [Request::Assume, Request::Edit, Request::CancelLate, Request::Resume];
        for _ in 0..if busy { rng.below(3) } else { 0 } {
            acts.push(Self { at_ns: soon(rng), request: rng.pick(&sundry) });
        }
        if rng.chance(ALWAYS / 6) {
            acts.push(Self { at_ns: soon(rng), request: Request::Cancel });
        }
        acts
    }

    fn draw_start(rng: &mut Rng, at_ns: u64) -> Vec<Self> {
        if rng.chance(ALWAYS / 4) {
            let send_ns = at_ns + rng.below(20) * SECOND;
            let not_after_ns = send_ns + rng.pick(&[5, 86_400, 86_400]) * SECOND;
            let schedule = Self { at_ns, request: Request::Schedule { send_ns, not_after_ns } };
            let due = Self { at_ns: send_ns, request: Request::StartDue };
            return if rng.chance(ALWAYS / 2) { vec![schedule, due] } else { vec![schedule] };
        }
        let mut acts = vec![Self { at_ns, request: Request::Start }];
        if rng.chance(ALWAYS / 5) {
            acts.push(Self { at_ns: at_ns + rng.below(3) * SECOND, request: Request::Start });
        }
        acts
    }

    /// A pause, perhaps something in it, and what ends it.
    fn draw_pause(rng: &mut Rng, at_ns: u64) -> Vec<Self> {
        let lasts_ns = rng.mostly_small(1..=40_000) * MILLI;
        let for_ns = rng.chance(ALWAYS / 4).then_some(lasts_ns);
        let mut acts = vec![Self { at_ns, request: Request::Pause { for_ns } }];
        if rng.chance(ALWAYS / 4) {
            acts.push(Self { at_ns: at_ns + lasts_ns / 2, request: Request::Edit });
        }
        if for_ns.is_none() {
            let again = rng.chance(ALWAYS / 4);
            let request = if again { Request::Retry(rng.pick(&CLASSES)) } else { Request::Resume };
            acts.push(Self { at_ns: at_ns + lasts_ns, request });
        }
        acts
    }

    /// What the operators ask for once the campaign ended.
    pub fn draw_afterwards(rng: &mut Rng) -> Vec<Request> {
        let acts = if rng.chance(ALWAYS / 3) { rng.within(1..=3) } else { 0 };
        let retry = |rng: &mut Rng| Request::Retry(rng.pick(&CLASSES));
        (0..acts).map(|_| if rng.chance(ALWAYS / 4) { Request::Assume } else { retry(rng) }).collect()
    }

    /// The settings that it asks for.
    #[must_use]
    pub fn settings(&self) -> Option<Settings> {
        if let Request::Settings(settings) = self.request { Some(settings) } else { None }
    }
}

/// Lets every operator act at their time.
pub fn begin(world: &Arc<World>) {
    for act in world.scenario.acts.clone() {
        let world = Arc::clone(world);
        drop(world.exec.clone().spawn(async move {
            world.exec.sleep_until(act.at_ns).await;
            insist(&world, act.request).await;
        }));
    }
}

/// Asks until there is an answer.
pub async fn insist(world: &Arc<World>, request: Request) {
    while !ask(world, request).await {
        let patience_ns = world.state().rng.within(100..=5_000) * MILLI;
        world.exec.sleep(patience_ns).await;
    }
}

/// Asks once. Answers whether there was an answer.
async fn ask(world: &Arc<World>, request: Request) -> bool {
    let environment = Environment::new(world, "api");
    let (process, invocation) = environment.invoked(world, false);
    process.world.note(&process.name, || format!("is asked for {request:?}"));
    let work = {
        let process = process.clone();
        async move { carry_out(&process, invocation.deadline, request).await }
    };
    match watch_over(world, &process, world.exec.spawn_as(process.task, work)).await {
        Some(Ok(Answer::Done(campaign))) => {
            acknowledge(world, request, campaign.as_deref());
            true
        }
        Some(Ok(Answer::Refused)) => true,
        Some(Err(error)) => {
            take_down(&process, &error);
            false
        }
        None => false,
    }
}

/// What an acknowledged request means to the oracle.
fn acknowledge(world: &Arc<World>, request: Request, campaign: Option<&Campaign>) {
    let mut state = world.state();
    let now_ns = state.now_ns;
    state.note("operator", || format!("has the answer to {request:?}"));
    let kind = match request {
        Request::Start => "starts",
        Request::Schedule { .. } | Request::StartDue => "schedules",
        Request::Pause { .. } => {
            state.witness.stops_ns.push(now_ns);
            "pauses"
        }
        Request::Cancel => {
            state.witness.stops_ns.push(now_ns);
            "cancellations"
        }
        Request::Resume => "resumes",
        Request::Retry(_) => "retries",
        Request::Assume => "resolutions",
        Request::Edit => {
            let version = campaign.map_or(0, |campaign| campaign.content_version);
            state.witness.edits.push((now_ns, version));
            "edits"
        }
        Request::Settings(_) => "changes of settings",
        Request::CancelLate => {
            state.witness.errors.push("an order from a version that is past was carried out".into());
            "late orders"
        }
    };
    state.counts.add(kind);
}
