//! What the provider's events change (S4.2, S6.15, S6.16).

use fanmail_domain::{CampaignStatus, FailReason, LaneNo, RecipientState, SubscriberId, SubscriberStatus};
use fanmail_engine::ports::Clock;
use fanmail_engine::settle::{EventKind, ProviderEvent, Settled, settle};
use fanmail_testkit::{Answer, CAMPAIGN, Strike, World};

use crate::support::{faulty, nth_call, run, with_a_dead_sender};

const BOUNCED: RecipientState = RecipientState::Failed(FailReason::Bounced);

/// A finished campaign; the provider took everybody's message, but its answer on the second was lost.
async fn one_in_doubt() -> (World, SubscriberId) {
    let world = World::new(12, 4);
    let id = world.subscriber_ids()[1];
    world.answer(id, &[Answer::TakeAndFallSilent]);
    assert_eq!(run(&world).await.count("in_doubt"), 1);
    (world, id)
}

fn changed(from: RecipientState, to: RecipientState) -> Settled {
    Settled::Changed { from, to }
}

#[tokio::test]
async fn an_event_that_follows_acceptance_settles_a_doubt() {
    for kind in [EventKind::Send, EventKind::Delivery, EventKind::SoftBounce, EventKind::Open] {
        let (world, id) = one_in_doubt().await;
        let settled = world.tell(id, kind).await.unwrap();
        assert_eq!(settled, changed(RecipientState::InDoubt, RecipientState::Accepted), "{kind:?}");
        let outcome = world.check();
        assert_eq!((outcome.tally.named("accepted"), outcome.tally.named("in_doubt")), (12, 0));
        let told = format!("was in_doubt, and is accepted now: the provider's event: {}", kind.name());
        let said = |(actor, text): &(_, String)| actor == "provider" && text.contains(&told);
        assert!(world.journal().iter().any(said), "{:?}", world.journal());
    }
}

#[tokio::test]
async fn of_a_bounce_and_a_delivery_the_bounce_wins_in_either_order() {
    let world = World::new(200, 50);
    run(&world).await;
    for (place, id) in world.subscriber_ids().into_iter().enumerate() {
        let (bounce, delivery) = (EventKind::HardBounce, EventKind::Delivery);
        let order = if place % 2 == 0 { [bounce, delivery] } else { [delivery, bounce] };
        for kind in order {
            world.tell(id, kind).await.unwrap();
        }
    }
    let outcome = world.check();
    assert!(outcome.states.values().all(|state| *state == BOUNCED), "{:?}", outcome.tally);
    assert_eq!((outcome.tally.named("failed"), outcome.tally.total()), (200, 200));
}

#[tokio::test]
async fn of_a_bounce_and_a_delivery_at_once_the_bounce_wins() {
    // At each call of the one, the other comes in between; and the doubt makes both of them write.
    let both = [(EventKind::Delivery, EventKind::HardBounce), (EventKind::HardBounce, EventKind::Delivery)];
    for (slow, fast) in both {
        let (undisturbed, id) = one_in_doubt().await;
        let before = undisturbed.calls().len();
        undisturbed.tell(id, slow).await.unwrap();
        for at_call in before..undisturbed.calls().len() {
            let (world, id) = one_in_doubt().await;
            let world = if fast == EventKind::HardBounce {
                world.interrupted(at_call, |world| Box::pin(tell_second(world, EventKind::HardBounce)))
            } else {
                world.interrupted(at_call, |world| Box::pin(tell_second(world, EventKind::Delivery)))
            };
            world.tell(id, slow).await.unwrap();
            assert!(world.struck().is_some());
            assert_eq!(world.check().states[&id], BOUNCED, "{slow:?} met {fast:?} at call {at_call}");
        }
    }
}

async fn tell_second(world: &World, kind: EventKind) {
    world.tell(world.subscriber_ids()[1], kind).await.unwrap();
}

#[tokio::test]
async fn an_event_that_comes_again_changes_nothing() {
    let (world, id) = one_in_doubt().await;
    for kind in [EventKind::Send, EventKind::HardBounce] {
        world.tell(id, kind).await.unwrap();
        let (writes, lines) = (world.count_calls("count_batch"), world.journal().len());
        for _ in 0..3 {
            assert_eq!(world.tell(id, kind).await.unwrap(), Settled::Unchanged);
        }
        assert_eq!((world.count_calls("count_batch"), world.journal().len()), (writes, lines), "{kind:?}");
    }
    assert_eq!(world.tell(id, EventKind::Delivery).await.unwrap(), Settled::Unchanged);
    assert_eq!(world.check().states[&id], BOUNCED);
}

#[tokio::test]
async fn an_event_that_comes_before_our_own_record_is_put_off() {
    let probe = World::new(12, 12);
    run(&probe).await;
    let second_window = nth_call(&probe, "submit", 5);
    let world = World::new(12, 12).interrupted(second_window, |world| {
        Box::pin(async {
            let first = world.subscriber_ids()[0];
            assert_eq!(world.tell(first, EventKind::HardBounce).await.unwrap(), Settled::Later);
        })
    });
    run(&world).await;
    let first = world.subscriber_ids()[0];
    let settled = world.tell(first, EventKind::HardBounce).await.unwrap();
    assert_eq!(settled, changed(RecipientState::Accepted, BOUNCED));
    assert_eq!(world.check().tally.named("failed"), 1);
}

