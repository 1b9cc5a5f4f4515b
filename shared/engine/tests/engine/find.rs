//! Finding one recipient among all.

use fanmail_domain::{Campaign, SubscriberId};
use fanmail_engine::control::{Controlled, start};
use fanmail_engine::find::{Whereabouts, find_recipient};
use fanmail_testkit::{CAMPAIGN, Fault, LIST, Strike, World, address};

/// A campaign in four lanes whose audience is sealed.
async fn in_four_lanes(recipients: u64) -> World {
    let world = World::new(recipients, 3);
    world.claim_size(10_000);
    let started = start(&world, &world, &world, &world.order()).await.unwrap();
    assert!(matches!(started, Controlled::Done(Campaign { lanes: 4, .. })), "{started:?}");
    world.drive().await;
    world
}

async fn find(world: &World, id: SubscriberId) -> Whereabouts {
    find_recipient(world, &world.campaign_now(CAMPAIGN), id).await.unwrap()
}

#[tokio::test]
async fn everybody_is_found_where_the_ledger_has_them() {
    let world = in_four_lanes(301).await;
    let mut places = std::collections::BTreeSet::new();
    for id in world.subscriber_ids() {
        let Whereabouts::Here(place) = find(&world, id).await else { panic!("{id} is not found") };
        assert_eq!(place.batch.entries[place.position], place.entry);
        assert_eq!((place.entry.subscriber, place.entry.state.name()), (id, "accepted"));
        assert!(
            places.insert((place.batch.id, place.position)),
            "two at {} {}",
            place.batch.id,
            place.position
        );
    }
    let lanes: std::collections::BTreeSet<_> = places.iter().map(|(batch, _)| batch.lane).collect();
    assert_eq!((places.len(), lanes.len()), (301, 4));
}

#[tokio::test]
async fn a_search_reads_one_lane_and_a_batch_per_halving() {
    let world = in_four_lanes(301).await;
    let ids = world.subscriber_ids();
    let (batches, lanes) = (world.count_calls("batch"), world.count_calls("lane"));
    for id in &ids {
        find(&world, *id).await;
    }
    // 301 recipients in batches of three: less than 32 batches in each of the four lanes.
    assert!(world.count_calls("batch") - batches <= 5 * ids.len());
    assert_eq!(world.count_calls("lane") - lanes, ids.len());
}

#[tokio::test]
async fn who_is_in_no_batch_is_nowhere() {
    let world = in_four_lanes(60).await;
    let ids = world.subscriber_ids();
    let between = ids.windows(2).map(|pair| pair[0].number().midpoint(pair[1].number()));
    for number in between.chain([0, SubscriberId::MAX.number()]) {
        let id = SubscriberId::from_number(number).unwrap();
        assert_eq!(find(&world, id).await, Whereabouts::Nowhere, "{id}");
    }
    let late = world.add_subscriber(999, LIST);
    assert_eq!(find(&world, late).await, Whereabouts::Nowhere);
}

#[tokio::test]
async fn before_the_start_nobody_is_planned_yet() {
    let world = World::new(3, 3);
    let anybody = SubscriberId::derive(&address(0), 0);
    assert_eq!(find(&world, anybody).await, Whereabouts::NotPlannedYet);
}

#[tokio::test]
async fn behind_the_cursor_of_a_lane_that_is_still_planned_the_answer_is_not_yet() {
    // The fan-out dies at its second page: ten batches of one are planned, of 30 recipients.
    let probe = World::new(30, 1);
    probe.start().await;
    probe.step().await.unwrap();
    let pages = probe.calls().into_iter().enumerate().filter(|(_, call)| *call == "write_page");
    let at_call = pages.map(|(at, _)| at).nth(1).unwrap();
    let world = World::new(30, 1).with_fault(Fault { at_call, strike: Strike::DeathBefore });
    world.start().await;
    assert!(world.step().await.is_err(), "the fan-out was to die");

    let ids = world.subscriber_ids();
    for (place, id) in ids.iter().enumerate() {
        match find(&world, *id).await {
            Whereabouts::Here(_) => assert!(place < 10, "{place} is planned"),
            Whereabouts::NotPlannedYet => assert!(place >= 10, "{place} is not planned"),
            Whereabouts::Nowhere => panic!("{place} is to be planned yet"),
        }
    }
    let between = SubscriberId::from_number(ids[0].number().midpoint(ids[1].number())).unwrap();
    assert_eq!(find(&world, between).await, Whereabouts::Nowhere);
}
