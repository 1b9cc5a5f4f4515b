//! Campaigns over the HTTP API, as any other client would run them.

use fanmail::send::{ClientError, View};
use fanmail_domain::{CampaignId, Lane, ListId, SettingsPatch, SlidingWindow};
use fanmail_engine::ports::Campaigns;
use serde_json::{Value, json};

use super::{PATIENCE, World, eventually};

/// A campaign that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Campaign {
    pub(crate) lists: Vec<ListId>,
    /// What it overrides of the settings.
    pub(crate) settings: SettingsPatch,
    pub(crate) html: &'static str,
}

impl Campaign {
    /// A quick one to these lists, in batches of a hundred.
    pub(crate) fn to(lists: impl IntoIterator<Item = ListId>) -> Self {
        Self::as_set(lists).batches_of(100).paced(1_000, 4)
    }

    /// One that overrides nothing: it is sent as the settings say.
    pub(crate) fn as_set(lists: impl IntoIterator<Item = ListId>) -> Self {
        let lists = lists.into_iter().collect();
        Self { lists, settings: SettingsPatch::default(), html: "<p>Hello</p>" }
    }

    /// In batches of so many.
    pub(crate) fn batches_of(mut self, batch_size: u32) -> Self {
        self.settings.batch_size = Some(batch_size);
        self
    }

    /// At this rate over so many connections: the window of intents follows from both.
    pub(crate) fn paced(mut self, rate: u32, max_conns: u32) -> Self {
        (self.settings.message_rate, self.settings.max_conns) = (Some(rate), Some(max_conns));
        self
    }

    /// Under a sliding window of its own.
    pub(crate) fn within(mut self, rate: u32, duration_s: u32) -> Self {
        self.settings.sliding_window = Some(SlidingWindow { rate, duration_s });
        self
    }

    /// Paused at so many failures.
    pub(crate) fn with_max_errors(mut self, max: u32) -> Self {
        self.settings.max_send_errors = Some(max);
        self
    }
}

impl World {
    /// Makes a draft.
    pub(crate) async fn draft(&self, campaign: &Campaign) -> CampaignId {
        let body = json!({
            "name": "news",
            "subject": "News",
            "from_email": "News <news@example.com>",
            "lists": campaign.lists,
            "content_type": "html",
            "body": campaign.html,
            "settings": campaign.settings,
        });
        let _turn = self.calls.acquire().await.unwrap();
        let made: View = self.api.send("POST", "/api/campaigns", &body).await.unwrap();
        let id = CampaignId(made.id);
        self.campaigns.lock().unwrap().push(id);
        id
    }

    /// Makes a campaign and starts it.
    pub(crate) async fn run(&self, campaign: &Campaign) -> CampaignId {
        let id = self.draft(campaign).await;
        self.set(id, "running").await.unwrap();
        id
    }

    /// Asks for a status.
    pub(crate) async fn set(&self, id: CampaignId, status: &str) -> Result<Value, ClientError> {
        let path = format!("/api/campaigns/{id}/status");
        let _turn = self.calls.acquire().await.unwrap();
        self.api.send("PUT", &path, &json!({ "status": status })).await
    }

    /// The campaign as people see it.
    pub(crate) async fn view(&self, id: CampaignId) -> View {
        let _turn = self.calls.acquire().await.unwrap();
        self.api.get(&format!("/api/campaigns/{id}")).await.unwrap()
    }

    /// Waits until a campaign has a status. Looks at what is stored, which costs no function's time.
    pub(crate) async fn until(&self, id: CampaignId, status: &str) -> View {
        eventually(&format!("campaign {id} is {status}"), PATIENCE, async || {
            let campaign = self.stack().store.campaign(id).await.unwrap().unwrap();
            if campaign.state.status.name() == status { Ok(()) } else { Err(self.lanes(id).await) }
        })
        .await;
        self.view(id).await
    }

    /// Waits until so many recipients of a campaign came to an end, by its counters.
    pub(crate) async fn until_ended(&self, id: CampaignId, count: u64) -> View {
        eventually(&format!("{count} recipients of campaign {id} have ended"), PATIENCE, async || {
            let lanes = self.lanes(id).await;
            let ended: u64 = lanes.iter().map(|lane| lane.tally.total()).sum();
            if ended >= count { Ok(()) } else { Err(lanes) }
        })
        .await;
        self.view(id).await
    }

    async fn lanes(&self, id: CampaignId) -> Vec<Lane> {
        self.stack().store.lanes(id).await.unwrap()
    }
}

/// How a campaign's recipients ended.
pub(crate) fn ends(view: &View) -> [u64; 4] {
    ["accepted", "failed", "skipped", "in_doubt"].map(|state| view.count(state))
}
