//! What each request asks of the engine.

use std::collections::BTreeSet;
use std::time::Duration;

use fanmail_domain::{Campaign, Extras, Retry, Schedule, StatusReason, Timestamp};
use fanmail_engine::control::{
    Controlled, Due, Edit, Order, cancel, edit, pause, resume, retry, schedule, start, start_due,
};
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::resolve::{Resolution, assume_accepted};

use super::Request;
use crate::time::stamp;
use crate::world::{CAMPAIGN, Process};

/// What a request came to.
pub(super) enum Answer {
    /// It was carried out; and where the campaign stands then, if it is about the campaign alone.
    Done(Option<Box<Campaign>>),
    /// It makes no sense where the campaign stands.
    Refused,
}

/// Asks the engine for it.
pub(super) async fn carry_out(
    process: &Process,
    until: Timestamp,
    request: Request,
) -> Result<Answer, PortError> {
    let order = Order { campaign: CAMPAIGN, actor: "user", note: "", version: None, until };
    let controlled = match request {
        Request::Start => start(process, process, process, &order).await?,
        Request::Schedule { send_ns, not_after_ns } => {
            let at = Schedule { send_at: stamp(send_ns), not_after: stamp(not_after_ns) };
            schedule(process, process, &order, at).await?
        }
        Request::StartDue => return start_if_due(process, &order).await,
        Request::Pause { for_ns } => {
            let ends = for_ns.map(|ns| process.now().after(Duration::from_nanos(ns)));
            pause(process, process, &order, StatusReason::User, ends).await?
        }
        Request::Resume => resume(process, process, process, &order).await?,
        Request::Cancel => cancel(process, process, process, &order).await?,
        Request::CancelLate => return cancel_late(process, &order).await,
        Request::Retry(class) => {
            let Ok(states) = Retry::class(class) else { return Ok(Answer::Refused) };
            retry(process, process, process, &order, &states, &BTreeSet::new()).await?
        }
        Request::Assume => return assume(process, until).await,
        Request::Edit => edit(process, process, &order, &newer()).await?,
        Request::Settings(settings) => {
            process.change_settings(settings).await?;
            return Ok(Answer::Done(None));
        }
    };
    Ok(answer(controlled))
}

fn answer(controlled: Controlled) -> Answer {
    match controlled {
        Controlled::Done(campaign) => Answer::Done(Some(Box::new(campaign))),
        Controlled::Refused(..) | Controlled::Stale(_) | Controlled::Unknown => Answer::Refused,
    }
}

async fn start_if_due(process: &Process, order: &Order<'_>) -> Result<Answer, PortError> {
    let due = start_due(process, process, process, &Order { actor: "start", ..*order }).await?;
    Ok(if due == Due::NotDue { Answer::Refused } else { Answer::Done(None) })
}

/// Whoever saw an earlier version than stands now is told so.
async fn cancel_late(process: &Process, order: &Order<'_>) -> Result<Answer, PortError> {
    let stands = process.world.state().stored.campaign().state.version;
    let Some(seen) = stands.checked_sub(1) else { return Ok(Answer::Refused) };
    let order = Order { version: Some(seen), ..*order };
    Ok(answer(cancel(process, process, process, &order).await?))
}

async fn assume(process: &Process, until: Timestamp) -> Result<Answer, PortError> {
    let only = BTreeSet::new();
    let meant = Resolution { campaign: CAMPAIGN, only: &only, actor: "user", note: "", until };
    assume_accepted(process, process, &meant).await?;
    Ok(Answer::Done(None))
}

fn newer() -> Edit {
    Edit {
        name: "News".into(),
        subject: "Newer news".into(),
        from: "news@acme.example".into(),
        html: "<p>Newer news</p>".into(),
        text: None,
        extras: Extras::default(),
    }
}
