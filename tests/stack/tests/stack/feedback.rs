//! What SES tells of messages, over the queue, into the ledger and the blocklist.

use std::collections::BTreeSet;
use std::time::Duration;

use fanmail_domain::{CampaignId, FailReason, LaneNo, RecipientState, SubscriberId, SubscriberStatus};
use fanmail_ses::stub::{Act, When};
use serde_json::Value;

use crate::harness::{
    By, Campaign, PATIENCE, Told, World, address, by_id, ends, eventually, id_of, people, sent, taken,
};

const BOUNCED: RecipientState = RecipientState::Failed(FailReason::Bounced);

impl World {
    /// Waits until a campaign's recipients have ended so.
    async fn until_ends(&self, id: CampaignId, wanted: [u64; 4]) {
        eventually(&format!("campaign {id} says {wanted:?}"), PATIENCE, async || {
            let now = ends(&self.view(id).await);
            if now == wanted { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// Waits until every event was taken down.
    async fn until_told(&self) {
        eventually("no event waits", PATIENCE, async || match self.count("feedback").await {
            0 => Ok(()),
            left => Err(left),
        })
        .await;
    }

    fn requests(&self) -> Vec<Value> {
        taken(self.ses.as_ref().unwrap())
    }
}

/// S4.2, S6.17: SES takes messages and its answers are lost; its events say so, and nobody decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_settle_doubt_by_themselves() {
    let world = World::on_ses().await;
    let list = world.list_of(&people("silent", 40)).await;
    // Each sender's first request may be the one for the account's quota.
    world.ses.as_ref().unwrap().script((0..6).map(|_| Act::Close(When::After)));
    let id = world.run(&Campaign::to([list]).batches_of(20)).await;
    let ended = ends(&world.until(id, "finished").await);
    assert!((4..=6).contains(&ended[3]) && ended[0] + ended[3] == 40, "{ended:?}");

    for (number, request) in world.requests().iter().enumerate() {
        let by = if number % 2 == 0 { By::Raw } else { By::Envelope };
        world.publish(request, Told::Send, by).await;
        world.publish(request, Told::Delivery, by).await;
    }
    world.until_ends(id, [40, 0, 0, 0]).await;
    world.until_told().await;
    let journal = world.journal(id).await;
    let settled = journal.iter().filter(|entry| entry.text.contains("was in_doubt, and is accepted now"));
    assert_eq!(settled.count() as u64, ended[3]);
    world.finish().await;
}

/// Who bounced for good or complained is written to no more; who bounced for now is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounces_and_complaints_keep_people_out_of_the_next_campaign() {
    let world = World::on_ses().await;
    let everybody = by_id(people("bounce", 30));
    let list = world.list_of(&everybody).await;
    let first = world.run(&Campaign::to([list]).batches_of(30)).await;
    assert_eq!(ends(&world.until(first, "finished").await), [30, 0, 0, 0]);
    let requests = world.requests();
    let tellings = [Told::HardBounce, Told::Suppressed, Told::Complaint, Told::SoftBounce, Told::Delivery];
    for (request, told) in requests.iter().zip(tellings) {
        world.publish(request, told, By::Raw).await;
    }
    world.until_ends(first, [28, 2, 0, 0]).await;
    world.until_told().await;

    let whose = |place: usize| world.id_at(address(&requests[place]));
    let failures = failures(&world, first).await;
    let words = |place: usize| failures.iter().find(|it| it.0 == whose(place)).unwrap().1.as_str();
    assert_eq!(
        words(0),
        "the provider's event: hard bounce: General: smtp; 550 5.1.1 <redacted> user unknown"
    );
    assert!(words(1).contains("OnAccountSuppressionList"), "{}", words(1));

    let second = world.run(&Campaign::to([list]).batches_of(30)).await;
    assert_eq!(ends(&world.until(second, "finished").await), [27, 0, 3, 0]);
    let skipped = world.ledger(second).await.in_state("skipped");
    assert_eq!(skipped, BTreeSet::from([whose(0), whose(1), whose(2)]));
    world.finish().await;
}

async fn failures(world: &World, id: CampaignId) -> Vec<(SubscriberId, String)> {
    let lanes = world.campaign(id).await.lanes;
    let mut told = Vec::new();
    for lane in 0..lanes {
        let page = world.stack().store.failures(id, LaneNo(lane), None).await.unwrap();
        told.extend(page.into_iter().map(|failure| (failure.subscriber, failure.text)));
    }
    told
}

/// S6.15.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_bounces_and_deliveries_in_any_order_every_bounce_wins() {
    let world = World::on_ses().await;
    let list = world.list_of(&people("order", 200)).await;
    // Unanswered, some are in doubt first: then both events write.
    world.ses.as_ref().unwrap().script((0..20).map(|_| Act::Close(When::After)));
    let id = world.run(&Campaign::to([list]).batches_of(100)).await;
    world.until(id, "finished").await;
    let (requests, orders) = (world.requests(), [[0, 1], [1, 0]]);
    assert_eq!(requests.len(), 200);
    let both = [Told::HardBounce, Told::Delivery];
    world.feed("feedback", false);
    for (number, request) in requests.iter().enumerate() {
        for place in orders[number % 2] {
            world.publish(request, both[place], By::Raw).await;
            world.publish(request, both[place], By::Raw).await;
        }
    }
    world.feed("feedback", true);
    world.until_told().await;
    assert_eq!(ends(&world.view(id).await), [0, 200, 0, 0]);
    assert!(world.ledger(id).await.states.values().all(|state| *state == BOUNCED));
    world.finish().await;
}

/// S6.16: the event is there before the answer of the request that it is about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_before_our_own_record_waits_for_it() {
    let world = World::on_ses().await;
    let everybody = by_id(people("early", 2));
    let list = world.list_of(&everybody).await;
    world.ses.as_ref().unwrap().script((0..3).map(|_| Act::Slow(Duration::from_secs(2))));
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    let request = eventually("SES has somebody's message", PATIENCE, async || {
        sent(world.ses.as_ref().unwrap()).into_iter().next().ok_or("nothing")
    })
    .await;
    let whose = world.id_at(address(&request));
    assert_eq!(world.ledger(id).await.states[&whose], RecipientState::Submitting);
    world.publish(&request, Told::HardBounce, By::Raw).await;
    eventually("the sender's batch keeps it waiting", PATIENCE, async || {
        let log = std::fs::read_to_string(world.stack().log("feedback")).unwrap_or_default();
        if log.contains("the event has to come again") { Ok(()) } else { Err(log) }
    })
    .await;
    assert_eq!(world.count("feedback").await, 1);
    // Nobody waits with that.
    let stored = world.stack().store.subscriber(whose).await.unwrap().unwrap();
    assert_eq!(stored.status, SubscriberStatus::Blocklisted);

