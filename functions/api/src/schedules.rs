//! One-time schedules: a campaign's `send_at` in EventBridge Scheduler, which then invokes `start` with the campaign.
//!
//! A schedule is a hint, like a task. `start` looks whether the campaign is due, so a schedule that is left over, or
//! fires early or twice, does nothing; one that was not made is made up for by the sweeper, within a minute. So
//! nothing here fails an order: what goes wrong is logged and counted (`SchedulesFailed`).
//!
//! Schedule `campaign-{id}` in the stack's group follows the campaign: made or changed when it becomes *scheduled* or
//! gets another time, deleted when it is not *scheduled* any more, and deleted by Scheduler itself once it fired.
//! Scheduler keeps time to the minute ([user guide]): what is to start sooner than that is left to the sweeper.
//!
//! [user guide]: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Timestamp};
use fanmail_runtime::Chain;
use fanmail_runtime::signed::{Ask, AskError, Service};
use fanmail_runtime::vars::Vars;
use serde_json::json;
use tokio::time::timeout;

#[cfg(test)]
mod tests;

/// The precision of a schedule.
const PRECISION: Duration = Duration::from_secs(60);
/// What an order waits for its schedule at the most.
const PATIENCE: Duration = Duration::from_secs(4);
/// Scheduler tries to invoke for so long; then the dead letters have it. The sweeper has started the campaign by then.
const GIVE_UP_AFTER: Duration = Duration::from_secs(3_600);
/// How often it tries.
const TRIES: u32 = 10;

/// The stack's group of schedules.
#[derive(Debug)]
pub(crate) struct Schedules {
    service: Service,
    group: String,
    /// `start`'s alias.
    target: String,
    /// The role that Scheduler takes to invoke it.
    role: String,
    /// Where invocations go that did not come through.
    dead_letters: String,
    failed: AtomicU32,
}

/// What a campaign's schedule should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    At(Timestamp),
    Gone,
    /// There never was one, or it has fired.
    Whatever,
}

impl Schedules {
    /// Where the environment names the group, the target, the role and the dead letters.
    pub(crate) fn from_vars(vars: &mut Vars) -> Option<Self> {
        let [group, target, role, dead_letters] = vars.all_or_none([
            "FANMAIL_SCHEDULE_GROUP",
            "FANMAIL_SCHEDULE_TARGET_ARN",
            "FANMAIL_SCHEDULE_ROLE_ARN",
            "FANMAIL_SCHEDULE_DEAD_LETTERS_ARN",
        ])?;
        if !group.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            vars.refuse("FANMAIL_SCHEDULE_GROUP", "a group's name has letters, digits and any of -_. alone");
        }
        let service = Service::from_vars(vars, "scheduler", "SCHEDULER")?;
        Some(Self { service, group, target, role, dead_letters, failed: AtomicU32::new(0) })
    }

    /// Brings the campaign's schedule in line with the campaign.
    pub(crate) async fn follow(&self, campaign: &Campaign, now: Timestamp) {
        let id = campaign.id;
        let brought = match wanted(campaign, now) {
            Wanted::At(at) => timeout(PATIENCE, self.put(id, at)).await,
            Wanted::Gone => timeout(PATIENCE, self.delete(id)).await,
            Wanted::Whatever => return,
        };
        let error = match &brought {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Chain(error).to_string(),
            Err(_) => format!("scheduler did not answer within {} s", PATIENCE.as_secs()),
        };
        self.failed.fetch_add(1, Relaxed);
        tracing::warn!(
            event = "schedule_failed",
            campaign.id = %id,
            error,
            "could not bring the schedule of campaign {id} in line; the sweeper starts it within a minute of its time"
        );
    }

    /// How many could not be brought in line since the last look.
    pub(crate) fn take_failed(&self) -> u32 {
        self.failed.swap(0, Relaxed)
    }

    async fn put(&self, id: CampaignId, at: Timestamp) -> Result<(), AskError> {
        let (path, body) = (format!("/schedules/campaign-{id}"), self.body(id, at));
        let ask = |method| Ask { method, path: &path, target: None, body: &body };
        match self.service.ask(ask("POST")).await {
            Err(error) if error.is("ConflictException") => self.service.ask(ask("PUT")).await.map(drop),
            created => created.map(drop),
        }
    }

    async fn delete(&self, id: CampaignId) -> Result<(), AskError> {
        let path = format!("/schedules/campaign-{id}?groupName={}", self.group);
        match self.service.ask(Ask { method: "DELETE", path: &path, target: None, body: "" }).await {
            Err(error) if error.is("ResourceNotFoundException") => Ok(()),
            deleted => deleted.map(drop),
        }
    }

    /// The same for `CreateSchedule` and `UpdateSchedule` (EventBridge Scheduler API reference).
    fn body(&self, id: CampaignId, at: Timestamp) -> String {
        let body = json!({
            "GroupName": self.group,
            "ScheduleExpression": format!("at({})", utc(at)),
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.target,
                "RoleArn": self.role,
                "Input": json!({ "campaign": id }).to_string(),
                "DeadLetterConfig": { "Arn": self.dead_letters },
                "RetryPolicy": {
                    "MaximumEventAgeInSeconds": GIVE_UP_AFTER.as_secs(),
                    "MaximumRetryAttempts": TRIES,
                },
            },
        });
        body.to_string()
    }
}

fn wanted(campaign: &Campaign, now: Timestamp) -> Wanted {
    let Some(schedule) = campaign.schedule.filter(|schedule| schedule.send_at > now) else {
        return Wanted::Whatever;
    };
    if campaign.state.status == CampaignStatus::Scheduled && schedule.send_at >= now.after(PRECISION) {
        return Wanted::At(schedule.send_at);
    }
    Wanted::Gone
}

/// The second in which `at` has come, as `at()` wants it: `2030-01-31T09:00:00`.
fn utc(at: Timestamp) -> String {
    let whole = UNIX_EPOCH + Duration::from_secs(at.0.div_ceil(1_000));
    let text = DateTime::from(whole).fmt(Format::DateTime).unwrap_or_default();
    text.trim_end_matches('Z').to_owned()
}
