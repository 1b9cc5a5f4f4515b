//! Sixty-four at once: one wins, the others learn who.

use std::future::Future;

use fanmail_domain::{
    Batch, CampaignEvent, CampaignStatus, LaneEvent, LaneNo, SubscriberId, Tally, Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, Ledger};
use fanmail_store::Store;
use futures::future::join_all;

use crate::fixtures::{
    NOW, after, batch, count, done, draft, entry, leased, running, sealed, started, taken,
};
use crate::harness::World;

const WRITERS: u64 = 64;

/// Runs `write` for every writer at once, each on a task of its own.
async fn at_once<T, F>(store: &Store, write: impl Fn(Store, u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks = (0..WRITERS).map(|number| tokio::spawn(write(store.clone(), number)));
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// One answer is *applied*, and all others hold `winner`.
fn assert_one_won<T: PartialEq + std::fmt::Debug>(answers: &[Conditional<T>], winner: &T) {
    let applied = answers.iter().filter(|answer| **answer == Conditional::Applied).count();
    assert_eq!(applied, 1);
    let told = answers.iter().filter(|answer| match answer {
        Conditional::Applied => false,
        Conditional::Rejected(current) => current.as_ref() == Some(winner),
    });
    assert_eq!(told.count() as u64, WRITERS - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_lease_wins() {
    let world = World::new().await;
    let planned = batch(running(&world.store, 1).await.id, 0, 100);
    assert_eq!(world.store.write_batch(&planned).await.unwrap(), Conditional::Applied);
    let answers = at_once(&world.store, |store, number| {
        let mine = leased(&planned, number);
        async move { store.write_batch(&mine).await.unwrap() }
    })
    .await;
    let winner = world.store.batch(planned.id).await.unwrap().unwrap();
    assert_one_won(&answers, &winner);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_equal_a_recount_after_everybody_finished_at_once() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 64, 20).await;
    let leases = planned.iter().map(|batch| leased(batch, 1));
    for batch in leases.clone() {
        assert_eq!(world.store.write_batch(&batch).await.unwrap(), Conditional::Applied);
    }
    let ends: Vec<Batch> = leases.map(|batch| done(&batch)).collect();
    let answers = at_once(&world.store, |store, number| {
        let batch = ends[usize::try_from(number).unwrap()].clone();
        let count = count(&planned[usize::try_from(number).unwrap()], &batch);
        async move { store.count_batch(&batch, &count).await.unwrap() }
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == Conditional::Applied));

    let mut recount = Tally::default();
    world.store.all_batches(campaign, |batch| recount.add_all(&batch.tally())).await.unwrap();
    let lane = world.store.lane(campaign, LaneNo(0)).await.unwrap().unwrap();
    assert_eq!((lane.done, lane.tally.total()), (64, 64 * 20));
    assert_eq!(lane.tally, recount);
    assert!(lane.is_complete(lane.plan.epoch));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_ends_at_once_exactly_one_may_be_the_last() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let planned = sealed(&world.store, campaign, 64, 1).await;
    let leases: Vec<Batch> = planned.iter().map(|batch| leased(batch, 1)).collect();
    for batch in &leases {
        assert_eq!(world.store.write_batch(batch).await.unwrap(), Conditional::Applied);
    }
    let answers = at_once(&world.store, |store, number| {
        let lease = leases[usize::try_from(number).unwrap()].clone();
        async move {
            let end = done(&lease);
            store.end_batch(&end, &count(&lease, &end)).await.unwrap()
        }
    })
    .await;
    let refused = answers.iter().filter(|answer| **answer != Conditional::Applied).count();
    let lane = world.store.lane(campaign, LaneNo(0)).await.unwrap().unwrap();
    assert_eq!((refused, lane.done), (1, 63));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_begin_wins() {
    let world = World::new().await;
    let drafted = world.store.create_campaign(&draft(), NOW).await.unwrap();
    let answers = at_once(&world.store, |store, number| {
        let (mut campaign, plans) = started(&drafted, 64);
        campaign.started_at = Some(Timestamp(number));
        async move { store.begin(&campaign, &plans, &entry(campaign.id, "v1")).await.unwrap() }
    })
    .await;
    let winner = world.store.campaign(drafted.id).await.unwrap().unwrap();
    assert_one_won(&answers, &winner);
    assert_eq!(world.store.lanes(drafted.id).await.unwrap().len(), 64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_finish_wins() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await;
    assert!(sealed(&world.store, campaign.id, 0, 1).await.is_empty());
    let answers = at_once(&world.store, |store, number| {
        let mut finished = after(&campaign, CampaignEvent::Finish);
        finished.updated_at = Timestamp(number);
        async move { store.finish(&finished, &entry(finished.id, "v2")).await.unwrap() }
    })
    .await;
    let winner = world.store.campaign(campaign.id).await.unwrap().unwrap();
    assert_one_won(&answers, &winner);
    assert_eq!(winner.state.status, CampaignStatus::Finished);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_is_written_once() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await.id;
    let plan = world.store.lane(campaign, LaneNo(0)).await.unwrap().unwrap().plan.apply(taken()).unwrap();
    let answers = at_once(&world.store, |store, number| {
        let cursor = SubscriberId::from_number(number).unwrap();
        let page = LaneEvent::Planned { batches: 10, recipients: 10 + number, cursor };
        let mut plan = plan.clone().apply(page).unwrap();
        plan.rev += 1;
        let size = u32::try_from(number).unwrap() + 1;
        let batches: Vec<Batch> = (0..10).map(|seq| batch(campaign, seq, size)).collect();
        async move { store.write_page(campaign, &plan, &batches).await.unwrap() }
    })
    .await;
    let winner = world.store.lane(campaign, LaneNo(0)).await.unwrap().unwrap().plan;
    assert_one_won(&answers, &winner);
    let batches = world.store.batches(campaign, LaneNo(0), 0).await.unwrap();
    let size = usize::try_from(winner.recipients).unwrap() - 10 + 1;
    assert_eq!(batches.len(), 10);
    assert!(batches.iter().all(|batch| batch.entries.len() == size), "pages of two writers are mixed");
}
