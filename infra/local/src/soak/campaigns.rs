//! Campaigns of a soak: made, started, paused, resumed and looked at, as an operator would.

use std::time::Duration;

use fanmail_domain::{
    AudienceList, CampaignId, CampaignStatus, Extras, ListId, Optin, SettingsPatch, StatusReason,
};
use fanmail_engine::control::{Controlled, Order, pause, resume, start};
use fanmail_engine::ports::{Campaigns as _, Clock as _, Conditional, PortError};
use fanmail_runtime::SystemClock;
use fanmail_store::CampaignDraft;

use super::SoakError;
use super::plan::Tuning;
use crate::stack::Stack;

/// How long an order may take.
const ORDER: Duration = Duration::from_secs(30);

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) status: CampaignStatus,
    pub(super) ended: u64,
    pub(super) in_doubt: u64,
}

/// The campaigns of a soak.
pub(super) struct Campaigns<'a> {
    stack: &'a Stack,
    clock: SystemClock,
    list: ListId,
    started: Vec<CampaignId>,
}

impl<'a> Campaigns<'a> {
    pub(super) fn new(stack: &'a Stack, list: ListId) -> Self {
        Self { stack, clock: SystemClock::new(), list, started: Vec::new() }
    }

    /// Those that were started, the newest last.
    pub(super) fn started(&self) -> &[CampaignId] {
        &self.started
    }

    /// Makes one that overrides no setting, and starts it.
    pub(super) async fn start_another(&mut self) -> Result<CampaignId, SoakError> {
        let draft = CampaignDraft {
            name: "soak".to_owned(),
            subject: "Soak {{ campaign.id }}".to_owned(),
            from: "Soak <soak@example.org>".to_owned(),
            html: "<p>Dear {{ subscriber.first_name }}</p>".to_owned(),
            text: None,
            extras: Extras::default(),
            audience: vec![AudienceList { list: self.list, optin: Optin::Single }],
            settings: SettingsPatch::default(),
            schedule: None,
        };
        let id = self.stack.store.create_campaign(&draft, self.clock.now()).await?.id;
        start(&self.stack.store, &self.stack.queue, &self.clock, &self.order(id)).await?;
        self.started.push(id);
        Ok(id)
    }

    /// Pauses one. Answers whether it is paused now: one that has finished cannot be.
    pub(super) async fn pause(&self, id: CampaignId) -> Result<bool, PortError> {
        let paused = pause(&self.stack.store, &self.clock, &self.order(id), StatusReason::User, None).await?;
        Ok(matches!(paused, Controlled::Done(_)))
    }

    /// Lets one go on that is paused, for whatever reason.
    pub(super) async fn resume(&self, id: CampaignId) -> Result<(), PortError> {
        resume(&self.stack.store, &self.stack.queue, &self.clock, &self.order(id)).await.map(drop)
    }

    /// How far one is.
    pub(super) async fn look(&self, id: CampaignId) -> Result<Standing, SoakError> {
        let campaign = self.stack.store.campaign(id).await?.ok_or(SoakError::Vanished(id))?;
        let lanes = self.stack.store.lanes(id).await?;
        let (mut ended, mut in_doubt) = (0, 0);
        for lane in &lanes {
            ended += lane.tally.total();
            in_doubt += lane.tally.named("in_doubt");
        }
        Ok(Standing { status: campaign.state.status, ended, in_doubt })
    }

    /// Changes the settings of all campaigns.
    pub(super) async fn tune(&self, tuning: Tuning) -> Result<(), PortError> {
        loop {
            let (settings, rev) = self.stack.store.settings_with_rev().await?;
            let changed = self.stack.store.replace_settings(&tuning.of(settings), rev).await?;
            if matches!(changed, Conditional::Applied) {
                return Ok(());
            }
        }
    }

    fn order(&self, campaign: CampaignId) -> Order<'static> {
        let until = self.clock.now().after(ORDER);
        Order { campaign, actor: "soak", note: "", version: None, until }
    }
}
