//! Campaigns: transitions, the start, the finish and the journal.

use fanmail_domain::{Campaign, CampaignEvent, CampaignId, LaneNo, StatusReason};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, Ledger};

use crate::fixtures::{NOW, after, count, done, draft, entry, leased, running, sealed, started};
use crate::harness::World;

const PAUSE: CampaignEvent = CampaignEvent::Pause { reason: StatusReason::User, until: None };

#[tokio::test]
async fn a_campaign_and_its_content_are_read_as_they_were_made() {
    let world = World::new().await;
    let campaign = world.store.create_campaign(&draft(), NOW).await.unwrap();
    assert_eq!(world.store.campaign(campaign.id).await.unwrap().as_ref(), Some(&campaign));
    let content = world.store.content(campaign.id, 1).await.unwrap().unwrap();
    assert_eq!((content.html.as_str(), content.text), (draft().html.as_str(), None));
    assert_eq!(world.store.content(campaign.id, 2).await.unwrap(), None);
    assert_eq!(world.store.campaign(CampaignId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn a_start_makes_the_lanes_and_a_second_one_learns_of_the_first() {
    let world = World::new().await;
    let drafted = world.store.create_campaign(&draft(), NOW).await.unwrap();
    let (first, plans) = started(&drafted, 64);
    let begun = world.store.begin(&first, &plans, &entry(first.id, "v1")).await.unwrap();
    assert_eq!(begun, Conditional::Applied);
    let lanes = world.store.lanes(first.id).await.unwrap();
    assert_eq!(lanes.iter().map(|lane| lane.plan.clone()).collect::<Vec<_>>(), plans);

    let second = Campaign { name: "Another".into(), ..first.clone() };
    let answer = world.store.begin(&second, &plans, &entry(first.id, "v1")).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(Some(first)));
}

#[tokio::test]
async fn a_campaign_that_does_not_exist_cannot_change() {
    let world = World::new().await;
    let mut campaign = world.store.create_campaign(&draft(), NOW).await.unwrap();
    campaign.id = CampaignId(77);
    let scheduled = after(&campaign, CampaignEvent::Schedule);
    let answer = world.store.transition(&scheduled, &entry(campaign.id, "v1")).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(None));
}

#[tokio::test]
async fn what_is_begun_and_not_ended_is_active() {
    let world = World::new().await;
    let campaign = world.store.create_campaign(&draft(), NOW).await.unwrap();
    assert_eq!(world.store.active().await.unwrap(), []);
    let scheduled = world.change(&campaign, CampaignEvent::Schedule).await;
    assert_eq!(world.store.active().await.unwrap(), [campaign.id]);
    let cancelled = world.change(&scheduled, CampaignEvent::Cancel).await;
    assert_eq!((world.store.active().await.unwrap(), cancelled.id), (vec![], campaign.id));

    let campaign = running(&world.store, 1).await;
    let cancelled = world.change(&campaign, CampaignEvent::Cancel).await;
    assert_eq!(world.store.active().await.unwrap(), [campaign.id], "its batches are to be closed");
    let answer = world.store.retire(&campaign).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(Some(cancelled.clone())), "an older campaign is no reason");
    assert_eq!(world.store.retire(&cancelled).await.unwrap(), Conditional::Applied);
    assert_eq!(world.store.active().await.unwrap(), []);

    let campaign = running(&world.store, 1).await;
    let paused = world.change(&campaign, PAUSE).await;
    assert_eq!(world.store.active().await.unwrap(), [campaign.id]);
    assert!(sealed(&world.store, campaign.id, 0, 1).await.is_empty());
    let resumed = world.change(&paused, CampaignEvent::Resume).await;
    let finished = after(&resumed, CampaignEvent::Finish);
    let finish = || async { world.store.finish(&finished, &entry(campaign.id, "end")).await.unwrap() };
    assert_eq!(finish().await, Conditional::Rejected(Some(resumed)), "this run did not look at the lane");
    let mut plan = world.store.lane(campaign.id, LaneNo(0)).await.unwrap().unwrap().plan;
    (plan.epoch, plan.rev) = (finished.state.epoch, plan.rev + 1);
    assert_eq!(world.store.write_plan(campaign.id, &plan).await.unwrap(), Conditional::Applied);
    let answer = finish().await;
    assert_eq!((answer, world.store.active().await.unwrap()), (Conditional::Applied, vec![]));
}

#[tokio::test]
async fn a_finish_is_refused_while_a_lane_is_open_or_unsealed() {
    let world = World::new().await;
    let campaign = running(&world.store, 2).await;
    let planned = sealed(&world.store, campaign.id, 1, 3).await.remove(0);
    let finished = after(&campaign, CampaignEvent::Finish);
    let finish = || async { world.store.finish(&finished, &entry(campaign.id, "end")).await.unwrap() };
    let refused = Conditional::Rejected(Some(campaign.clone()));
    assert_eq!(finish().await, refused, "a batch is open and a lane unsealed");

    let leased = leased(&planned, 1);
    assert_eq!(world.store.write_batch(&leased).await.unwrap(), Conditional::Applied);
    let done = done(&leased);
    assert_eq!(world.store.count_batch(&done, &count(&leased, &done)).await.unwrap(), Conditional::Applied);
    assert_eq!(finish().await, refused, "a lane is unsealed");

    let mut plan = world.store.lane(campaign.id, LaneNo(1)).await.unwrap().unwrap().plan;
    (plan.sealed, plan.rev) = (true, plan.rev + 1);
    assert_eq!(world.store.write_plan(campaign.id, &plan).await.unwrap(), Conditional::Applied);
    assert_eq!(finish().await, Conditional::Applied);
    assert_eq!(world.store.campaign(campaign.id).await.unwrap(), Some(finished.clone()));
}

#[tokio::test]
async fn a_finish_is_refused_while_a_sealed_lane_has_an_open_batch() {
    let world = World::new().await;
    let campaign = running(&world.store, 1).await;
    sealed(&world.store, campaign.id, 2, 3).await;
    let finished = after(&campaign, CampaignEvent::Finish);
    let answer = world.store.finish(&finished, &entry(campaign.id, "end")).await.unwrap();
    assert_eq!(answer, Conditional::Rejected(Some(campaign)));
}

#[tokio::test]
async fn the_journal_is_read_in_pages_and_keeps_an_entry_once() {
    let world = World::new().await;
    let campaign = running(&world.store, 2).await;
    let line = |number: u64| JournalEntry {
        at: fanmail_domain::Timestamp(NOW.0 + number),
        actor: "sweeper".into(),
        ..entry(campaign.id, &format!("lane-0-rewound-{number}"))
    };
    for number in [1, 2, 3, 2] {
        world.store.journal(&line(number)).await.unwrap();
    }
    let first = world.store.journal_page(campaign.id, None, 3).await.unwrap();
    let second = world.store.journal_page(campaign.id, first.next.clone(), 3).await.unwrap();
    assert_eq!(first.entries, [entry(campaign.id, "v1"), line(1), line(2)]);
    assert_eq!((second.entries, second.next), (vec![line(3)], None));
}

impl World {
    async fn change(&self, before: &Campaign, event: CampaignEvent) -> Campaign {
        let after = after(before, event);
        let entry = entry(after.id, &format!("v{}", after.state.version));
        assert_eq!(self.store.transition(&after, &entry).await.unwrap(), Conditional::Applied);
        after
    }
}
