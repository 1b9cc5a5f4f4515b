//! Who got it: the recipients of a campaign, page by page, with state, reason and words.
//!
//! A page follows the ledger from a cursor (lane, batch, position) and holds what fits the filter. A page may
//! be short or even empty and still have a `next`: each request reads a bounded part of the ledger.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use fanmail_domain::batch::Entry;
use fanmail_domain::{Batch, BatchId, CampaignId, Failure, LaneNo, RecipientState, Subscriber, SubscriberId};
use fanmail_engine::ports::{Audience, Campaigns, Consistency, Ledger};
use serde_json::{Value, json};

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};

/// Recipients of one page, unless the request says otherwise.
const PER_PAGE: u64 = 100;
/// And at the most.
const MAX_PER_PAGE: u64 = 1_000;
/// Keys of one `BatchGetItem`.
const MAX_KEYS: usize = 100;

/// A place in a campaign's ledger, as `lane.batch.position`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cursor {
    lane: u8,
    seq: u32,
    position: usize,
}

/// What the request asks for.
struct Filter {
    state: Option<String>,
    reason: Option<String>,
}

/// One recipient on a page.
struct Found {
    batch: BatchId,
    position: usize,
    entry: Entry,
}

pub(super) async fn page(call: &Call<'_>, request: &Request, campaign: &str) -> Result<Reply, ApiError> {
    let campaign: CampaignId = id(campaign, "campaign")?;
    let store = &call.ports.store;
    let known = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
    let limit = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
    let limit = usize::try_from(limit).unwrap_or(1);
    let cursor = match request.query.get("cursor") {
        Some(text) => text.parse().map_err(|()| ApiError::bad("cursor is the `next` of an earlier page"))?,
        None => Cursor::default(),
    };
    let filter = Filter::of(request)?;
    let lane = LaneNo(cursor.lane);
    let batches = store.batches(campaign, lane, cursor.seq).await?;
    let (found, next) = select(&batches, cursor, &filter, limit);
    let next = next.or_else(|| (cursor.lane + 1 < known.lanes).then(|| Cursor::lane(cursor.lane + 1)));
    let results = describe(call, campaign, lane, &found).await?;
    Ok(Reply::data(json!({ "results": results, "next": next.map(|next| next.to_string()) })))
}

/// What fits of these batches, and where to go on in the lane; `None` if the lane is at its end.
fn select(batches: &[Batch], cursor: Cursor, filter: &Filter, limit: usize) -> (Vec<Found>, Option<Cursor>) {
    let mut found = Vec::new();
    for batch in batches {
        let first = if batch.id.seq == cursor.seq { cursor.position } else { 0 };
        for (position, entry) in batch.entries.iter().enumerate().skip(first) {
            if found.len() == limit {
                return (found, Some(Cursor { lane: cursor.lane, seq: batch.id.seq, position }));
            }
            if filter.fits(entry.state) {
                found.push(Found { batch: batch.id, position, entry: *entry });
            }
        }
    }
    let next = batches.last().map(|last| Cursor { lane: cursor.lane, seq: last.id.seq + 1, position: 0 });
    (found, next)
}

async fn describe(
    call: &Call<'_>,
    campaign: CampaignId,
    lane: LaneNo,
    found: &[Found],
) -> Result<Vec<Value>, ApiError> {
    let store = &call.ports.store;
    let ids: Vec<SubscriberId> = found.iter().map(|it| it.entry.subscriber).collect();
    let mut people = HashMap::new();
    for ids in ids.chunks(MAX_KEYS) {
        people.extend(store.subscribers(ids, Consistency::Strong).await?);
    }
    let failed = found.iter().filter(|it| matches!(it.entry.state, RecipientState::Failed(_)));
    let failed: Vec<SubscriberId> = failed.map(|it| it.entry.subscriber).collect();
    let failures = store.failures_of(campaign, lane, &failed).await?;
    let failures: HashMap<SubscriberId, Failure> =
        failures.into_iter().map(|failure| (failure.subscriber, failure)).collect();
    let show = |it: &Found| {
        let id = it.entry.subscriber;
        recipient(it, people.get(&id), failures.get(&id))
    };
    Ok(found.iter().map(show).collect())
}

fn recipient(found: &Found, person: Option<&Subscriber>, failure: Option<&Failure>) -> Value {
    json!({
        "id": found.entry.subscriber,
        "email": person.map(|person| person.email.expose()),
        "name": person.map(|person| person.name.as_str()),
        "state": found.entry.state.name(),
        "reason": found.entry.state.reason(),
        "code": failure.and_then(|failure| failure.code),
        "text": failure.map(|failure| failure.text.as_str()),
        "batch": found.batch.to_string(),
        "position": found.position,
    })
}

impl Filter {
    fn of(request: &Request) -> Result<Self, ApiError> {
        let known = |name: &String| RecipientState::ALL.iter().any(|state| state.name() == name);
        let state = request.query.get("state").cloned();
        if state.as_ref().is_some_and(|state| !known(state)) {
            return Err(ApiError::bad(
                "state is one of pending, preparing, submitting, accepted, in_doubt, failed, skipped",
            ));
        }
        Ok(Self { state, reason: request.query.get("reason").cloned() })
    }

    fn fits(&self, state: RecipientState) -> bool {
        self.state.as_deref().is_none_or(|name| name == state.name())
            && self.reason.as_deref().is_none_or(|reason| state.reason() == Some(reason))
    }
}

impl Cursor {
    fn lane(lane: u8) -> Self {
        Self { lane, ..Self::default() }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.lane, self.seq, self.position)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(());
        Ok(Self {
            lane: part()?.parse().map_err(drop)?,
            seq: part()?.parse().map_err(drop)?,
            position: part()?.parse().map_err(drop)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (all, filter) = (batches(), Filter { state: None, reason: None });
        let mut cursor = Cursor::lane(3);
        let mut seen = Vec::new();
        loop {
            let from: Vec<Batch> = all.iter().filter(|batch| batch.id.seq >= cursor.seq).cloned().collect();
            let (found, next) = select(&from, cursor, &filter, 4);
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
        let filter = Filter { state: Some("accepted".into()), reason: None };
        assert!(select(&batches(), Cursor::lane(3), &filter, 10).0.is_empty());
        let render = Filter { state: None, reason: Some("render".into()) };
        assert!(render.fits(RecipientState::Failed(fanmail_domain::FailReason::Render)));
        assert!(!render.fits(RecipientState::Pending));
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for text in ["", "1", "1.2", "a.b.c", "1.2.3.4", "999.1.1"] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }
}
