//! Many subscribers at once: read by the stretch where they lie close, by name where they do not.

use fanmail_domain::{EmailAddress, ListId, Subscriber, SubscriberId};
use fanmail_engine::ports::{Audience, Consistency};
use fanmail_store::{NewSubscriber, Store};

use crate::fixtures::{onto, people};
use crate::harness::World;

/// Ids of one shard come thus far behind those of the one before.
const SHARD: u64 = 1 << 47;

/// Person 7 has an id near the beginning of shard 5, behind that of person 6.
fn in_one_shard(address: &EmailAddress, salt: u32) -> SubscriberId {
    let digits: String = address.expose().chars().filter(char::is_ascii_digit).collect();
    id(5 * SHARD + digits.parse::<u64>().unwrap() * 10 + u64::from(salt))
}

fn id(number: u64) -> SubscriberId {
    SubscriberId::from_number(number).unwrap()
}

/// The ids of every `step`th of the people below `count`.
fn every(step: usize, count: usize) -> Vec<SubscriberId> {
    people(count).iter().step_by(step).map(|person| in_one_shard(&person.email, 0)).collect()
}

async fn crowd(world: &World, rows: &[NewSubscriber]) -> Store {
    let store = world.store.clone().with_ids(in_one_shard);
    store.import(rows, &onto(&[ListId(1)])).await.unwrap();
    let _ = store.take_usage();
    store
}

/// Reads them, sees to it that exactly they were found, and answers the read units.
async fn read(store: &Store, ids: &[SubscriberId], consistency: Consistency) -> f64 {
    let found = store.subscribers(ids, consistency).await.unwrap();
    let mut found: Vec<SubscriberId> = found.values().map(|subscriber| subscriber.id).collect();
    found.sort();
    assert_eq!(found, ids);
    store.take_usage().read_units
}

#[tokio::test]
async fn neighbours_cost_their_bytes_and_not_half_a_unit_each() {
    let world = World::new().await;
    let store = crowd(&world, &people(100)).await;
    let units = read(&store, &every(1, 100), Consistency::Eventual).await;
    assert!((1.0..=3.5).contains(&units), "{units}");
    let strong = read(&store, &every(1, 100), Consistency::Strong).await;
    assert_eq!(strong, 2.0 * units);
    let half = read(&store, &every(2, 100), Consistency::Eventual).await;
    assert!((1.0..=4.0).contains(&half), "the rest of a thick stretch is read too: {half}");
}

#[tokio::test]
async fn whoever_is_scattered_among_many_is_asked_for_by_name() {
    let world = World::new().await;
    let store = crowd(&world, &people(400)).await;
    let scattered = every(8, 400);
    let units = read(&store, &scattered, Consistency::Eventual).await;
    let by_name = scattered.len() as f64 / 2.0;
    assert!((0.8 * by_name..=1.1 * by_name).contains(&units), "{units}");
    assert_eq!(
        read(&store, &scattered[..20], Consistency::Eventual).await,
        10.0,
        "a few never are a stretch"
    );
}

#[tokio::test]
async fn who_is_gone_is_no_reason_to_look_twice() {
    let world = World::new().await;
    let store = crowd(&world, &people(60)).await;
    for gone in [0, 17, 30, 59] {
        assert!(store.delete_subscriber(every(1, 60)[gone]).await.unwrap());
    }
    let _ = store.take_usage();
    let found = store.subscribers(&every(1, 60), Consistency::Eventual).await.unwrap();
    let gone: Vec<_> = every(1, 60).into_iter().filter(|id| !found.contains_key(id)).collect();
    assert_eq!(gone, [0, 17, 30, 59].map(|place| every(1, 60)[place]));
    assert!(store.take_usage().read_units < 2.5);
}

#[tokio::test]
async fn shards_are_read_apart_and_each_in_its_own_way() {
    let world = World::new().await;
    let thick = crowd(&world, &people(50)).await;
    let thin = world.store.clone().with_ids(|address, salt| {
        let shard = in_one_shard(address, salt).number() % 7;
        id((10 + shard) * SHARD + in_one_shard(address, salt).number() % SHARD)
    });
    thin.import(&people(70), &onto(&[ListId(1)])).await.unwrap();
    let mut ids: Vec<SubscriberId> =
        world.members(ListId(1)).await.into_iter().map(|member| member.id).collect();
    assert_eq!(ids.len(), 120);
    ids.push(id(60 * SHARD));
    ids.push(ids[3]);
    let found = thick.subscribers(&ids, Consistency::Strong).await.unwrap();
    assert_eq!(found.len(), 120);
    for (id, subscriber) in found {
        assert_eq!(one(&thick, id).await, subscriber);
    }
}

async fn one(store: &Store, id: SubscriberId) -> Subscriber {
    store.subscriber(id).await.unwrap().unwrap()
}

/// DynamoDB ends a page at a megabyte, wherever it is.
#[tokio::test]
async fn whoever_no_longer_fits_into_a_page_is_found_all_the_same() {
    let world = World::new().await;
    let heavy = |person| NewSubscriber { attribs: format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000)), ..person };
    let rows: Vec<NewSubscriber> = people(40).into_iter().map(heavy).collect();
    let store = crowd(&world, &rows).await;
    read(&store, &every(1, 40), Consistency::Eventual).await;
}
