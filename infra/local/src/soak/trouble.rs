//! Making trouble: the plan's strokes carried out on a running stack, and taken back in time.
//!
//! A process that is frozen is thawed, and a campaign that is paused is resumed, when its time is over or the
//! trouble ends. Signals go only to processes that the host lists at that moment: a number that the system gave
//! to somebody else meanwhile is left alone.

use std::time::{Duration, Instant};

use fanmail_domain::CampaignId;
use fanmail_domain::pacing::window;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde_json::{Value, json};

use super::SoakError;
use super::campaigns::Campaigns;
use super::plan::{MAX_SENDERS, Plan, Stroke, Target, Tuning};
use crate::functions::Function;
use crate::send::ApiClient;
use crate::stack::Stack;

/// How much trouble there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Strokes {
    /// Processes killed.
    pub kills: u64,
    /// Senders among them.
    pub sender_kills: u64,
    /// Processes frozen.
    pub freezes: u64,
    /// Senders among them.
    pub sender_freezes: u64,
    /// Changes of settings or of the reserved concurrency.
    pub retunings: u64,
    /// Pauses of a campaign, each with its end.
    pub pauses: u64,
    /// Times at which all queues were emptied.
    pub purges: u64,
    /// The largest window of intents that any of the settings allowed.
    pub window: u64,
}

impl Strokes {
    /// The most recipients that may be in doubt: one window for each sender that was killed, or frozen, which
    /// may end in a kill by the host or in a lost connection.
    #[must_use]
    pub fn most_in_doubt(&self) -> u64 {
        (self.sender_kills + self.sender_freezes) * self.window
    }
}

/// What is to be taken back.
#[derive(Debug, Clone, Copy)]
enum Undo {
    Thaw(Function, u32),
    Resume(CampaignId),
}

/// Trouble under way.
pub(super) struct Trouble<'a> {
    stack: &'a Stack,
    lambda: ApiClient,
    plan: Plan,
    next: (Instant, Stroke),
    undo: Vec<(Instant, Undo)>,
    strokes: Strokes,
}

impl<'a> Trouble<'a> {
    /// Trouble by the plan of a seed, from now on.
    pub(super) fn new(stack: &'a Stack, mut plan: Plan) -> Self {
        let lambda = ApiClient::new(stack.lambda_url());
        let next = next(&mut plan);
        Self { stack, lambda, plan, next, undo: Vec::new(), strokes: Strokes::default() }
    }

    /// How much there was so far.
    pub(super) fn strokes(&self) -> Strokes {
        self.strokes
    }

    /// Does what is due, and takes back what is due.
    pub(super) async fn go_on(&mut self, campaigns: &Campaigns<'_>, on: CampaignId) -> Result<(), SoakError> {
        self.take_back(campaigns, Some(Instant::now())).await?;
        let (at, stroke) = self.next;
        if Instant::now() < at {
            return Ok(());
        }
        self.next = next(&mut self.plan);
        match stroke {
            Stroke::Kill(target) => self.kill(target),
            Stroke::Freeze(target, lasts) => self.freeze(target, lasts),
            Stroke::Retune(tuning) => self.tune(campaigns, tuning).await?,
            Stroke::Concurrency(senders) => self.set_senders(senders).await?,
            Stroke::Pause(lasts) => self.pause(campaigns, on, lasts).await?,
            Stroke::Purge => self.strokes.purges += u64::from(self.stack.purge_queues().await?),
        }
        Ok(())
    }

    /// Takes everything back that is not over yet, and lets all senders work.
    pub(super) async fn end(&mut self, campaigns: &Campaigns<'_>) -> Result<(), SoakError> {
        self.take_back(campaigns, None).await?;
        self.put_senders(MAX_SENDERS).await
    }

    /// Whether a campaign is to be resumed by and by.
    pub(super) fn holds(&self, campaign: CampaignId) -> bool {
        self.undo.iter().any(|(_, undo)| matches!(undo, Undo::Resume(id) if *id == campaign))
    }

    /// Changes the settings, and counts it.
    pub(super) async fn tune(&mut self, campaigns: &Campaigns<'_>, tuning: Tuning) -> Result<(), SoakError> {
        let window = window(tuning.message_rate, tuning.max_conns as usize) as u64;
        self.strokes.window = self.strokes.window.max(window);
        campaigns.tune(tuning).await?;
        self.strokes.retunings += 1;
        Ok(())
    }

    /// Takes back what is due at `now`, or everything.
    async fn take_back(&mut self, campaigns: &Campaigns<'_>, now: Option<Instant>) -> Result<(), SoakError> {
        let due = |at: &Instant| now.is_none_or(|now| *at <= now);
        let (over, later) = self.undo.drain(..).partition(|(at, _)| due(at));
        self.undo = later;
        let over: Vec<(Instant, Undo)> = over;
        for (_, undo) in over {
            match undo {
                Undo::Thaw(function, pid) => self.thaw(function, pid),
                Undo::Resume(id) => campaigns.resume(id).await?,
            }
        }
        Ok(())
    }

    fn kill(&mut self, target: Target) {
        let Some(pid) = self.pid(target) else { return };
        if signal(pid, Signal::KILL) {
            self.strokes.kills += 1;
            self.strokes.sender_kills += u64::from(target.function == Function::Sender);
        }
    }

    fn freeze(&mut self, target: Target, lasts: Duration) {
        let Some(pid) = self.pid(target) else { return };
        if signal(pid, Signal::STOP) {
            self.undo.push((Instant::now() + lasts, Undo::Thaw(target.function, pid)));
            self.strokes.freezes += 1;
            self.strokes.sender_freezes += u64::from(target.function == Function::Sender);
        }
    }

    /// Lets a process go on, if it is still that process: its host may have killed it meanwhile.
    fn thaw(&self, function: Function, pid: u32) {
        if self.stack.host.processes(function.name()).iter().any(|process| process.pid == pid) {
            signal(pid, Signal::CONT);
        }
    }

    async fn set_senders(&mut self, senders: u32) -> Result<(), SoakError> {
        self.put_senders(senders).await?;
        self.strokes.retunings += 1;
        Ok(())
    }

    /// `PutFunctionConcurrency`. The Lambda API's answer has no envelope, so what the client finds in it is null.
    async fn put_senders(&self, senders: u32) -> Result<(), SoakError> {
        let path = format!("/2017-10-31/functions/{}/concurrency", Function::Sender.name());
        let body = json!({ "ReservedConcurrentExecutions": senders });
        let _: Value = self.lambda.send("PUT", &path, &body).await?;
        Ok(())
    }

    async fn pause(
        &mut self,
        campaigns: &Campaigns<'_>,
        on: CampaignId,
        lasts: Duration,
    ) -> Result<(), SoakError> {
        if !self.holds(on) && campaigns.pause(on).await? {
            self.undo.push((Instant::now() + lasts, Undo::Resume(on)));
            self.strokes.pauses += 1;
        }
        Ok(())
    }

    /// The process that is meant, if there is any: one at work rather than an idle one.
    fn pid(&self, target: Target) -> Option<u32> {
        let mut processes = self.stack.host.processes(target.function.name());
        if processes.iter().any(|process| process.busy) {
            processes.retain(|process| process.busy);
        }
        let which = target.which.checked_rem(processes.len())?;
        processes.get(which).map(|process| process.pid)
    }
}

fn next(plan: &mut Plan) -> (Instant, Stroke) {
    let (gap, stroke) = plan.next_stroke();
    (Instant::now() + gap, stroke)
}

/// Sends a signal. Answers whether there was such a process.
fn signal(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
