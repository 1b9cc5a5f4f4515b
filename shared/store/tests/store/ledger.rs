//! Batches and lanes: what is written is read, and every write names what it follows.

use fanmail_domain::{
    Batch, BatchEvent, CampaignId, Change, Epoch, Evidence, FailReason, Failure, Lane, LaneEvent, LaneNo,
    LanePlan, Phase, RecipientEvent, Retry, SubscriberId, Tally, Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, Ledger};

use crate::fixtures::{LATER, batch, count, done, leased, next, running, sealed, taken};
use crate::harness::World;

#[tokio::test]
async fn a_write_that_follows_what_stands_is_applied_and_any_other_answers_with_it() {
    let world = World::new().await;
    let planned = batch(running(&world.store, 1).await.id, 0, 3);
    assert_eq!(world.store.write_batch(&planned).await.unwrap(), Conditional::Applied);
    let mine = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&mine).await.unwrap(), Conditional::Applied);

    let other = world.store.write_batch(&leased(&planned, 2)).await.unwrap();
    assert_eq!(other, Conditional::Rejected(Some(mine.clone())));
    let gap = next(next(mine.clone()));
    assert_eq!(world.store.write_batch(&gap).await.unwrap(), Conditional::Rejected(Some(mine.clone())));
    assert_eq!(world.store.batch(planned.id).await.unwrap(), Some(mine));
}

#[tokio::test]
async fn the_first_write_after_the_plan_is_taken_only_for_the_recipients_of_the_plan() {
    let world = World::new().await;
    let planned = batch(running(&world.store, 1).await.id, 0, 3);
    assert_eq!(world.store.write_batch(&planned).await.unwrap(), Conditional::Applied);
    let mut reversed = leased(&planned, 1);
    reversed.entries.reverse();
    let mut fewer = leased(&planned, 1);
    fewer.entries.pop();
    for others in [reversed, fewer] {
        let answer = world.store.write_batch(&others).await.unwrap();
        assert_eq!(answer, Conditional::Rejected(Some(planned.clone())));
    }
    assert_eq!(world.store.write_batch(&leased(&planned, 1)).await.unwrap(), Conditional::Applied);
}

#[tokio::test]
async fn a_repeat_after_a_lost_answer_finds_what_it_meant() {
    let world = World::new().await;
    let planned = batch(running(&world.store, 1).await.id, 0, 3);
    assert_eq!(world.store.write_batch(&planned).await.unwrap(), Conditional::Applied);
    let again = world.store.write_batch(&planned).await.unwrap();
    assert_eq!(again, Conditional::Rejected(Some(planned)));
}

#[tokio::test]
async fn a_batch_that_nobody_planned_cannot_be_written_on() {
    let world = World::new().await;
    let missing = leased(&batch(running(&world.store, 1).await.id, 7, 3), 1);
    assert_eq!(world.store.write_batch(&missing).await.unwrap(), Conditional::Rejected(None));
    assert_eq!(world.store.batch(missing.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_fan_out_that_lost_its_lane_changes_no_batch_of_it() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let closed = next(planned.clone().apply(&BatchEvent::Closed).unwrap());
    let (rev, count) = (world.lane(campaign).await.plan.rev, count(&planned, &closed));
    let late = world.store.amend_batch(&closed, &count, rev - 1).await.unwrap();
    assert_eq!(late, Conditional::Rejected(Some(planned)));
    assert_eq!(world.lane(campaign).await.done, 0);
    assert_eq!(world.store.amend_batch(&closed, &count, rev).await.unwrap(), Conditional::Applied);
    let lane = world.lane(campaign).await;
    assert_eq!((lane.done, lane.tally.named("skipped")), (1, 5));
}

#[tokio::test]
async fn an_end_that_may_be_the_last_of_its_lane_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 2, 5).await;
    let leases: Vec<_> = planned.iter().map(|batch| leased(batch, 1)).collect();
    for lease in &leases {
        assert_eq!(world.store.write_batch(lease).await.unwrap(), Conditional::Applied);
    }
    let ends: Vec<_> = leases.iter().map(done).collect();
    let end =
        async |at: usize| world.store.end_batch(&ends[at], &count(&leases[at], &ends[at])).await.unwrap();

    assert_eq!(end(1).await, Conditional::Applied);
    assert_eq!(end(0).await, Conditional::Rejected(Some(leases[0].clone())));
    assert_eq!(world.lane(campaign).await.done, 1);
    let last = world.store.count_batch(&ends[0], &count(&leases[0], &ends[0])).await.unwrap();
    assert_eq!(last, Conditional::Applied);
    let lane = world.lane(campaign).await;
    assert_eq!((lane.done, lane.tally.named("accepted")), (2, 10));
}