#[tokio::test]
async fn an_event_for_what_a_dead_sender_held_settles_it_when_the_lease_is_over() {
    let world = with_a_dead_sender().await;
    let first = world.subscriber_ids()[0];
    assert_eq!(world.tell(first, EventKind::Send).await.unwrap(), Settled::Later);
    world.pass_ms(40_000);
    assert_eq!(world.sweep().await.unwrap().unwrap().leases_expired, 1);
    let settled = world.tell(first, EventKind::Send).await.unwrap();
    assert_eq!(settled, changed(RecipientState::InDoubt, RecipientState::Accepted));
    world.work_off().await;
    let states = world.batches().into_iter().flat_map(|batch| batch.entries);
    let mine = states.filter(|entry| entry.subscriber == first).map(|entry| entry.attempts);
    assert_eq!(mine.collect::<Vec<_>>(), [1], "submitted again");
}

#[tokio::test]
async fn a_late_event_on_somebody_who_waits_for_a_second_copy_prevents_it() {
    let (world, id) = one_in_doubt().await;
    world.retry("in_doubt").await;
    world.step().await.unwrap();
    let settled = world.tell(id, EventKind::Send).await.unwrap();
    assert_eq!(settled, changed(RecipientState::Pending, RecipientState::Accepted));
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 12));
    assert_eq!(world.count_calls("submit"), 12, "a second copy left");
}

#[tokio::test]
async fn a_hard_bounce_and_a_complaint_blocklist_and_nothing_else_does() {
    let world = World::new(10, 10);
    run(&world).await;
    let kinds = [
        EventKind::HardBounce,
        EventKind::Complaint,
        EventKind::SoftBounce,
        EventKind::Delivery,
        EventKind::DeliveryDelay,
        EventKind::Reject,
        EventKind::RenderingFailure,
        EventKind::Open,
        EventKind::Click,
        EventKind::Send,
    ];
    let ids = world.subscriber_ids();
    for (id, kind) in ids.iter().zip(kinds) {
        world.tell(*id, kind).await.unwrap();
        let blocked = world.subscriber_now(*id).status == SubscriberStatus::Blocklisted;
        assert_eq!(blocked, matches!(kind, EventKind::HardBounce | EventKind::Complaint), "{kind:?}");
    }
    let names =
        ids.iter().map(|id| world.batches()[0].entries.iter().find(|it| it.subscriber == *id).copied());
    let names: Vec<_> = names.map(|entry| entry.unwrap().state.name()).collect();
    let failed: Vec<_> =
        names.iter().enumerate().filter(|(_, name)| **name == "failed").map(|it| it.0).collect();
    assert_eq!(failed, [0, 5, 6], "{names:?}");
}

#[tokio::test]
async fn a_complaint_blocklists_even_while_the_batch_is_held() {
    let world = with_a_dead_sender().await;
    let first = world.subscriber_ids()[0];
    assert_eq!(world.tell(first, EventKind::Complaint).await.unwrap(), Settled::Later);
    assert_eq!(world.subscriber_now(first).status, SubscriberStatus::Blocklisted);
}

#[tokio::test]
async fn an_error_at_any_call_of_an_event_counts_nobody_twice() {
    let (undisturbed, id) = one_in_doubt().await;
    let before = undisturbed.calls().len();
    undisturbed.tell(id, EventKind::HardBounce).await.unwrap();
    for strike in [Strike::ErrorBefore, Strike::ErrorAfter] {
        for at_call in before..undisturbed.calls().len() {
            let (world, id) = one_in_doubt().await;
            let world = faulty(world, at_call, strike);
            let settled = world.tell(id, EventKind::HardBounce).await.unwrap();
            assert_eq!(settled, changed(RecipientState::InDoubt, BOUNCED), "{strike:?}, call {at_call}");
            let tally = world.check().tally;
            assert_eq!((tally.named("failed"), tally.named("accepted")), (1, 11));
            assert_eq!(world.failure_text(id).unwrap(), "the provider's event: hard bounce");
        }
    }
}

#[tokio::test]
async fn an_event_for_a_place_that_does_not_exist_is_unknown() {
    let (world, id) = one_in_doubt().await;
    let (mut batch, position) = world.place_of(CAMPAIGN, id);
    let until = world.now().after(std::time::Duration::from_secs(30));
    let kind = EventKind::Send;
    let beyond = ProviderEvent { batch, position: 99, kind };
    assert_eq!(settle(&world, &world, until, beyond).await.unwrap(), Settled::Unknown);
    batch.lane = LaneNo(60);
    let elsewhere = ProviderEvent { batch, position, kind };
    assert_eq!(settle(&world, &world, until, elsewhere).await.unwrap(), Settled::Unknown);
    assert_eq!(world.check().count("in_doubt"), 1);
}
