//! Who gets it: blocklists, opt-ins, people who come and go, people who are there several times.

use bytes::Bytes;
use fanmail_domain::{ListId, Optin, RecipientState, SkipReason, SubscriberStatus, SubscriptionStatus};
use fanmail_store::NewSubscriber;
use serde_json::{Value, json};

use crate::harness::{Campaign, Side, World, by_id, ends, id_of, people};

/// S1.1: sends to `count` people in batches of 100, of whom those at the places that `blocked` picks are
/// blocklisted.
async fn blocklisted(world: &World, name: &str, count: usize, blocked: impl Fn(usize) -> bool) {
    let mut all = by_id(people(name, count));
    for (place, person) in all.iter_mut().enumerate().filter(|(place, _)| blocked(*place)) {
        assert!(place < count);
        person.status = SubscriberStatus::Blocklisted;
    }
    let list = world.list_of(&all).await;
    let id = world.run(&Campaign::to([list])).await;
    let view = world.until(id, "finished").await;
    let skipped = (0..count).filter(|place| blocked(*place)).count() as u64;
    assert_eq!(ends(&view), [count as u64 - skipped, 0, skipped, 0], "{name}");
    assert_eq!(view.reasons.get("skipped:blocklisted").copied().unwrap_or_default(), skipped, "{name}");
    let ledger = world.ledger(id).await;
    for (place, person) in all.iter().enumerate() {
        let skipped = ledger.states[&id_of(person)] == RecipientState::Skipped(SkipReason::Blocklisted);
        assert_eq!(skipped, blocked(place), "{name}: place {place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_with_most_people_blocklisted_reaches_the_others() {
    let world = World::start().await;
    blocklisted(&world, "middle", 1_000, |place| (200..800).contains(&place)).await;
    assert_eq!(world.inbox().accepted(), 400);
    blocklisted(&world, "all", 300, |_| true).await;
    assert_eq!(world.inbox().accepted(), 400, "somebody got mail though all are blocklisted");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_batches_of_blocklisted_people_stop_nothing() {
    let world = World::start().await;
    tokio::join!(
        blocklisted(&world, "first", 300, |place| place < 100),
        blocklisted(&world, "last", 300, |place| place >= 200),
        blocklisted(&world, "alternate", 300, |place| place.is_multiple_of(2)),
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_opt_in_list_reaches_only_who_confirmed() {
    let world = World::start().await;
    let list = world.list(Optin::Double).await;
    world.subscribe(list, &people("yes", 120), SubscriptionStatus::Confirmed).await;
    world.subscribe(list, &people("maybe", 180), SubscriptionStatus::Unconfirmed).await;
    let id = world.run(&Campaign::to([list])).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [120, 0, 180, 0]);
    assert_eq!(view.reasons["skipped:unconfirmed"], 180);
    assert!(world.inbox().recipients().keys().all(|address| address.starts_with("yes-")));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_audience_of_nobody_finishes() {
    let world = World::start().await;
    let list = world.list(Optin::Single).await;
    let id = world.run(&Campaign::to([list])).await;
    let view = world.until(id, "finished").await;
    assert_eq!((ends(&view), view.audience), ([0; 4], 0));
    world.finish().await;
}

/// S1.7.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lacks_a_variable_of_the_template_fails_alone_and_with_words() {
    let world = World::start().await;
    let mut all = by_id(people("anybody", 250));
    for place in [0, 120, 249] {
        all[place].attribs = "{}".into();
    }
    let list = world.list_of(&all).await;
    let html = "<p>How is {{ subscriber.attribs.city }}?</p>";
    let id = world.run(&Campaign { html, ..Campaign::to([list]) }).await;
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [247, 3, 0, 0]);
    assert_eq!(view.reasons["failed:render"], 3);
    let failures = world.stack().store.failures(id, fanmail_domain::LaneNo(0), None).await.unwrap();
    let told: Vec<_> = failures.iter().map(|failure| failure.subscriber).collect();
    assert_eq!(told, [0, 120, 249].map(|place| id_of(&all[place])));
    assert!(failures.iter().all(|failure| failure.text.contains("undefined")), "{failures:?}");
    world.finish().await;
}

/// S6.7: people come and go while the sender already has the batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_before_their_turn_gets_nothing_and_who_joins_after_the_start_neither() {
    let world = World::with(|config| config.concurrency = 1).await;
    let all = by_id(people("crowd", 60));
    let list = world.list_of(&all).await;
    let mut planning =
        world.proxy.hold(Side::Before, 0, |call| call.is_of("start") && call.is("Query", "L#"));
    let mut reading = world.proxy.hold(Side::Before, 0, |call| call.is_of("sender") && call.reads_people());
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    planning.reached().await;
    let late = people("late", 40);
    world.subscribe(list, &late, SubscriptionStatus::Confirmed).await;
    planning.release();
    reading.reached().await;
    let store = &world.stack().store;
    store.unsubscribe(id_of(&all[3]), &[list]).await.unwrap();
    assert!(store.delete_subscriber(id_of(&all[25])).await.unwrap());
    world.set_status(&all[41], SubscriberStatus::Blocklisted).await;
    world.set_status(&all[59], SubscriberStatus::Disabled).await;
    world.subscribe(list, &people("later", 5), SubscriptionStatus::Confirmed).await;
    reading.release();
    let view = world.until(id, "finished").await;
    assert_eq!(ends(&view), [56, 0, 4, 0], "{view:?}");
    for reason in ["unsubscribed", "gone", "blocklisted", "disabled"] {
        assert_eq!(view.reasons[&format!("skipped:{reason}")], 1, "{reason}");
    }
    assert!(world.inbox().recipients().keys().all(|address| address.starts_with("crowd-")));
    // S4.7: the page shows who is gone, without what is gone.
    let page = format!("/api/campaigns/{id}/recipients?state=skipped");
    let page: Value = world.api.get(&page).await.unwrap();
    let gone = page["results"].as_array().unwrap().iter().find(|row| row["reason"] == "gone").unwrap();
    assert_eq!((gone["id"].as_u64(), &gone["email"]), (Some(id_of(&all[25]).number()), &Value::Null));
    world.finish().await;
}

/// listmonk's import over HTTP.
async fn import(world: &World, list: ListId, rows: &[String]) -> Value {
    let params = json!({ "mode": "subscribe", "subscription_status": "confirmed", "lists": [list] });
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"params\"\r\n\r\n{params}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\n\
         email,name\n{}\r\n--b--\r\n",
        rows.join("\n"),
    );
    let kind = "multipart/form-data; boundary=b";
    world.api.request("POST", "/api/import/subscribers", kind, Bytes::from(body)).await.unwrap()
}

/// S6.8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_people_on_three_lists_in_other_spellings_get_one_copy() {
    let world = World::start().await;
    let addresses: Vec<String> = people("same", 120).iter().map(address).collect();
    let mut lists = Vec::new();
    for spelling in [
        |address: &String| address.clone(),
        |address: &String| address.to_uppercase(),
        |address: &String| format!("\"  {} \"", address.replace("same", "SaMe")),
    ] {
        let list = world.list(Optin::Single).await;
        let rows: Vec<String> = addresses.iter().map(|it| format!("{},Sam", spelling(it))).collect();
        import(&world, list, &rows).await;
        import(&world, list, &rows[..10]).await;
        lists.push(list);
    }
    let id = world.run(&Campaign::to(lists)).await;
    let view = world.until(id, "finished").await;
    assert_eq!((ends(&view), view.audience), ([120, 0, 0, 0], 120));
    assert_eq!(world.inbox().accepted(), 120);
    world.finish().await;
}

fn address(person: &NewSubscriber) -> String {
    crate::harness::address_of(person)
}
