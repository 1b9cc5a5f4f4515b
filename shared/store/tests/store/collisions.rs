//! Two addresses on one id: what 53 bits of SHA-256 hardly ever do, and a derivation of ours always.

use fanmail_domain::{EmailAddress, ListId, SubscriberId};
use fanmail_store::{Import, Imported, NewSubscriber, Overwrite, Store};

use crate::fixtures::{address, onto, people, person};
use crate::harness::World;

const LIST: [ListId; 1] = [ListId(1)];

/// Everybody derives the same sequence: 1000, 1001 and so on.
fn colliding(_: &EmailAddress, salt: u32) -> SubscriberId {
    SubscriberId::from_number(1_000 + u64::from(salt)).unwrap()
}

fn store(world: &World) -> Store {
    world.store.clone().with_ids(colliding)
}

async fn id_of(store: &Store, email: &str) -> Option<u64> {
    store.find_subscriber(&address(email)).await.unwrap().map(|found| found.id.number())
}

async fn ids_of(store: &Store, email: &str) -> Vec<u64> {
    let ids = store.ids_of(&address(email)).await.unwrap();
    ids.into_iter().map(SubscriberId::number).collect()
}

#[tokio::test]
async fn the_later_address_takes_the_next_id_and_both_are_found() {
    let world = World::new().await;
    let store = store(&world);
    for email in ["ann@example.org", "bob@example.org", "eve@example.org"] {
        assert_eq!(store.import(&[person(email)], &onto(&LIST)).await.unwrap(), [Imported::Created]);
    }
    assert_eq!(id_of(&store, "ann@example.org").await, Some(1_000));
    assert_eq!(id_of(&store, "bob@example.org").await, Some(1_001));
    assert_eq!(id_of(&store, "eve@example.org").await, Some(1_002));
    assert_eq!(id_of(&store, "dan@example.org").await, None);
    let again = store.import(&[person("bob@example.org")], &onto(&LIST)).await.unwrap();
    assert_eq!(again, [Imported::Unchanged]);
}

#[tokio::test]
async fn addresses_that_collide_within_one_import_all_get_a_row() {
    let world = World::new().await;
    let store = store(&world);
    let outcomes = store.import(&people(6), &onto(&LIST)).await.unwrap();
    assert_eq!(outcomes, [Imported::Created; 6]);
    assert_eq!(world.members(ListId(1)).await.len(), 6);
    for row in people(6) {
        assert!(store.find_subscriber(&row.email).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn whoever_is_passed_by_can_be_deleted_without_losing_the_later_one() {
    let world = World::new().await;
    let store = store(&world);
    for email in ["ann@example.org", "bob@example.org"] {
        store.import(&[person(email)], &onto(&LIST)).await.unwrap();
    }
    assert!(store.delete_subscriber(colliding(&address("ann@example.org"), 0)).await.unwrap());
    assert_eq!(id_of(&store, "ann@example.org").await, None);
    assert_eq!(id_of(&store, "bob@example.org").await, Some(1_001));
    let again = store.import(&[person("bob@example.org")], &onto(&LIST)).await.unwrap();
    assert_eq!(again, [Imported::Unchanged], "bob would get everything twice");
    let back = store.import(&[person("ann@example.org")], &onto(&LIST)).await.unwrap();
    assert_eq!((back, id_of(&store, "ann@example.org").await), (vec![Imported::Created], Some(1_002)));
}

#[tokio::test]
async fn the_ids_of_an_address_are_its_own_or_those_it_may_have_had() {
    let world = World::new().await;
    let store = store(&world);
    for email in ["ann@example.org", "bob@example.org"] {
        store.import(&[person(email)], &onto(&LIST)).await.unwrap();
    }
    assert_eq!(ids_of(&store, "bob@example.org").await, [1_001]);
    assert_eq!(ids_of(&store, "eve@example.org").await, [1_002], "ids that others have are not hers");
    assert!(store.delete_subscriber(colliding(&address("ann@example.org"), 0)).await.unwrap());
    assert_eq!(ids_of(&store, "ann@example.org").await, [1_000, 1_002]);
    assert_eq!(ids_of(&store, "bob@example.org").await, [1_001]);
}

#[tokio::test]
async fn a_change_keeps_the_mark_of_being_passed_by() {
    let world = World::new().await;
    let store = store(&world);
    for email in ["ann@example.org", "bob@example.org"] {
        store.import(&[person(email)], &onto(&LIST)).await.unwrap();
    }
    let renamed = NewSubscriber { name: "New".into(), ..person("ann@example.org") };
    let how = Import { overwrite: Overwrite::Yes, ..onto(&LIST) };
    assert_eq!(store.import(&[renamed], &how).await.unwrap(), [Imported::Updated]);
    let ann = store.find_subscriber(&address("ann@example.org")).await.unwrap().unwrap();
    store.unsubscribe(ann.id, &LIST).await.unwrap();
    assert!(store.delete_subscriber(ann.id).await.unwrap());
    assert_eq!(id_of(&store, "bob@example.org").await, Some(1_001));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn colliding_addresses_imported_at_once_all_get_a_row() {
    let world = World::new().await;
    let imports = (0..6).map(|number| {
        let store = store(&world);
        let row = person(&format!("person{number}@example.org"));
        tokio::spawn(async move { store.import(&[row], &onto(&LIST)).await.unwrap() })
    });
    for outcome in futures::future::join_all(imports).await {
        assert_eq!(outcome.unwrap(), [Imported::Created]);
    }
    assert_eq!(world.members(ListId(1)).await.len(), 6);
}