#[tokio::test]
async fn no_end_is_the_last_one_while_a_run_may_still_send_batches() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let lease = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&lease).await.unwrap(), Conditional::Applied);
    let plan = world.lane(campaign).await.plan;
    let rewound = plan.apply(LaneEvent::Rewound { now: Timestamp(u64::MAX) }).unwrap();
    let rewound = LanePlan { rev: rewound.rev + 1, ..rewound };
    assert_eq!(world.store.write_plan(campaign, &rewound).await.unwrap(), Conditional::Applied);

    let end = done(&lease);
    assert_eq!(world.store.end_batch(&end, &count(&lease, &end)).await.unwrap(), Conditional::Applied);
    assert_eq!(world.lane(campaign).await.done, 1);
}

#[tokio::test]
async fn counting_twice_counts_once() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let done = done(&leased);
    for _ in 0..3 {
        match world.store.count_batch(&done, &count(&leased, &done)).await.unwrap() {
            Conditional::Applied => {}
            Conditional::Rejected(current) => assert_eq!(current, Some(done.clone())),
        }
    }
    let lane = world.lane(campaign).await;
    assert_eq!((lane.done, lane.tally), (1, done.tally()));
}

#[tokio::test]
async fn a_fenced_count_answers_with_the_batch_and_counts_nothing() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let (mine, theirs) = (leased(&planned, 1), leased(&planned, 2));
    assert_eq!(world.store.write_batch(&theirs).await.unwrap(), Conditional::Applied);
    let mine = done(&mine);
    let answer =
        world.store.count_batch(&Batch { rev: 1, ..mine.clone() }, &count(&planned, &mine)).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(Some(theirs)));
    assert_eq!((world.lane(campaign).await.done, world.lane(campaign).await.tally), (0, Tally::default()));
}

#[tokio::test]
async fn counters_carried_forward_leave_the_batch_undone() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let counted = next(leased.clone().apply(&BatchEvent::Counted { token: leased.token }).unwrap());
    assert_eq!(
        world.store.count_batch(&counted, &count(&leased, &counted)).await.unwrap(),
        Conditional::Applied
    );
    let (token, position) = (counted.token, 0);
    let fail = [Change { position, event: RecipientEvent::Fail(FailReason::Render) }];
    let failed = counted.clone().apply(&BatchEvent::Recorded { token, changes: &fail }).unwrap();
    let failed = next(failed.apply(&BatchEvent::Counted { token }).unwrap());
    assert_eq!(
        world.store.count_batch(&failed, &count(&counted, &failed)).await.unwrap(),
        Conditional::Applied
    );
    let lane = world.lane(campaign).await;
    assert_eq!((lane.done, lane.tally, lane.moved_at), (0, failed.tally(), LATER));
}

#[tokio::test]
async fn counters_follow_a_recipient_that_is_taken_back() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 2).await.remove(0);
    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let done = done(&leased);
    assert_eq!(world.store.count_batch(&done, &count(&leased, &done)).await.unwrap(), Conditional::Applied);
    let settled = BatchEvent::Settled { position: 1, evidence: Evidence::Bounced };
    let bounced = next(done.clone().apply(&settled).unwrap());
    let states = Retry::class("failed:bounced").unwrap();
    let retry = Retry { epoch: Epoch(2), states, only: [].into() };
    let open = next(bounced.clone().apply(&BatchEvent::Reopened(&retry)).unwrap());
    for (before, after, expected) in [(&done, &bounced, (1, 1, 1)), (&bounced, &open, (0, 1, 0))] {
        assert_eq!(
            world.store.count_batch(after, &count(before, after)).await.unwrap(),
            Conditional::Applied
        );
        let lane = world.lane(campaign).await;
        assert_eq!((lane.done, lane.tally.named("accepted"), lane.tally.named("failed")), expected);
    }
}

