//! Campaigns as people handle them: made as drafts, and listed.

use fanmail_domain::{
    AudienceList, Campaign, CampaignId, CampaignState, Content, Extras, Schedule, SettingsPatch, Timestamp,
};
use fanmail_engine::ports::{Consistency, PortError};

use crate::Store;
use crate::attributes::Reader;
use crate::conditional::{COUNT, count_up};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys;
use crate::read::MAX_KEYS;
use crate::transaction::{Token, write_all};
use crate::write::{Table, Write};

/// Name of the counter that campaigns are numbered by.
const COUNTER: &str = "campaigns";

/// What a campaign is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignDraft {
    /// What the people who run it call it.
    pub name: String,
    /// Template of the subject.
    pub subject: String,
    /// The From header.
    pub from: String,
    /// Template of the HTML part. All templates together have to stay below 400 KB, the most that DynamoDB
    /// takes in one item.
    pub html: String,
    /// Template of the text part, if there is one.
    pub text: Option<String>,
    /// What goes with the texts; counted with the templates.
    pub extras: Extras,
    /// Whom it goes to.
    pub audience: Vec<AudienceList>,
    /// What it overrides of the settings.
    pub settings: SettingsPatch,
    /// When it is to start by itself, once it is scheduled.
    pub schedule: Option<Schedule>,
}

impl Store {
    /// Makes a draft: the campaign and the first version of its content, in one transaction.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer. The campaign may have been made: asking again makes another.
    pub async fn create_campaign(
        &self,
        draft: &CampaignDraft,
        now: Timestamp,
    ) -> Result<Campaign, PortError> {
        self.make_campaign(draft, now).await.during("create a campaign")
    }

    async fn make_campaign(&self, draft: &CampaignDraft, now: Timestamp) -> Result<Campaign, StoreError> {
        let id = CampaignId(count_up(self, Table::Campaigns, keys::counter(COUNTER)).await?);
        let (campaign, content) = (campaign(id, draft, now), content(id, draft));
        let puts = [items::campaign::encode(&campaign), items::content::encode(&content)];
        let writes = puts.map(|item| Write::put(Table::Campaigns, item).if_absent());
        // The number is ours alone, so what stands there is our own first try.
        let _ours = write_all(self, Token::Derived, writes.into()).await?;
        Ok(campaign)
    }

    /// The number of the newest campaign; 0 if there is none.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer.
    pub async fn newest_campaign(&self) -> Result<u64, PortError> {
        let item = self.get(Table::Campaigns, keys::counter(COUNTER)).await;
        let item = item.during("read the counter of campaigns")?;
        let count = item.as_ref().map(|item| Reader(item).number(COUNT)).transpose();
        Ok(count.during("read the counter of campaigns")?.unwrap_or_default())
    }

    /// Campaigns in a page, the newest first: at most `limit` of those made before `before`, or of all.
    /// An empty answer means that there are none.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a campaign cannot be read.
    pub async fn list_campaigns(
        &self,
        before: Option<CampaignId>,
        limit: usize,
    ) -> Result<Vec<Campaign>, PortError> {
        let newest = self.newest_campaign().await?;
        let mut next = before.map_or(newest, |id| newest.min(id.0.saturating_sub(1)));
        let mut campaigns = Vec::new();
        while next > 0 && campaigns.len() < limit {
            let least = next.saturating_sub(MAX_KEYS.min(limit - campaigns.len()) as u64);
            let mut page = self.numbered(least + 1, next).await.during("list campaigns")?;
            page.sort_by_key(|campaign| std::cmp::Reverse(campaign.id));
            campaigns.append(&mut page);
            next = least;
        }
        Ok(campaigns)
    }

    async fn numbered(&self, first: u64, last: u64) -> Result<Vec<Campaign>, StoreError> {
        let keys = (first..=last).map(|id| keys::campaign(CampaignId(id))).collect();
        let items = self.get_many(Table::Campaigns, keys, Consistency::Strong).await?;
        Ok(items.iter().map(items::campaign::decode).collect::<Result<_, _>>()?)
    }
}

fn campaign(id: CampaignId, draft: &CampaignDraft, now: Timestamp) -> Campaign {
    Campaign {
        id,
        name: draft.name.clone(),
        subject: draft.subject.clone(),
        from: draft.from.clone(),
        audience: draft.audience.clone(),
        settings: draft.settings,
        state: CampaignState::DRAFT,
        schedule: draft.schedule,
        retry: None,
        failed_before: 0,
        content_version: 1,
        lanes: 0,
        created_at: now,
        started_at: None,
        updated_at: now,
    }
}

fn content(campaign: CampaignId, draft: &CampaignDraft) -> Content {
    Content {
        campaign,
        version: 1,
        campaign_name: draft.name.clone(),
        subject: draft.subject.clone(),
        from: draft.from.clone(),
        html: draft.html.clone(),
        text: draft.text.clone(),
        extras: draft.extras.clone(),
    }
}
