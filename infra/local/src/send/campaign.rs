//! The campaign, as the API shows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_sqs::primitives::{DateTime, DateTimeFormat};
use fanmail_engine::watch::FRESH_FOR;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::client::ApiClient;
use super::input::Input;
use super::interrupt::Interrupts;
use super::progress::Progress;
use super::{SendError, SendOptions};
use crate::stack::Stack;

/// How often the campaign is looked at while it runs.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the API may give no good answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long functions may take to give back what they hold after a pause: as long as one may run.
const SETTLE: Duration = Duration::from_secs(60);
/// How long the function that brought the campaign to its end may take to end itself.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is shown of a campaign.
#[derive(Debug, Clone, Deserialize)]
pub struct View {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its subject's template.
    pub subject: String,
    /// Its From header.
    pub from_email: String,
    /// The HTML part's template, where the whole campaign was asked for.
    #[serde(default)]
    pub body: String,
    /// Where it stands.
    pub status: String,
    /// Why, if it is paused.
    pub status_reason: Option<String>,
    /// When it was first started (RFC 3339).
    pub started_at: Option<String>,
    /// When its status last changed (RFC 3339).
    pub updated_at: String,
    /// Recipients planned so far.
    pub audience: u64,
    /// Whether those are all.
    pub audience_sealed: bool,
    /// Recipients by state.
    pub states: BTreeMap<String, u64>,
    /// Recipients by state and reason.
    pub reasons: BTreeMap<String, u64>,
}

impl View {
    /// Recipients in a state.
    #[must_use]
    pub fn count(&self, state: &str) -> u64 {
        self.states.get(state).copied().unwrap_or_default()
    }

    /// From its first start to its last change of status.
    #[must_use]
    pub fn lasted(&self) -> Option<Duration> {
        let ms = |time: &str| DateTime::from_str(time, DateTimeFormat::DateTime).ok()?.to_millis().ok();
        let lasted = ms(&self.updated_at)?.checked_sub(ms(self.started_at.as_deref()?)?)?;
        u64::try_from(lasted).ok().map(Duration::from_millis)
    }

    /// Recipients that came to an end.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.audience.saturating_sub(self.count("pending"))
    }
}

#[derive(Debug, Deserialize)]
struct Campaigns {
    results: Vec<View>,
}

/// Finds the campaign that an earlier run of the same command left, or creates it.
pub(super) async fn find_or_create(
    api: &ApiClient,
    options: &SendOptions,
    input: &Input,
    list: u64,
) -> Result<View, SendError> {
    let known: Campaigns = api.get("/api/campaigns?per_page=100").await?;
    for candidate in known.results.iter().filter(|it| it.name == input.name && it.subject == options.subject)
    {
        let whole: View = api.get(&format!("/api/campaigns/{}", candidate.id)).await?;
        if whole.body == input.html && whole.from_email == options.from {
            return Ok(whole);
        }
    }
    let body = json!({
        "name": input.name,
        "subject": options.subject,
        "from_email": options.from,
        "lists": [list],
        "content_type": "html",
        "body": input.html,
        "altbody": input.text,
        "settings": {
            "message_rate": options.rate,
            "batch_size": options.batch_size,
            "max_conns": options.max_conns,
        },
    });
    Ok(api.send("POST", "/api/campaigns", &body).await?)
}

/// How a campaign was left.
#[derive(Debug)]
pub(super) enum Ending {
    /// It runs no more.
    Ended(View),
    /// It runs on: an end at once was asked for, or the API is gone.
    LeftRunning(Option<SendError>),
}

/// A campaign under way.
pub(super) struct Running<'a> {
    pub(super) stack: &'a Stack,
    pub(super) api: &'a ApiClient,
    pub(super) progress: &'a Progress,
    pub(super) interrupts: &'a Interrupts,
    pub(super) path: String,
}

impl Running<'_> {
    /// Starts the campaign, or lets it go on, and watches it until it runs no more. Ctrl-C pauses it.
    ///
    /// # Errors
    ///
    /// [`SendError`] if it could not be started.
    pub(super) async fn to_the_end(&self) -> Result<Ending, SendError> {
        match self.set_status("running").await {
            Err(error) if !error.is_refusal() => return Ok(Ending::LeftRunning(Some(error))),
            started => started?,
        }
        let ended = tokio::select! {
            ended = self.watch() => ended,
            () = self.interrupts.first() => {
                self.progress.say("pausing: finishing what is under way; Ctrl-C again stops at once");
                tokio::select! {
                    paused = self.pause() => paused,
                    () = self.interrupts.second() => return Ok(Ending::LeftRunning(None)),
                }
            }
        };
        Ok(ended.map_or_else(|error| Ending::LeftRunning(Some(error)), Ending::Ended))
    }

    /// Looks until the campaign runs no more.
    async fn watch(&self) -> Result<View, SendError> {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let view = self.look().await?;
            self.progress.show(&view);
            if view.status != "running" {
                // Whoever wrote down the end may not have said yet what that cost.
                self.stack.settle(FAREWELL).await;
                return Ok(view);
            }
        }
    }

    /// The campaign as it is. An API that is busy is asked again: the campaign goes on without it.
    async fn look(&self) -> Result<View, SendError> {
        let (since, path) = (Instant::now(), format!("{}?no_body=true", self.path));
        loop {
            match self.api.get(&path).await {
                Ok(view) => return Ok(view),
                Err(error) if since.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Pauses the campaign, and waits until all who worked on it have given back what they held.
    async fn pause(&self) -> Result<View, SendError> {
        if let Err(error) = self.set_status("paused").await {
            // It may have ended in the meantime: then there is nothing to pause.
            let view = self.look().await?;
            return if view.status == "running" { Err(error) } else { Ok(view) };
        }
        // Whoever looked at the campaign just before may still begin a batch.
        tokio::time::sleep(FRESH_FOR).await;
        self.stack.settle(SETTLE).await;
        self.look().await
    }

    async fn set_status(&self, status: &str) -> Result<(), SendError> {
        let path = format!("{}/status", self.path);
        let _: Value = self.api.send("PUT", &path, &json!({ "status": status })).await?;
        Ok(())
    }
}