#[tokio::test]
async fn plan_and_counters_do_not_touch_each_other() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 5).await.remove(0);
    let before = world.lane(campaign).await;
    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let done = done(&leased);
    assert_eq!(world.store.count_batch(&done, &count(&leased, &done)).await.unwrap(), Conditional::Applied);
    assert_eq!(world.lane(campaign).await.plan, before.plan);

    let mut plan = before.plan.apply(LaneEvent::Released { now: Timestamp(9) }).unwrap();
    plan.rev += 1;
    assert_eq!(world.store.write_plan(campaign, &plan).await.unwrap(), Conditional::Applied);
    let lane = world.lane(campaign).await;
    assert_eq!((lane.plan, lane.done, lane.tally), (plan, 1, done.tally()));
}

#[tokio::test]
async fn a_page_whose_plan_is_stale_writes_no_batch() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let before = world.lane(campaign).await.plan;
    let mut theirs = before.clone().apply(taken()).unwrap();
    theirs.rev += 1;
    assert_eq!(world.store.write_plan(campaign, &theirs).await.unwrap(), Conditional::Applied);
    let mut mine = before.apply(taken()).unwrap();
    let cursor = SubscriberId::MAX;
    mine = mine.apply(LaneEvent::Planned { batches: 1, recipients: 3, cursor }).unwrap();
    mine.rev += 1;
    let page = [batch(campaign, 0, 3)];
    let answer = world.store.write_page(campaign, &mine, &page).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(Some(theirs)));
    assert_eq!(world.store.batch(page[0].id).await.unwrap(), None);
}

#[tokio::test]
async fn pages_of_batches_go_on_from_any_place_in_order() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let written = sealed(&world.store, campaign, 203, 2).await;
    let mut read = Vec::new();
    let mut pages = 0;
    loop {
        let from = u32::try_from(read.len()).unwrap();
        let page = world.store.batches(campaign, LaneNo(0), from).await.unwrap();
        if page.is_empty() {
            break;
        }
        pages += 1;
        read.extend(page);
    }
    assert!(pages > 1, "one page shows nothing");
    assert!(read == written && read.iter().all(|batch| batch.phase == Phase::Queued));
    let mut visited = 0;
    world.store.all_batches(campaign, |_| visited += 1).await.unwrap();
    assert_eq!(visited, 203);
}

#[tokio::test]
async fn failures_recorded_twice_are_kept_once() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let failure = |number: u64| Failure {
        campaign,
        lane: LaneNo(0),
        subscriber: SubscriberId::from_number(number).unwrap(),
        reason: FailReason::Rejected,
        code: Some(550),
        text: "no such mailbox".into(),
        at: Timestamp(number),
    };
    let failures: Vec<Failure> = (1..=60).map(failure).collect();
    world.store.record_failures(&failures).await.unwrap();
    world.store.record_failures(&failures[..9]).await.unwrap();
    assert_eq!(world.store.failures(campaign, LaneNo(0), None).await.unwrap(), failures);
    let rest = world.store.failures(campaign, LaneNo(0), Some(failures[49].subscriber)).await.unwrap();
    assert_eq!(rest, failures[50..]);
}

#[tokio::test]
async fn a_batch_of_a_hundred_costs_one_unit_per_write() {
    let world = World::new().await;
    let planned = batch(running(&world.store, 1).await.id, 0, 100);
    let _ = world.store.take_usage();
    assert_eq!(world.store.write_batch(&planned).await.unwrap(), Conditional::Applied);
    assert_eq!(world.store.write_batch(&leased(&planned, u64::MAX)).await.unwrap(), Conditional::Applied);
    let usage = world.store.take_usage();
    assert_eq!((usage.write_units, usage.read_units, usage.requests), (2.0, 0.0, 2));
    world.store.batch(planned.id).await.unwrap();
    assert_eq!(world.store.usage().read_units, 1.0);
}

#[tokio::test]
async fn a_batch_and_its_counters_cost_four_units() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 1, 100).await.remove(0);
    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let _ = world.store.take_usage();
    let done = done(&leased);
    assert_eq!(world.store.count_batch(&done, &count(&leased, &done)).await.unwrap(), Conditional::Applied);
    assert_eq!(world.store.usage().write_units, 4.0);
}

impl World {
    async fn lane(&self, campaign: CampaignId) -> Lane {
        self.store.lane(campaign, LaneNo(0)).await.unwrap().unwrap()
    }
}
