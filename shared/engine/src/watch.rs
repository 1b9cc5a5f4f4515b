//! Watching whether a campaign still runs, without asking for every message.
//!
//! A sender looks at its campaign before each window of messages, but what it sees may be up to
//! [`FRESH_FOR`] old: that is how long a pause takes to be noticed at the most.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanmail_domain::{Campaign, CampaignId, Epoch, Timestamp};

use crate::ports::{Campaigns, Clock, PortError};

/// How old the view of a campaign may be.
pub const FRESH_FOR: Duration = Duration::from_millis(900);

/// The newest view of one campaign; kept across invocations.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Option<(Timestamp, Arc<Campaign>)>>);

impl Watch {
    /// The campaign if it is running in `epoch`, as seen at most [`FRESH_FOR`] ago.
    ///
    /// # Errors
    ///
    /// [`PortError`] if it had to be read and could not be.
    pub async fn running(
        &self,
        store: &impl Campaigns,
        clock: &impl Clock,
        id: CampaignId,
        epoch: Epoch,
    ) -> Result<Option<Arc<Campaign>>, PortError> {
        let seen = self.seen(id, clock.now());
        // A task of another epoch than the one seen is older, or newer than the view: look again.
        let fresh = seen.filter(|campaign| campaign.state.epoch == epoch);
        let campaign = match fresh {
            Some(campaign) => Some(campaign),
            None => self.look(store, clock, id).await?,
        };
        Ok(campaign.filter(|campaign| campaign.is_running(epoch)))
    }

    async fn look(
        &self,
        store: &impl Campaigns,
        clock: &impl Clock,
        id: CampaignId,
    ) -> Result<Option<Arc<Campaign>>, PortError> {
        let asked_at = clock.now();
        let campaign = store.campaign(id).await?.map(Arc::new);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            campaign.clone().map(|campaign| (asked_at, campaign));
        Ok(campaign)
    }

    fn seen(&self, id: CampaignId, now: Timestamp) -> Option<Arc<Campaign>> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, campaign) = seen.as_ref()?;
        (campaign.id == id && now <= at.after(FRESH_FOR)).then(|| Arc::clone(campaign))
    }
}
