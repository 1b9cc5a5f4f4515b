//! Every kind of damage, one by one.

use super::*;
use fanmail_domain::{CampaignId, Epoch, FailReason, LanePlan, Timestamp};

/// Ids of the last of four lanes.
fn id(number: u64) -> SubscriberId {
    SubscriberId::from_number(SubscriberId::MAX.number() - 1_000 + number).unwrap()
}

/// A batch of lane 3 with these recipients, all accepted, counted and done.
fn batch(seq: u32, numbers: &[u64]) -> Batch {
    let ids: Vec<SubscriberId> = numbers.iter().copied().map(id).collect();
    let mut batch = Batch::planned(BatchId { campaign: CampaignId(1), lane: LaneNo(3), seq }, &ids);
    batch.phase = Phase::Done;
    for entry in &mut batch.entries {
        (entry.state, entry.counted) = (RecipientState::Accepted, true);
    }
    batch
}

/// Two batches of two.
fn batches() -> Vec<Batch> {
    vec![batch(0, &[1, 2]), batch(1, &[3, 4])]
}

/// The lane that counted [`batches`].
fn lane() -> Lane {
    let shards = LanePlan::share(LaneNo(3), 4);
    let mut plan = LanePlan::planned(LaneNo(3), shards, Epoch(1), Timestamp(0));
    (plan.sealed, plan.created, plan.recipients) = (true, 2, 4);
    Lane { plan, done: 2, tally: [RecipientState::Accepted; 4].into_iter().collect(), moved_at: Timestamp(0) }
}

fn differences(lane: Option<&Lane>, batches: &[Batch]) -> Vec<String> {
    let mut recount = Recount::new(LaneNo(3), LanePlan::share(LaneNo(3), 4));
    batches.iter().for_each(|batch| recount.add(batch));
    recount.end(lane)
}

/// What is found in the batches after `damage`, whatever the counters say.
fn after(damage: impl FnOnce(&mut Vec<Batch>)) -> Vec<String> {
    let mut batches = batches();
    damage(&mut batches);
    differences(None, &batches)
}

#[test]
fn what_fits_has_no_differences() {
    assert_eq!(differences(Some(&lane()), &batches()), [""; 0]);
    assert_eq!(differences(None, &batches()), [""; 0]);
}

#[test]
fn every_counter_is_compared() {
    let mut wrong = lane();
    (wrong.plan.created, wrong.plan.recipients, wrong.done) = (3, 5, 1);
    wrong.tally =
        [RecipientState::Accepted, RecipientState::Failed(FailReason::Render)].into_iter().collect();
    assert_eq!(
        differences(Some(&wrong), &batches()),
        [
            "lane 3: batch 2 is missing",
            "lane 3: batches is 3 by the counter and 2 by the ledger",
            "lane 3: done batches is 1 by the counter and 2 by the ledger",
            "lane 3: recipients is 5 by the counter and 4 by the ledger",
            "lane 3: accepted is 1 by the counter and 4 by the ledger",
            "lane 3: failed:render is 1 by the counter and 0 by the ledger",
        ]
    );
}

#[test]
fn batches_that_are_missing_are_named() {
    assert_eq!(after(|batches| drop(batches.remove(0))), ["lane 3: batch 0 is missing"]);
    let far = after(|batches| batches[1].id.seq = 9);
    assert_eq!(far, ["lane 3: batches 1 to 8 are missing"]);
}

#[test]
fn a_recipient_in_two_places_is_named() {
    let (two, one) = (id(2), id(1));
    assert_eq!(
        after(|batches| batches[1].entries[0].subscriber = two),
        [format!("batch 1/3/1: recipient {two} is in batch 1/3/0 too")]
    );
    assert_eq!(
        after(|batches| batches[0].entries[1].subscriber = one),
        [format!("batch 1/3/0: recipient {one} is in it twice")]
    );
}

#[test]
fn a_recipient_out_of_order_or_in_a_foreign_lane_is_named() {
    let (first, foreign) = (id(0), SubscriberId::from_number(7).unwrap());
    assert_eq!(
        after(|batches| batches[1].entries[1].subscriber = first),
        [format!("batch 1/3/1: recipient {first} is not in the order of ids")]
    );
    assert_eq!(
        after(|batches| batches[0].entries[0].subscriber = foreign),
        ["batch 1/3/0: recipient 7 belongs in another lane"]
    );
}

#[test]
fn a_state_that_contradicts_its_batch_or_its_mark_is_named() {
    let four = id(4);
    assert_eq!(
        after(|batches| batches[1].entries[1].counted = false),
        [format!("batch 1/3/1: it is done and recipient {four} is in no counter")]
    );
    assert_eq!(
        after(|batches| batches[1].entries[1].state = RecipientState::Submitting),
        [
            format!("batch 1/3/1: recipient {four} is counted and submitting"),
            format!("batch 1/3/1: it is done and recipient {four} is submitting"),
        ]
    );
}

#[test]
fn a_batch_that_cannot_be_read_is_named_and_not_missing() {
    let mut recount = Recount::new(LaneNo(3), LanePlan::share(LaneNo(3), 4));
    recount.unreadable(batch(0, &[]).id, "because");
    recount.add(&batches()[1]);
    assert_eq!(recount.end(None), ["batch 1/3/0 cannot be read: because"]);
}

#[test]
fn a_ledger_that_is_wrong_everywhere_is_cut_short() {
    let numbers: Vec<u64> = vec![5; 300];
    let found = differences(None, &[batch(0, &numbers)]);
    assert_eq!((found.len(), found.last().unwrap().as_str()), (201, "lane 3: 99 more differences"));
}