    world.until(id, "finished").await;
    world.until_ends(id, [1, 1, 0, 0]).await;
    assert_eq!(world.ledger(id).await.states[&whose], BOUNCED);
    assert!(everybody.iter().any(|person| id_of(person) == whose));
    world.until_told().await;
    world.finish().await;
}

/// What nobody understands is set apart; SES's own announcements are not, and neither are other people's events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_event_ends_in_the_dead_letter_queue_and_hurts_nobody() {
    let world = World::on_ses_with(|config| {
        config.timeout = Duration::from_secs(3);
        config.max_receive_count = 2;
    })
    .await;
    let list = world.list_of(&people("healthy", 10)).await;
    let id = world.run(&Campaign::to([list]).batches_of(10)).await;
    world.until(id, "finished").await;
    let requests = world.requests();
    world.put("feedback", "no event").await;
    world.put("feedback", "Successfully validated SNS topic for Amazon SES event publishing.").await;
    world.publish(&requests[0], Told::HardBounce, By::Raw).await;
    world.put("feedback", r#"{"eventType":"Send","mail":{"destination":["ann@example.org"]"#).await;
    world.put("feedback", r#"{"eventType":"Send","mail":{"tags":{"order":["4711"]}}}"#).await;
    let mut strange = requests[1].clone();
    for tag in strange["EmailTags"].as_array_mut().unwrap() {
        tag["Value"] = "9".into();
    }
    world.publish(&strange, Told::Complaint, By::Envelope).await;
    world.publish(&requests[2], Told::HardBounce, By::Envelope).await;
    eventually("what is no event is set apart", PATIENCE, async || {
        let (dead, left) = (world.count("feedback-dead").await, world.count("feedback").await);
        if (dead, left) == (2, 0) { Ok(()) } else { Err((dead, left)) }
    })
    .await;
    assert_eq!(ends(&world.view(id).await), [8, 2, 0, 0]);
    world.finish().await;
}
