//! Watching a campaign and the settings, without asking for every message.
//!
//! A sender looks at its campaign before each message, but what it sees may be up to [`FRESH_FOR`] old: that
//! is how long a pause takes to be noticed at the most. Settings may be [`SETTINGS_FRESH_FOR`] old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanmail_domain::{Campaign, CampaignId, Epoch, Settings, Timestamp};

use crate::ports::{Campaigns, Clock, PortError};

/// How old the view of a campaign may be.
pub const FRESH_FOR: Duration = Duration::from_millis(900);

/// How old the view of the settings may be.
pub const SETTINGS_FRESH_FOR: Duration = Duration::from_secs(3);

/// A campaign as it was seen, with the settings that apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The campaign.
    pub campaign: Arc<Campaign>,
    /// The settings, with what the campaign overrides.
    pub settings: Settings,
}

/// The newest view of one campaign; kept across invocations.
#[derive(Debug, Default)]
pub struct Watch {
    campaign: Mutex<Option<(Timestamp, Arc<Campaign>)>>,
    settings: Mutex<Option<(Timestamp, Settings)>>,
}

impl Watch {
    /// The campaign as seen at most [`FRESH_FOR`] ago; seen newly if it was of another epoch than `epoch`,
    /// for then the task is older or newer than the view.
    ///
    /// # Errors
    ///
    /// [`PortError`] if something had to be read and could not be.
    pub async fn look(
        &self,
        store: &impl Campaigns,
        clock: &impl Clock,
        id: CampaignId,
        epoch: Epoch,
    ) -> Result<Option<View>, PortError> {
        // First: reading them may take longer than the view of the campaign stays fresh.
        let settings = self.settings(store, clock).await?;
        let seen = self.seen(id, clock.now()).filter(|campaign| campaign.state.epoch == epoch);
        let campaign = match seen {
            Some(campaign) => Some(campaign),
            None => self.read(store, clock, id).await?,
        };
        let Some(campaign) = campaign else { return Ok(None) };
        // Overrides that fit when they were made may not fit any more: then what stands for all does.
        let settings = settings.with(campaign.settings).unwrap_or(settings);
        Ok(Some(View { campaign, settings }))
    }

    /// The same, if the campaign is running in `epoch`.
    ///
    /// # Errors
    ///
    /// As for [`Watch::look`].
    pub async fn running(
        &self,
        store: &impl Campaigns,
        clock: &impl Clock,
        id: CampaignId,
        epoch: Epoch,
    ) -> Result<Option<View>, PortError> {
        let view = self.look(store, clock, id, epoch).await?;
        Ok(view.filter(|view| view.campaign.is_running(epoch)))
    }

    async fn read(
        &self,
        store: &impl Campaigns,
        clock: &impl Clock,
        id: CampaignId,
    ) -> Result<Option<Arc<Campaign>>, PortError> {
        let asked_at = clock.now();
        let campaign = store.campaign(id).await?.map(Arc::new);
        *self.campaign.lock().unwrap_or_else(PoisonError::into_inner) =
            campaign.clone().map(|campaign| (asked_at, campaign));
        Ok(campaign)
    }

    async fn settings(&self, store: &impl Campaigns, clock: &impl Clock) -> Result<Settings, PortError> {
        let asked_at = clock.now();
        let seen = *self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, settings)) = seen
            && asked_at <= at.after(SETTINGS_FRESH_FOR)
        {
            return Ok(settings);
        }
        let settings = store.settings().await?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = Some((asked_at, settings));
        Ok(settings)
    }

    fn seen(&self, id: CampaignId, now: Timestamp) -> Option<Arc<Campaign>> {
        let seen = self.campaign.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, campaign) = seen.as_ref()?;
        (campaign.id == id && now <= at.after(FRESH_FOR)).then(|| Arc::clone(campaign))
    }
}
