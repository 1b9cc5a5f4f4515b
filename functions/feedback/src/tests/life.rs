//! Events that come early, twice, in any order, or when nobody answers.

use std::time::Duration;

use fanmail_domain::{FailReason, RecipientState, SubscriberStatus};
use fanmail_engine::ports::Clock;
use fanmail_testkit::{Fault, Strike, World};

use super::{invoke, one_in_doubt, recorded, sqs, state};
use crate::counts::Counts;
use crate::handler;

const BOUNCED: RecipientState = RecipientState::Failed(FailReason::Bounced);

/// A campaign whose sender died with the provider's answers: the batch is held, everybody is *submitting*.
async fn held() -> World {
    let probe = World::new(4, 4);
    probe.start().await;
    probe.drive().await;
    let submit = probe.calls().iter().position(|call| *call == "submit").unwrap();
    let world = World::new(4, 4).with_fault(Fault { at_call: submit, strike: Strike::DeathAfter });
    world.start().await;
    world.step().await.unwrap();
    assert!(world.step().await.is_err(), "the sender was to die");
    world.drop_delayed_tasks();
    world
}

#[tokio::test]
async fn an_event_for_a_held_batch_goes_back_and_is_not_counted() {
    let world = held().await;
    let (back, counts) = invoke(&world, &[&recorded("bounce-permanent-general")]).await;
    assert_eq!((back, counts), (vec!["0".to_owned()], Counts::default()));
    assert_eq!(state(&world).await, RecipientState::Submitting);
    // Nobody has to wait for the ledger to be left alone by others.
    let bounced = world.subscriber_ids()[1];
    assert_eq!(world.subscriber_now(bounced).status, SubscriberStatus::Blocklisted);

    world.pass_ms(40_000);
    assert_eq!(world.sweep().await.unwrap().unwrap().leases_expired, 1);
    let (back, counts) = invoke(&world, &[&recorded("bounce-permanent-general")]).await;
    assert_eq!((back, counts.hard_bounces, counts.settled), (vec![], 1, 1));
    assert_eq!(state(&world).await, BOUNCED);
}

#[tokio::test]
async fn the_worse_outcome_stands_whatever_the_order_and_however_often() {
    let events = ["send", "delivery", "bounce-permanent-general"].map(recorded);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (world, _) = one_in_doubt().await;
        let bodies = order.map(|place: usize| events[place].as_str());
        let (back, _) = invoke(&world, &bodies).await;
        assert_eq!((back, state(&world).await), (vec![], BOUNCED), "{order:?}");
        let writes = world.count_calls("count_batch");
        let (_, again) = invoke(&world, &bodies).await;
        assert_eq!((again.settled, world.count_calls("count_batch")), (0, writes), "{order:?}");
    }
}

#[tokio::test]
async fn events_of_one_batch_cost_one_read_and_see_what_the_ones_before_wrote() {
    let (world, _) = one_in_doubt().await;
    let of = |name, position| recorded(name).replace("\"position\": [\n        \"1\"", position);
    let position = |number: u32| format!("\"position\": [\n        \"{number}\"");
    let bodies = [
        of("delivery", &position(0)),
        of("send", &position(1)),
        of("bounce-permanent-general", &position(2)),
        of("delivery", &position(2)),
        of("delivery", &position(9)),
        of("bounce-permanent-general", &position(1)),
    ];
    let before = (world.count_calls("batch"), world.count_calls("count_batch"));
    let (back, counts) = invoke(&world, &bodies.each_ref().map(String::as_str)).await;
    let after = (world.count_calls("batch"), world.count_calls("count_batch"));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 3));
    assert_eq!((back, counts.settled, counts.unknown), (vec![], 3, 1));
    let tally = world.check().tally;
    assert_eq!((tally.named("accepted"), tally.named("failed")), (2, 2));
}

#[tokio::test]
async fn the_words_of_a_bounce_are_kept_without_the_address() {
    let words = async |name| {
        let (world, id) = one_in_doubt().await;
        invoke(&world, &[&recorded(name)]).await;
        world.failure_text(id).unwrap()
    };
    assert_eq!(
        words("bounce-permanent-general").await,
        "the provider's event: hard bounce: General: smtp; 550 5.1.1 <redacted> user <redacted> unknown"
    );
    assert_eq!(words("bounce-permanent-no-email").await, "the provider's event: hard bounce: NoEmail");
    assert_eq!(words("reject").await, "the provider's event: reject: Bad content");
}

#[tokio::test]
async fn a_store_that_stays_silent_sends_events_back_and_time_that_is_up_does_too() {
    let (world, _) = one_in_doubt().await;
    let now = world.now();
    let bodies = [recorded("send"), recorded("delivery")];
    let (response, counts) = handler::take_down(&world, &world, now, sqs(&[&bodies[0], &bodies[1]])).await;
    assert_eq!((response.unwrap().batch_item_failures.len(), counts), (2, Counts::default()));

    let at_call = world.calls().len();
    let world = world.with_fault(Fault { at_call, strike: Strike::ErrorBefore });
    let until = now.after(Duration::from_millis(1));
    let (response, counts) = handler::take_down(&world, &world, until, sqs(&[&bodies[0]])).await;
    assert_eq!((response.unwrap().batch_item_failures.len(), counts), (1, Counts::default()));
    assert!(world.struck().is_some());
}
