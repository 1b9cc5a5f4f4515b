//! People who start, pause, resume and re-tune the campaign, through the API's use cases.
//!
//! A request that fails, or whose process dies, is asked again until it is answered. What the engine can do
//! more of, a request here does: a variant of [`Request`], an arm of `carry_out`, and a line of what an
//! acknowledged one means to the oracle in `acknowledge`.

use std::sync::Arc;

use fanmail_domain::{Campaign, CampaignStatus, SettingsPatch, StatusReason, Timestamp};
use fanmail_engine::commit::{commit, retry};
use fanmail_engine::control::{pause, resume};
use fanmail_engine::ports::{Campaigns, Clock, JournalEntry, PortError};
use fanmail_engine::start::{Controlled, start};

use super::{Environment, take_down, watch_over};
use crate::rng::{ALWAYS, Rng};
use crate::scenario::draw_settings;
use crate::time::{MILLI, SECOND};
use crate::world::{CAMPAIGN, Process, World};

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
    /// That it stops for now.
    Pause,
    /// That it goes on.
    Resume,
    /// That it goes on under other settings.
    Settings(SettingsPatch),
}

impl Act {
    /// What the operators do in one run.
    pub fn draw_all(rng: &mut Rng, starts_ns: u64, ends_ns: u64) -> Vec<Self> {
        let mut acts = vec![Self { at_ns: starts_ns, request: Request::Start }];
        if rng.chance(ALWAYS / 5) {
            acts.push(Self { at_ns: starts_ns + rng.below(3) * SECOND, request: Request::Start });
        }
        let busy = rng.chance(ALWAYS / 2);
        let soon = |rng: &mut Rng| {
            let seconds = (ends_ns - starts_ns) / SECOND;
            starts_ns + rng.mostly_small(0..=seconds * 1_000) * MILLI
        };
        for _ in 0..if busy { rng.within(1..=4) } else { 0 } {
            let at_ns = soon(rng);
            let until_ns = at_ns + rng.mostly_small(1..=40_000) * MILLI;
            acts.push(Self { at_ns, request: Request::Pause });
            acts.push(Self { at_ns: until_ns, request: Request::Resume });
        }
        for _ in 0..if busy { rng.below(4) } else { 0 } {
            let request = Request::Settings(draw_settings(rng));
            acts.push(Self { at_ns: soon(rng), request });
        }
        acts
    }

    /// The settings that it asks for.
    #[must_use]
    pub fn settings(&self) -> Option<SettingsPatch> {
        match self.request {
            Request::Settings(patch) => Some(patch),
            Request::Start | Request::Pause | Request::Resume => None,
        }
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
        Some(Ok(Answer::Done)) => {
            acknowledge(world, request);
            true
        }
        Some(Ok(Answer::Refused)) => true,
        Some(Ok(Answer::AskAgain)) | None => false,
        Some(Err(error)) => {
            take_down(&process, &error);
            false
        }
    }
}

/// What a request came to.
enum Answer {
    Done,
    Refused,
    /// Somebody else was faster, and it still makes sense.
    AskAgain,
}

async fn carry_out(process: &Process, until: Timestamp, request: Request) -> Result<Answer, PortError> {
    let announced = process.world.scenario.announced;
    let answer = match request {
        Request::Start => start(process, process, process, until, CAMPAIGN, announced).await?,
        Request::Pause => pause(process, process, until, CAMPAIGN, StatusReason::User, "user").await?,
        Request::Resume => resume(process, process, process, until, CAMPAIGN).await?,
        Request::Settings(patch) => return change_settings(process, until, patch).await,
    };
    Ok(match answer {
        Controlled::Done(_) => Answer::Done,
        Controlled::Refused(stands, _) if request == Request::Start => match stands.state.status {
            CampaignStatus::Draft | CampaignStatus::Scheduled => Answer::AskAgain,
            CampaignStatus::Running
            | CampaignStatus::Paused
            | CampaignStatus::Cancelled
            | CampaignStatus::Finished => Answer::Refused,
        },
        Controlled::Refused(..) | Controlled::Unknown => Answer::Refused,
    })
}

/// Changes the campaign's settings by a write that names the version it read.
async fn change_settings(
    process: &Process,
    until: Timestamp,
    settings: SettingsPatch,
) -> Result<Answer, PortError> {
    let Some(before) = retry(process, until, || process.campaign(CAMPAIGN)).await? else {
        return Ok(Answer::Refused);
    };
    let mut state = before.state;
    if matches!(state.status, CampaignStatus::Finished | CampaignStatus::Cancelled) {
        return Ok(Answer::Refused);
    }
    state.version += 1;
    let after = Campaign { state, settings, updated_at: process.now(), ..before };
    let entry = JournalEntry {
        campaign: CAMPAIGN,
        at: after.updated_at,
        key: format!("v{}", state.version),
        actor: "user",
        text: "the settings were changed".into(),
    };
    let written = commit(process, until, &after, || process.transition(&after, &entry)).await?;
    Ok(if written.stands() { Answer::Done } else { Answer::AskAgain })
}

/// What an acknowledged request means to the oracle.
fn acknowledge(world: &Arc<World>, request: Request) {
    let mut state = world.state();
    let now_ns = state.now_ns;
    state.note("operator", || format!("has the answer to {request:?}"));
    match request {
        Request::Start => state.counts.add("starts"),
        Request::Pause => {
            state.counts.add("pauses");
            state.witness.stops_ns.push(now_ns);
        }
        Request::Resume => state.counts.add("resumes"),
        Request::Settings(_) => state.counts.add("changes of settings"),
    }
}
