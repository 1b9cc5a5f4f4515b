//! The campaign, as the API shows it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::client::ApiClient;
use super::input::Input;
use super::progress::Progress;
use super::{SendError, SendOptions};

/// How often the campaign is looked at while it runs.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long senders may take to give back what they hold after a pause.
const SETTLE: Duration = Duration::from_secs(20);

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

/// Starts the campaign, or lets it go on, and watches it until it runs no more. Ctrl-C pauses it.
pub(super) async fn run(api: &ApiClient, campaign: &View, progress: &Progress) -> Result<View, SendError> {
    let path = format!("/api/campaigns/{}", campaign.id);
    if campaign.status != "finished" {
        let _: Value = set_status(api, &path, "running").await?;
    }
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let view: View = api.get(&path).await?;
                progress.show(&view);
                if view.status != "running" {
                    return Ok(view);
                }
            }
            pressed = tokio::signal::ctrl_c() => {
                pressed.map_err(SendError::Signal)?;
                progress.say("pausing: what is under way is finished and written down …");
                return pause(api, &path).await;
            }
        }
    }
}

/// Pauses the campaign, and waits until its counters stand still: senders have given back what they held.
async fn pause(api: &ApiClient, path: &str) -> Result<View, SendError> {
    let paused: Result<Value, _> = set_status(api, path, "paused").await;
    // It may have finished in the meantime: then there is nothing to pause.
    if let Err(error) = paused {
        let view: View = api.get(path).await?;
        return if view.status == "finished" { Ok(view) } else { Err(error) };
    }
    let since = Instant::now();
    let mut before: View = api.get(path).await?;
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let view: View = api.get(path).await?;
        if view.ended() == before.ended() || since.elapsed() > SETTLE {
            return Ok(view);
        }
        before = view;
    }
}

async fn set_status(api: &ApiClient, path: &str, status: &str) -> Result<Value, SendError> {
    Ok(api.send("PUT", &format!("{path}/status"), &json!({ "status": status })).await?)
}
