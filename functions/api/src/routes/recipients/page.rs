//! The list, page by page.
//!
//! A page follows the ledger from a cursor (lane, batch, position) and holds what fits the filter. A page may
//! be short or even empty and still have a `next`: each request reads a bounded part of the ledger.

use fanmail_domain::{Batch, LaneNo};
use fanmail_engine::ports::Ledger;

use super::cursor::Cursor;
use super::filter::Filter;
use super::format::Format;
use super::{Found, campaign, describe};
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// Recipients of one page, unless the request says otherwise.
const PER_PAGE: u64 = 100;
/// And at the most.
const MAX_PER_PAGE: u64 = 1_000;

/// What the request asks for.
struct Wanted {
    format: Format,
    filter: Filter,
    cursor: Cursor,
    limit: usize,
}

/// `GET /api/campaigns/{id}/recipients`.
pub(in crate::routes) async fn page(call: &Call<'_>, request: &Request, id: &str) -> Result<Reply, ApiError> {
    let wanted = Wanted::of(request)?;
    let campaign = campaign(call, id).await?;
    let cursor = wanted.cursor;
    let batches = call.ports.store.batches(campaign.id, LaneNo(cursor.lane), cursor.seq).await?;
    let (found, next) = select(&batches, cursor, wanted.filter, wanted.limit);
    let next = next.or_else(|| cursor.next_lane(campaign.lanes));
    let rows = describe(call, &found).await?;
    Ok(wanted.format.reply(&rows, next, &wanted.query()))
}

/// What fits of these batches, and where to go on in the lane; `None` if the lane is at its end.
fn select(batches: &[Batch], cursor: Cursor, filter: Filter, limit: usize) -> (Vec<Found>, Option<Cursor>) {
    let mut found = Vec::new();
    for batch in batches {
        let first = if batch.id.seq == cursor.seq { cursor.position } else { 0 };
        for (position, entry) in batch.entries.iter().enumerate().skip(first) {
            if found.len() == limit {
                return (found, Some(Cursor { lane: cursor.lane, seq: batch.id.seq, position }));
            }
            if filter.fits(entry.state) {
                let changed_at = batch.changed_at;
                found.push(Found { batch: batch.id, position, entry: *entry, changed_at });
            }
        }
    }
    let next = batches.last().map(|last| Cursor { lane: cursor.lane, seq: last.id.seq + 1, position: 0 });
    (found, next)
}

impl Wanted {
    fn of(request: &Request) -> Result<Self, ApiError> {
        let limit = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
        let cursor = match request.query.get("cursor") {
            Some(text) => {
                text.parse().map_err(|()| ApiError::bad("cursor is the `next` of an earlier page"))?
            }
            None => Cursor::default(),
        };
        Ok(Self {
            format: Format::of(request)?,
            filter: Filter::of(request)?,
            cursor,
            limit: usize::try_from(limit).unwrap_or(1),
        })
    }

    /// The same as a query, but for the cursor. Every value is a number or one of our own names.
    fn query(&self) -> String {
        let named = |name: &str, value: Option<&str>| value.map(|value| format!("{name}={value}&"));
        let (state, reason) = (named("state", self.filter.state), named("reason", self.filter.reason));
        format!("{}{}per_page={}&", state.unwrap_or_default(), reason.unwrap_or_default(), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_domain::{BatchId, CampaignId, SubscriberId};

    fn batches() -> Vec<Batch> {
        let batch = |seq: u32| {
            let ids = [seq * 2, seq * 2 + 1].map(u64::from).map(SubscriberId::from_number);
            let ids: Vec<_> = ids.into_iter().flatten().collect();
            Batch::planned(BatchId { campaign: CampaignId(1), lane: LaneNo(3), seq }, &ids)
        };
        (0..3).map(batch).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let all = batches();
        let mut cursor = Cursor::lane(3);
        let mut seen = Vec::new();
        loop {
            let from: Vec<Batch> = all.iter().filter(|batch| batch.id.seq >= cursor.seq).cloned().collect();
            let (found, next) = select(&from, cursor, Filter::default(), 4);
            seen.extend(found.iter().map(|it| it.entry.subscriber.number()));
            match next {
                Some(next) => cursor = next.to_string().parse().unwrap(),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn only_what_fits_the_filter_is_on_a_page() {
        let accepted = Filter { state: Some("accepted"), reason: None };
        assert!(select(&batches(), Cursor::lane(3), accepted, 10).0.is_empty());
        let pending = Filter { state: Some("pending"), reason: None };
        assert_eq!(select(&batches(), Cursor::lane(3), pending, 10).0.len(), 6);
    }
}
