//! What the ledger and the journal say, for people who ask.

use fanmail_domain::{Batch, CampaignId, Failure, LaneNo, SubscriberId};
use fanmail_engine::ports::{Campaigns, Consistency, JournalEntry, Ledger, PortError};

use crate::Store;
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys::{self, JOURNAL};
use crate::read::Range;
use crate::write::Table;

/// Some entries of a journal, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalPage {
    /// The entries.
    pub entries: Vec<JournalEntry>,
    /// The last entry's place in the journal, behind which the next page begins; `None` if this was the last
    /// page.
    pub next: Option<String>,
}

impl Store {
    /// Some failures of a lane behind `after`, in order of the subscribers' ids; an empty answer means that
    /// there are none.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a failure cannot be read.
    pub async fn failures(
        &self,
        campaign: CampaignId,
        lane: LaneNo,
        after: Option<SubscriberId>,
    ) -> Result<Vec<Failure>, PortError> {
        let range = after.map_or(Range::All, |id| Range::After(keys::subscriber_place(id)));
        let partition = keys::failure_partition(campaign, lane);
        let page = self.page(Table::Campaigns, partition, range, None).await.during("read failures")?;
        page.items.iter().map(items::failure::decode).collect::<Result<_, _>>().during("read failures")
    }

    /// The failures of these recipients of a lane, as far as there are any.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a failure cannot be read.
    pub async fn failures_of(
        &self,
        campaign: CampaignId,
        lane: LaneNo,
        recipients: &[SubscriberId],
    ) -> Result<Vec<Failure>, PortError> {
        let keys = recipients.iter().map(|id| keys::failure(campaign, lane, *id)).collect();
        let items = self.get_many(Table::Campaigns, keys, Consistency::Strong).await;
        let items = items.during("read failures")?;
        items.iter().map(items::failure::decode).collect::<Result<_, _>>().during("read failures")
    }

    /// A page of a campaign's journal, from the beginning or from where the last page ended.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or an entry cannot be read.
    pub async fn journal_page(
        &self,
        campaign: CampaignId,
        next: Option<String>,
        limit: u16,
    ) -> Result<JournalPage, PortError> {
        self.read_journal(campaign, next, limit).await.during("read the journal of a campaign")
    }

    async fn read_journal(
        &self,
        campaign: CampaignId,
        next: Option<String>,
        limit: u16,
    ) -> Result<JournalPage, StoreError> {
        let behind = |last: String| Range::PrefixAfter(JOURNAL, format!("{JOURNAL}{last}"));
        let range = next.map_or(Range::Prefix(JOURNAL), behind);
        let limit = Some(i32::from(limit.max(1)));
        let page = self.page(Table::Campaigns, keys::campaign_partition(campaign), range, limit).await?;
        let entries = page.items.iter().map(items::journal::decode).collect::<Result<_, _>>()?;
        let next = page.last.as_deref().and_then(|last| last.strip_prefix(JOURNAL)).map(str::to_owned);
        Ok(JournalPage { entries, next })
    }

    /// Hands every batch of a campaign to `visit`, lane by lane and in order: for recounts and exports.
    ///
    /// # Errors
    ///
    /// [`PortError`] if DynamoDB does not answer or a batch cannot be read; some were visited then.
    pub async fn all_batches(
        &self,
        campaign: CampaignId,
        mut visit: impl FnMut(Batch) + Send,
    ) -> Result<(), PortError> {
        for lane in self.lanes(campaign).await? {
            let mut from = 0;
            loop {
                let batches = self.batches(campaign, lane.plan.no, from).await?;
                let Some(last) = batches.last() else { break };
                from = last.id.seq + 1;
                batches.into_iter().for_each(&mut visit);
            }
        }
        Ok(())
    }
}
