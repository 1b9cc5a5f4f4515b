//! The engine's port to batches and lanes.
//!
//! A batch is put whole on the condition that the revision before it stands: one item, one write unit. Where
//! counters have to agree with the batch, both are written in one transaction. A lane's two halves never
//! touch each other: the plan is set under its revision, the counters are added to.

use aws_sdk_dynamodb::types::{PutRequest, ReturnConsumedCapacity, WriteRequest};
use fanmail_domain::{Batch, BatchId, CampaignId, Failure, LaneCount, LaneNo, LanePlan};
use fanmail_engine::ports::{Conditional, Ledger, PortError};

use crate::Store;
use crate::attributes::{Item, number};
use crate::conditional::{decoded, put_if, update_if};
use crate::error::{InOperation, StoreError};
use crate::items;
use crate::keys;
use crate::read::{Range, TRIES, back_off};
use crate::transaction::{Token, write_all};
use crate::write::{Table, Write};

/// The most batches of one page: about 200 KB.
const PAGE: i32 = 200;

/// The most items of one `BatchWriteItem` (AWS API reference).
const MAX_PUTS: usize = 25;

impl Ledger for Store {
    async fn batch(&self, id: BatchId) -> Result<Option<Batch>, PortError> {
        self.read_batch(id).await.during("read a batch")
    }

    async fn batches(&self, campaign: CampaignId, lane: LaneNo, from: u32) -> Result<Vec<Batch>, PortError> {
        let partition = keys::batch_partition(campaign, lane);
        let range = Range::From(keys::batch_place(from));
        let page = self.page(Table::Campaigns, partition, range, Some(PAGE)).await;
        let items = page.during("read the batches of a lane")?.items;
        items.iter().map(items::batch::decode).collect::<Result<_, _>>().during("read the batches of a lane")
    }

    async fn write_batch(&self, batch: &Batch) -> Result<Conditional<Batch>, PortError> {
        let answer = put_if(self, put(batch)).await;
        answer.and_then(|answer| decoded(answer, items::batch::decode)).during("write a batch")
    }

    async fn count_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        let count = items::lane::count(batch.id, count);
        self.put_and_count(batch, count).await.during("write a batch and its counters")
    }

    async fn end_batch(&self, batch: &Batch, count: &LaneCount) -> Result<Conditional<Batch>, PortError> {
        let count = items::lane::count(batch.id, count).if_below(items::lane::DONE, items::lane::LAST_AT);
        self.put_and_count(batch, count).await.during("write the end of a batch")
    }

    async fn amend_batch(
        &self,
        batch: &Batch,
        count: &LaneCount,
        plan_rev: u32,
    ) -> Result<Conditional<Batch>, PortError> {
        let count = items::lane::count(batch.id, count).if_equal(items::lane::REV, number(plan_rev));
        self.put_and_count(batch, count).await.during("write a batch of a lane that is held")
    }

    async fn write_plan(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
    ) -> Result<Conditional<LanePlan>, PortError> {
        let answer = update_if(self, items::lane::replan(campaign, plan)).await;
        answer.and_then(|answer| decoded(answer, items::lane::decode_plan)).during("write the plan of a lane")
    }

    async fn write_page(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
        batches: &[Batch],
    ) -> Result<Conditional<LanePlan>, PortError> {
        self.put_page(campaign, plan, batches).await.during("write a page of batches")
    }

    async fn record_failures(&self, failures: &[Failure]) -> Result<(), PortError> {
        for chunk in failures.chunks(MAX_PUTS) {
            let puts = chunk.iter().map(items::failure::encode).collect();
            self.put_many(Table::Campaigns, puts).await.during("record failures")?;
        }
        Ok(())
    }
}

/// Puts a batch in the place of the revision before it; a new one in nobody's place. Whoever writes the first revision
/// after the plan's may not have read that, so this one write also compares the recipients.
fn put(batch: &Batch) -> Write {
    let put =
        Write::put(Table::Campaigns, items::batch::encode(batch)).if_follows(items::batch::REV, batch.rev);
    match batch.rev {
        1 => put.if_equal(items::batch::IDS, items::batch::recipients(batch)),
        _ => put,
    }
}

impl Store {
    async fn read_batch(&self, id: BatchId) -> Result<Option<Batch>, StoreError> {
        let item = self.get(Table::Campaigns, keys::batch(id)).await?;
        Ok(item.as_ref().map(items::batch::decode).transpose()?)
    }

    async fn put_and_count(&self, batch: &Batch, count: Write) -> Result<Conditional<Batch>, StoreError> {
        let answer = write_all(self, Token::Derived, vec![put(batch), count]).await?;
        answer.first(items::batch::decode, self.read_batch(batch.id)).await
    }

    async fn put_page(
        &self,
        campaign: CampaignId,
        plan: &LanePlan,
        batches: &[Batch],
    ) -> Result<Conditional<LanePlan>, StoreError> {
        let puts = batches.iter().map(put);
        let writes = [items::lane::replan(campaign, plan)].into_iter().chain(puts).collect();
        let standing = async {
            let lane = self.read_lane(campaign, plan.no).await?;
            Ok(lane.map(|lane| lane.plan))
        };
        let answer = write_all(self, Token::Derived, writes).await?;
        answer.first(items::lane::decode_plan, standing).await
    }

    /// Puts items without conditions. Their keys must differ.
    async fn put_many(&self, table: Table, puts: Vec<Item>) -> Result<(), StoreError> {
        let request = |item| {
            let put = PutRequest::builder().set_item(Some(item)).build()?;
            Ok::<_, StoreError>(WriteRequest::builder().put_request(put).build())
        };
        self.agree(table).await?;
        let mut left = puts.into_iter().map(request).collect::<Result<Vec<_>, _>>()?;
        for attempt in 0..TRIES {
            back_off(attempt).await;
            let request = self
                .client
                .batch_write_item()
                .request_items(self.table(table), left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            self.meter.asked();
            let output = request.send().await.map_err(StoreError::from_sdk)?;
            self.meter.wrote(output.consumed_capacity());
            left = output.unprocessed_items.into_iter().flatten().flat_map(|(_, left)| left).collect();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Unprocessed { left: left.len() })
    }
}
