//! What the Campaigns table holds.

use std::collections::{BTreeMap, BTreeSet};

use fanmail_domain::{
    AudienceList, Batch, BatchId, Campaign, CampaignId, CampaignState, Content, Extras, Failure, Lane,
    LaneNo, Settings, SubscriberId, WindowLog,
};
use fanmail_engine::ports::{JournalEntry, WindowKey};

use super::CAMPAIGN;
use crate::scenario::Scenario;
use crate::time::{BEGIN_NS, stamp};

/// What the Campaigns table holds.
#[derive(Debug, Default)]
pub struct Stored {
    /// Campaigns.
    pub campaigns: BTreeMap<CampaignId, Campaign>,
    /// Campaigns that the sweeper looks at.
    pub active: BTreeSet<CampaignId>,
    /// What stands for all campaigns.
    pub settings: Settings,
    /// What the sliding windows granted.
    pub windows: BTreeMap<WindowKey, WindowLog>,
    /// The campaign before its last change, and when that was: nobody sees it but in a world that is broken on purpose.
    pub before: Option<(u64, Campaign)>,
    /// Their content, by version.
    pub contents: BTreeMap<(CampaignId, u32), Content>,
    /// Their journal, by time and key.
    pub journal: BTreeMap<(u64, String), JournalEntry>,
    /// Lanes.
    pub lanes: BTreeMap<(CampaignId, LaneNo), Lane>,
    /// Batches.
    pub batches: BTreeMap<BatchId, Batch>,
    /// Words of failures.
    pub failures: BTreeMap<(CampaignId, SubscriberId), Failure>,
}

impl Stored {
    /// A table with the scenario's campaign as a draft.
    #[must_use]
    pub fn with_draft(scenario: &Scenario) -> Self {
        let created_at = stamp(BEGIN_NS);
        let to = |(list, optin)| AudienceList { list, optin };
        let campaign = Campaign {
            id: CAMPAIGN,
            name: "News".into(),
            subject: "News".into(),
            from: "news@acme.example".into(),
            audience: scenario.crowd.lists().map(to).collect(),
            settings: scenario.overrides,
            state: CampaignState::DRAFT,
            schedule: None,
            retry: None,
            failed_before: 0,
            content_version: 1,
            lanes: 0,
            created_at,
            started_at: None,
            updated_at: created_at,
        };
        let content = Content {
            campaign: CAMPAIGN,
            version: 1,
            campaign_name: "News".into(),
            subject: "News".into(),
            from: "news@acme.example".into(),
            html: "<p>News</p>".into(),
            text: None,
            extras: Extras::default(),
        };
        let mut stored = Self::default();
        stored.campaigns.insert(CAMPAIGN, campaign);
        stored.contents.insert((CAMPAIGN, 1), content);
        stored
    }

    /// The campaign of this world.
    ///
    /// # Panics
    ///
    /// Never: every world has it, and nothing removes it.
    #[must_use]
    pub fn campaign(&self) -> &Campaign {
        &self.campaigns[&CAMPAIGN]
    }
}
