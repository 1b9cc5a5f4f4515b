//! Members and subscribers, one at a time and by the page.

use std::collections::HashSet;

use fanmail_domain::{ListId, Optin, Shard, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus};
use fanmail_engine::ports::{Audience, Consistency, Member};
use fanmail_store::Imported;

use crate::fixtures::{LATER, NOW, address, onto, people, person};
use crate::harness::World;

const LIST: ListId = ListId(1);

impl World {
    /// Everybody on a list, shard by shard, and in order.
    pub(crate) async fn members(&self, list: ListId) -> Vec<Member> {
        let mut members = Vec::new();
        for shard in (0..Shard::COUNT).map(Shard) {
            let mut after = None;
            loop {
                let page = self.store.members(list, shard, after).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                assert!(page.iter().all(|member| member.id.shard() == shard));
                members.extend(page);
            }
        }
        members
    }

    /// Imports one person onto the list, and answers their row.
    pub(crate) async fn join(&self, email: &str) -> Subscriber {
        self.store.import(&[person(email)], &onto(&[LIST])).await.unwrap();
        self.store.find_subscriber(&address(email)).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn members_come_in_order_of_their_ids_and_behind_a_place() {
    let world = World::new().await;
    world.store.import(&people(300), &onto(&[LIST])).await.unwrap();
    let members = world.members(LIST).await;
    assert_eq!(members.len(), 300);
    assert!(members.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(members.iter().all(|member| member.joined_at == NOW));
    let (shard, second) = (members[0].id.shard(), members[1].id);
    let behind = world.store.members(LIST, shard, Some(members[0].id)).await.unwrap();
    assert_eq!(behind.first().map(|member| member.id), Some(second).filter(|id| id.shard() == shard));
    assert_eq!(world.store.members(ListId(2), shard, None).await.unwrap(), []);
}

#[tokio::test]
async fn subscribers_are_read_by_the_batch_and_who_is_not_there_is_left_out() {
    let world = World::new().await;
    world.store.import(&people(250), &onto(&[LIST])).await.unwrap();
    let mut ids: Vec<SubscriberId> = world.members(LIST).await.iter().map(|member| member.id).collect();
    ids.push(SubscriberId::MAX);
    ids.push(ids[0]);
    for consistency in [Consistency::Eventual, Consistency::Strong] {
        let found = world.store.subscribers(&ids, consistency).await.unwrap();
        assert_eq!(found.len(), 250);
        assert!(found.iter().all(|(id, subscriber)| *id == subscriber.id));
    }
    assert!(world.store.subscribers(&[], Consistency::Strong).await.unwrap().is_empty());
}

#[tokio::test]
async fn eventual_reads_cost_half() {
    let world = World::new().await;
    world.store.import(&people(20), &onto(&[LIST])).await.unwrap();
    let ids: Vec<SubscriberId> = world.members(LIST).await.iter().map(|member| member.id).collect();
    let _ = world.store.take_usage();
    world.store.subscribers(&ids, Consistency::Eventual).await.unwrap();
    assert_eq!(world.store.take_usage().read_units, 10.0);
    world.store.subscribers(&ids[..1], Consistency::Eventual).await.unwrap();
    assert_eq!(world.store.take_usage().read_units, 0.5);
}

#[tokio::test]
async fn leaving_a_list_takes_the_membership_and_the_count_with_it() {
    let world = World::new().await;
    let list = world.store.create_list("News", Optin::Single, NOW).await.unwrap().id;
    let ann = world.join("ann@example.org").await;
    world.join("bob@example.org").await;
    assert_eq!(world.store.list(list).await.unwrap().unwrap().subscribers, 2);

    let left = world.store.unsubscribe(ann.id, &[list]).await.unwrap().unwrap();
    assert_eq!(left.lists[&list], SubscriptionStatus::Unsubscribed);
    let again = world.store.unsubscribe(ann.id, &[list]).await.unwrap().unwrap();
    assert_eq!(again, left, "a second time changes nothing");
    assert_eq!(world.members(list).await.len(), 1);
    assert_eq!(world.store.list(list).await.unwrap().unwrap().subscribers, 1);
}

#[tokio::test]
async fn a_subscriber_can_come_back_and_joins_anew() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    world.store.unsubscribe(ann.id, &[LIST]).await.unwrap();
    let back = world.store.subscribe(ann.id, &[LIST], SubscriptionStatus::Confirmed, LATER).await.unwrap();
    assert_eq!(back.unwrap().lists[&LIST], SubscriptionStatus::Confirmed);
    assert_eq!(world.members(LIST).await, [Member { id: ann.id, joined_at: LATER }]);
}

#[tokio::test]
async fn confirming_keeps_the_day_of_joining() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    world.store.subscribe(ann.id, &[LIST], SubscriptionStatus::Unconfirmed, LATER).await.unwrap();
    world.store.subscribe(ann.id, &[LIST], SubscriptionStatus::Confirmed, LATER).await.unwrap();
    assert_eq!(world.members(LIST).await, [Member { id: ann.id, joined_at: NOW }]);
}

#[tokio::test]
async fn a_status_is_set_and_nobody_unknown_is_made_up() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    let blocked = world.store.set_subscriber_status(ann.id, SubscriberStatus::Blocklisted).await.unwrap();
    assert_eq!(blocked.unwrap().status, SubscriberStatus::Blocklisted);
    let stored = world.store.subscriber(ann.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.rev), (SubscriberStatus::Blocklisted, 1));
    let nobody = world.store.set_subscriber_status(SubscriberId::MAX, SubscriberStatus::Enabled).await;
    assert_eq!(nobody.unwrap(), None);
    assert_eq!(world.store.subscriber(SubscriberId::MAX).await.unwrap(), None);
}

#[tokio::test]
async fn deleting_takes_the_row_and_its_memberships_and_coming_back_is_new() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    assert!(world.store.delete_subscriber(ann.id).await.unwrap());
    assert!(!world.store.delete_subscriber(ann.id).await.unwrap());
    assert_eq!(world.store.find_subscriber(&ann.email).await.unwrap(), None);
    assert_eq!(world.members(LIST).await, []);
    let again = world.store.import(&[person("ann@example.org")], &onto(&[LIST])).await.unwrap();
    assert_eq!(again, [Imported::Created]);
    assert_eq!(world.members(LIST).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_of_one_person_at_once_all_count() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    let tasks = (2..8).map(|list| {
        let store = world.store.clone();
        tokio::spawn(async move {
            store.subscribe(ann.id, &[ListId(list)], SubscriptionStatus::Confirmed, NOW).await.unwrap()
        })
    });
    futures::future::join_all(tasks).await;
    let stored = world.store.subscriber(ann.id).await.unwrap().unwrap();
    let lists: HashSet<u64> = stored.lists.keys().map(|list| list.0).collect();
    assert_eq!(lists, (1..8).collect());
}
