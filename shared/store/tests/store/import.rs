//! Importing: twice, in parallel, over people who left.

use fanmail_domain::{EmailAddress, ListId, Optin, SubscriberId, SubscriberStatus, SubscriptionStatus};
use fanmail_store::{Import, Imported, NewSubscriber, Overwrite};

use crate::fixtures::{LATER, NOW, address, onto, people, person};
use crate::harness::World;

const LIST: [ListId; 1] = [ListId(1)];

#[tokio::test]
async fn importing_twice_leads_to_the_same_rows() {
    let world = World::new().await;
    let list = world.store.create_list("News", Optin::Single, NOW).await.unwrap().id;
    let rows = people(130);
    let first = world.store.import(&rows, &onto(&[list])).await.unwrap();
    assert_eq!(first, [Imported::Created; 130]);
    let _ = world.store.take_usage();
    let second = world.store.import(&rows, &Import { now: LATER, ..onto(&[list]) }).await.unwrap();
    assert_eq!(second, [Imported::Unchanged; 130]);
    assert_eq!(world.store.usage().write_units, 0.0, "nothing changed, so nothing is to be written");
    let members = world.members(list).await;
    assert_eq!((members.len(), members[0].joined_at), (130, NOW));
    assert_eq!(world.store.list(list).await.unwrap().unwrap().subscribers, 130);
}

#[tokio::test]
async fn fifty_new_people_are_one_transaction() {
    let world = World::new().await;
    world.store.import(&people(50), &onto(&LIST)).await.unwrap();
    let usage = world.store.usage();
    // One read of all, one transaction of 100 actions, one update of the list's counter.
    assert_eq!(usage.requests, 3);
    // DynamoDB Local reports four units for a transaction of any size.
    assert!(!world.is_embedded() || (200.0..=202.0).contains(&usage.write_units), "{usage:?}");
}

#[tokio::test]
async fn one_person_in_many_spellings_is_imported_once() {
    let world = World::new().await;
    let spellings = ["ann@example.org", " Ann@Example.ORG ", "bob@example.org", "ANN@example.org"];
    let rows: Vec<NewSubscriber> = spellings
        .iter()
        .enumerate()
        .map(|(number, email)| NewSubscriber { name: format!("Name {number}"), ..person(email) })
        .collect();
    let outcomes = world.store.import(&rows, &onto(&LIST)).await.unwrap();
    assert_eq!(outcomes, [Imported::Created, Imported::Duplicate, Imported::Created, Imported::Duplicate]);
    let overwriting = Import { overwrite: Overwrite::Yes, ..onto(&LIST) };
    let outcomes = world.store.import(&rows, &overwriting).await.unwrap();
    assert_eq!(outcomes[3], Imported::Updated);
    let ann = world.store.find_subscriber(&address("ann@example.org")).await.unwrap().unwrap();
    assert_eq!(ann.name, "Name 3");
    assert_eq!(world.members(ListId(1)).await.len(), 2);
}

#[tokio::test]
async fn whoever_left_is_not_brought_back() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    world.store.unsubscribe(ann.id, &LIST).await.unwrap();
    for overwrite in [Overwrite::No, Overwrite::Yes] {
        let how = Import { overwrite, ..onto(&LIST) };
        let outcomes = world.store.import(&[person("ann@example.org")], &how).await.unwrap();
        assert_eq!(outcomes, [Imported::KeptUnsubscribed], "{overwrite:?}");
    }
    let stored = world.store.subscriber(ann.id).await.unwrap().unwrap();
    assert_eq!(stored.lists[&ListId(1)], SubscriptionStatus::Unsubscribed);
    assert_eq!(world.members(ListId(1)).await, []);

    let both = [ListId(1), ListId(2)];
    let outcomes = world.store.import(&[person("ann@example.org")], &onto(&both)).await.unwrap();
    assert_eq!(outcomes, [Imported::KeptUnsubscribed]);
    assert_eq!((world.members(both[0]).await.len(), world.members(both[1]).await.len()), (0, 1));
}

#[tokio::test]
async fn whoever_is_blocklisted_stays_so() {
    let world = World::new().await;
    let ann = world.join("ann@example.org").await;
    world.store.set_subscriber_status(ann.id, SubscriberStatus::Blocklisted).await.unwrap();
    let how = Import { overwrite: Overwrite::Yes, ..onto(&[ListId(2)]) };
    let outcomes = world.store.import(&[person("ann@example.org")], &how).await.unwrap();
    assert_eq!(outcomes, [Imported::KeptBlocklisted]);
    let stored = world.store.subscriber(ann.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.lists.len()), (SubscriberStatus::Blocklisted, 1));
    assert_eq!(world.members(ListId(2)).await, []);
}

#[tokio::test]
async fn known_and_new_people_mix_in_one_import() {
    let world = World::new().await;
    let rows = people(120);
    world.store.import(&rows[..60], &onto(&LIST)).await.unwrap();
    let how = Import { standing: SubscriptionStatus::Unconfirmed, ..onto(&[ListId(1), ListId(2)]) };
    let outcomes = world.store.import(&rows, &how).await.unwrap();
    assert!(outcomes[..60].iter().all(|outcome| *outcome == Imported::Updated));
    assert!(outcomes[60..].iter().all(|outcome| *outcome == Imported::Created));
    assert_eq!((world.members(ListId(1)).await.len(), world.members(ListId(2)).await.len()), (120, 120));
    let known = world.store.find_subscriber(&rows[0].email).await.unwrap().unwrap();
    assert_eq!(known.lists[&ListId(1)], SubscriptionStatus::Confirmed, "an import downgrades nobody");
}

#[tokio::test]
async fn a_row_on_many_lists_fits_into_a_transaction() {
    let world = World::new().await;
    let lists: Vec<ListId> = (1..=90).map(ListId).collect();
    let outcomes = world.store.import(&people(3), &onto(&lists)).await.unwrap();
    assert_eq!(outcomes, [Imported::Created; 3]);
    assert_eq!(world.members(ListId(90)).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_file_imported_by_four_at_once_makes_each_person_once() {
    let world = World::new().await;
    let list = world.store.create_list("News", Optin::Single, NOW).await.unwrap().id;
    let imports = (0..4).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.import(&people(200), &onto(&[list])).await.unwrap() })
    });
    let answers: Vec<Vec<Imported>> =
        futures::future::join_all(imports).await.into_iter().map(Result::unwrap).collect();
    for number in 0..200 {
        let created = answers.iter().filter(|outcomes| outcomes[number] == Imported::Created).count();
        assert_eq!(created, 1, "person {number}");
    }
    assert_eq!(world.members(list).await.len(), 200);
    assert_eq!(world.store.list(list).await.unwrap().unwrap().subscribers, 200);
}

#[tokio::test]
async fn nobody_imported_is_nothing_done() {
    let world = World::new().await;
    assert_eq!(world.store.import(&[], &onto(&LIST)).await.unwrap(), []);
    assert_eq!(world.store.usage().requests, 0);
    let derived = SubscriberId::derive(&EmailAddress::parse("ann@example.org").unwrap(), 0);
    assert_eq!(world.store.subscriber(derived).await.unwrap(), None);
}
