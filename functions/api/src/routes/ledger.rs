//! What was decided, and whether the counters are right.

use std::collections::BTreeMap;

use fanmail_domain::{CampaignId, Lane, LaneNo, Phase, Tally};
use fanmail_engine::ports::Campaigns;
use serde_json::{Value, json};

use super::id;
use crate::handler::Call;
use crate::request::Request;
use crate::response::{ApiError, Reply};
use crate::view;

/// Journal lines of one page, unless the request says otherwise.
const PER_PAGE: u64 = 100;
/// And at the most.
const MAX_PER_PAGE: u64 = 1_000;

/// A campaign's journal: every transition and every decision of the sweeper, the oldest first.
pub(super) async fn journal(call: &Call<'_>, request: &Request, campaign: &str) -> Result<Reply, ApiError> {
    let campaign: CampaignId = id(campaign, "campaign")?;
    let limit = request.number("per_page", PER_PAGE)?.clamp(1, MAX_PER_PAGE);
    let limit = u16::try_from(limit).unwrap_or(u16::MAX);
    let page = call.ports.store.journal_page(campaign, request.query.get("cursor").cloned(), limit).await?;
    let show = |entry: &fanmail_engine::ports::JournalEntry| json!({ "at": view::time(entry.at), "by": entry.actor, "text": entry.text });
    let results: Vec<Value> = page.entries.iter().map(show).collect();
    Ok(Reply::data(json!({ "results": results, "next": page.next })))
}

/// One lane, as the ledger has it.
#[derive(Default)]
struct Recount {
    tally: Tally,
    created: u32,
    done: u32,
    recipients: u64,
}

/// Counts the whole ledger again and names every difference from the counters. While batches end, a lane may
/// differ for a moment: it is read after its batches.
pub(super) async fn audit(call: &Call<'_>, campaign: &str) -> Result<Reply, ApiError> {
    let campaign: CampaignId = id(campaign, "campaign")?;
    let store = &call.ports.store;
    let found = store.campaign(campaign).await?.ok_or_else(|| ApiError::not_found("campaign"))?;
    let mut recounts: BTreeMap<LaneNo, Recount> = BTreeMap::new();
    store
        .all_batches(campaign, |batch| {
            let recount = recounts.entry(batch.id.lane).or_default();
            recount.created += 1;
            recount.done += u32::from(batch.phase == Phase::Done);
            recount.recipients += batch.entries.len() as u64;
            let counted = batch.entries.iter().filter(|entry| entry.counted);
            recount.tally.add_all(&counted.map(|entry| entry.state).collect());
        })
        .await?;
    let lanes = store.lanes(campaign).await?;
    let nothing = Recount::default();
    let compare = |lane: &Lane| differences(lane, recounts.get(&lane.plan.no).unwrap_or(&nothing));
    let differences: Vec<String> = lanes.iter().flat_map(compare).collect();
    let recipients: u64 = recounts.values().map(|recount| recount.recipients).sum();
    Ok(Reply::data(json!({
        "status": found.state.status.name(),
        "recipients": recipients,
        "differences": differences,
    })))
}

fn differences(lane: &Lane, recount: &Recount) -> Vec<String> {
    let no = lane.plan.no;
    let mut found = Vec::new();
    let mut compare = |what: &str, counter: u64, ledger: u64| {
        if counter != ledger {
            found.push(format!("lane {no}: {what} is {counter} by the counter and {ledger} by the ledger"));
        }
    };
    compare("batches", lane.plan.created.into(), recount.created.into());
    compare("done batches", lane.done.into(), recount.done.into());
    compare("recipients", lane.plan.recipients, recount.recipients);
    for state in fanmail_domain::RecipientState::ALL {
        let of = |tally: &Tally| tally.iter().find(|(it, _)| *it == state).map_or(0, |(_, count)| count);
        let name =
            state.reason().map_or_else(|| state.name().to_owned(), |it| format!("{}:{it}", state.name()));
        compare(&name, of(&lane.tally), of(&recount.tally));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_domain::{Epoch, LanePlan, RecipientState, Timestamp};

    #[test]
    fn every_difference_is_named() {
        let plan = LanePlan::planned(LaneNo(2), LanePlan::share(LaneNo(0), 1), Epoch(1), Timestamp(0));
        let lane = Lane {
            plan,
            done: 1,
            tally: [RecipientState::Accepted].into_iter().collect(),
            moved_at: Timestamp(0),
        };
        assert_eq!(
            differences(&lane, &Recount::default()),
            [
                "lane 2: done batches is 1 by the counter and 0 by the ledger",
                "lane 2: accepted is 1 by the counter and 0 by the ledger",
            ]
        );
        let recount = Recount { done: 1, tally: lane.tally.clone(), ..Recount::default() };
        assert!(differences(&lane, &recount).is_empty());
    }
}
