//! The engine's port to campaigns, their content and their journal.
//!
//! A campaign is put whole, on the condition that the version before it stands. What belongs to the change,
//! the journal entry, lanes and the mark that the sweeper looks for, is put in the same transaction.

use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Content, Lane, LaneNo, LanePlan, Settings};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, PortError};

use crate::Store;
use crate::attributes::{Reader, number};
use crate::conditional::put_if;
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys::{self, ACTIVE, LANE};
use crate::read::Range;
use crate::transaction::{Token, write_all};
use crate::write::{Table, Write};

impl Campaigns for Store {
    async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, PortError> {
        self.read_campaign(id).await.during("read a campaign")
    }

    async fn content(&self, id: CampaignId, version: u32) -> Result<Option<Content>, PortError> {
        let item = self.get(Table::Campaigns, keys::content(id, version)).await;
        let decoded = item.and_then(|item| Ok(item.as_ref().map(items::content::decode).transpose()?));
        decoded.during("read the content of a campaign")
    }

    async fn settings(&self) -> Result<Settings, PortError> {
        Ok(self.settings_with_rev().await?.0)
    }

    async fn active(&self) -> Result<Vec<CampaignId>, PortError> {
        let items = self.all(Table::Campaigns, ACTIVE.to_owned(), Range::All).await;
        let items = items.during("list the active campaigns")?;
        let id = |item| Reader(item).digits(keys::SK, "").map(CampaignId);
        items.iter().map(id).collect::<Result<_, _>>().during("list the active campaigns")
    }

    async fn lanes(&self, id: CampaignId) -> Result<Vec<Lane>, PortError> {
        let items = self.all(Table::Campaigns, keys::campaign_partition(id), Range::Prefix(LANE)).await;
        let items = items.during("read the lanes of a campaign")?;
        let lanes: Result<_, _> = items.iter().map(items::lane::decode).collect();
        lanes.during("read the lanes of a campaign")
    }

    async fn lane(&self, id: CampaignId, no: LaneNo) -> Result<Option<Lane>, PortError> {
        self.read_lane(id, no).await.during("read a lane")
    }

    async fn begin(
        &self,
        after: &Campaign,
        lanes: &[LanePlan],
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let lane = |plan| Write::put(Table::Campaigns, items::lane::encode(after.id, plan)).if_absent();
        let mut writes: Vec<Write> = lanes.iter().map(lane).collect();
        writes.push(mark_active(after.id));
        self.change(after, entry, writes).await.during("begin a campaign")
    }

    async fn transition(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let mark = match after.state.status {
            CampaignStatus::Scheduled | CampaignStatus::Running => Some(mark_active(after.id)),
            CampaignStatus::Draft | CampaignStatus::Finished => Some(unmark_active(after.id)),
            // What has run is closed first.
            CampaignStatus::Cancelled if after.lanes == 0 => Some(unmark_active(after.id)),
            CampaignStatus::Cancelled | CampaignStatus::Paused => None,
        };
        let written = self.change(after, entry, mark.into_iter().collect()).await;
        written.during("change the state of a campaign")
    }

    async fn edit(
        &self,
        after: &Campaign,
        content: &Content,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let put = Write::put(Table::Campaigns, items::content::encode(content)).if_absent();
        self.change(after, entry, vec![put]).await.during("edit a campaign")
    }

    async fn retire(&self, seen: &Campaign) -> Result<Conditional<Campaign>, PortError> {
        let stands = Write::check(Table::Campaigns, keys::campaign(seen.id))
            .if_equal(items::campaign::VERSION, number(seen.state.version));
        let writes = vec![stands, unmark_active(seen.id)];
        let retired = async {
            let answer = write_all(self, Token::Fresh, writes).await?;
            answer.first(items::campaign::decode, self.read_campaign(seen.id)).await
        };
        retired.await.during("retire a campaign")
    }

    async fn finish(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let complete = |no| {
            Write::check(Table::Campaigns, keys::lane(after.id, LaneNo(no)))
                .if_true(items::lane::SEALED)
                .if_equal(items::lane::EPOCH, number(after.state.epoch))
                .if_same(items::lane::ENQUEUED, items::lane::CREATED)
                .if_same(items::lane::DONE, items::lane::CREATED)
        };
        let mut writes: Vec<Write> = (0..after.lanes).map(complete).collect();
        writes.push(unmark_active(after.id));
        self.change(after, entry, writes).await.during("finish a campaign")
    }

    async fn journal(&self, entry: &JournalEntry) -> Result<(), PortError> {
        // Without a condition: the same entry twice is one entry.
        put_if(self, put_journal(entry)).await.map(drop).during("write to the journal of a campaign")
    }
}

impl Store {
    pub(crate) async fn read_campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        let item = self.get(Table::Campaigns, keys::campaign(id)).await?;
        Ok(item.as_ref().map(items::campaign::decode).transpose()?)
    }

    pub(crate) async fn read_lane(&self, id: CampaignId, no: LaneNo) -> Result<Option<Lane>, StoreError> {
        let item = self.get(Table::Campaigns, keys::lane(id, no)).await?;
        Ok(item.as_ref().map(items::lane::decode).transpose()?)
    }

    /// Puts the campaign, its journal entry and `others` in one transaction.
    async fn change(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
        others: Vec<Write>,
    ) -> Result<Conditional<Campaign>, StoreError> {
        let put = Write::put(Table::Campaigns, items::campaign::encode(after))
            .if_follows(items::campaign::VERSION, after.state.version);
        let writes = [put, put_journal(entry)].into_iter().chain(others).collect();
        let answer = write_all(self, Token::Derived, writes).await?;
        answer.first(items::campaign::decode, self.read_campaign(after.id)).await
    }
}

fn put_journal(entry: &JournalEntry) -> Write {
    Write::put(Table::Campaigns, items::journal::encode(entry))
}

fn mark_active(id: CampaignId) -> Write {
    Write::put(Table::Campaigns, keys::active(id).into_item())
}

fn unmark_active(id: CampaignId) -> Write {
    Write::delete(Table::Campaigns, keys::active(id))
}
