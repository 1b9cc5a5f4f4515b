//! What people order, and what the provider tells back.
//!
//! Whoever orders something asks again when there is no answer, and believes what stands then.

use std::collections::BTreeSet;

use fanmail_domain::{
    BatchId, CampaignId, CampaignStatus, Extras, Retry, StatusReason, SubscriberId, Timestamp,
};
use fanmail_engine::control::{self, Controlled, Edit, Order};
use fanmail_engine::ports::{Clock, PortError};
use fanmail_engine::settle::{EventKind, ProviderEvent, Settled, settle};

use crate::drive::{TIMEOUT, survive};
use crate::{CAMPAIGN, Died, World};

impl World {
    /// What a user orders for the campaign now.
    #[must_use]
    pub fn order(&self) -> Order<'static> {
        let until = self.now().after(TIMEOUT);
        Order { campaign: CAMPAIGN, actor: "user", note: "", version: None, until }
    }

    /// Starts the campaign, as a user does who asks again when there is no answer.
    ///
    /// # Panics
    ///
    /// If the campaign cannot be started.
    pub async fn start(&self) {
        self.start_campaign(CAMPAIGN).await;
    }

    /// The same for any campaign.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    pub async fn start_campaign(&self, campaign: CampaignId) {
        let start = async || {
            let order = Order { campaign, ..self.order() };
            control::start(self, self, self, &order).await
        };
        self.insist(start, CampaignStatus::Running).await;
    }

    /// Pauses the campaign, until `ends` or until it is resumed.
    ///
    /// # Panics
    ///
    /// If it cannot be paused.
    pub async fn pause(&self, reason: StatusReason, ends: Option<Timestamp>) {
        let pause = async || control::pause(self, self, &self.order(), reason, ends).await;
        self.insist(pause, CampaignStatus::Paused).await;
    }

    /// Lets the paused campaign go on.
    ///
    /// # Panics
    ///
    /// If it cannot be resumed.
    pub async fn resume(&self) {
        let resume = async || control::resume(self, self, self, &self.order()).await;
        self.insist(resume, CampaignStatus::Running).await;
    }

    /// Stops the campaign for good.
    ///
    /// # Panics
    ///
    /// If it cannot be cancelled.
    pub async fn cancel(&self) {
        let cancel = async || control::cancel(self, self, self, &self.order()).await;
        self.insist(cancel, CampaignStatus::Cancelled).await;
    }

    /// Tries the recipients of a class again.
    ///
    /// # Panics
    ///
    /// If it is no class, or the campaign cannot be retried.
    pub async fn retry(&self, class: &str) {
        self.retry_only(class, &[]).await;
    }

    /// The same for named recipients; for all if there is none.
    ///
    /// # Panics
    ///
    /// As for [`World::retry`].
    pub async fn retry_only(&self, class: &str, only: &[SubscriberId]) {
        let states = Retry::class(class).unwrap();
        let only: BTreeSet<SubscriberId> = only.iter().copied().collect();
        let retry = async || control::retry(self, self, self, &self.order(), &states, &only).await;
        self.insist(retry, CampaignStatus::Running).await;
    }

    /// Changes what the campaign says.
    ///
    /// # Errors
    ///
    /// [`PortError`] if the store does not answer.
    pub async fn edit(&self) -> Result<Controlled, PortError> {
        let edit = Edit {
            name: "News".into(),
            subject: "Newer".into(),
            from: "news@acme.example".into(),
            html: "<p>Newer</p>".into(),
            text: None,
            extras: Extras::default(),
        };
        control::edit(self, self, &self.order(), &edit).await
    }

    async fn insist(&self, order: impl AsyncFn() -> Result<Controlled, PortError>, wanted: CampaignStatus) {
        for tried in 0..3 {
            match survive(order()).await {
                Ok(Ok(Controlled::Done(_))) => return,
                // The try whose answer was lost took place.
                Ok(Ok(Controlled::Refused(it, _))) if tried > 0 && it.state.status == wanted => return,
                Ok(Ok(other)) => panic!("not {wanted}: {other:?}"),
                Ok(Err(_)) | Err(Died) => {}
            }
        }
        panic!("one fault, and three tries did not lead to {wanted}");
    }

    /// Where the ledger has somebody of a campaign.
    ///
    /// # Panics
    ///
    /// If they are nowhere.
    pub fn place_of(&self, campaign: CampaignId, id: SubscriberId) -> (BatchId, usize) {
        let state = self.state();
        let here = state.batches.values().filter(|batch| batch.id.campaign == campaign);
        let mut places = here.filter_map(|batch| {
            let position = batch.entries.iter().position(|entry| entry.subscriber == id)?;
            Some((batch.id, position))
        });
        places.next().unwrap()
    }

    /// Lets the provider say something of somebody's message, once.
    ///
    /// # Errors
    ///
    /// [`PortError`] if the store does not answer: the event has to come again.
    pub async fn tell(&self, id: SubscriberId, kind: EventKind) -> Result<Settled, PortError> {
        let (batch, position) = self.place_of(CAMPAIGN, id);
        settle(self, self, self.now().after(TIMEOUT), ProviderEvent { batch, position, kind }).await
    }
}
