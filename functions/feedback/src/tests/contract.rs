//! Every type of event in its recorded form, and everything else that may be on the queue.

use std::collections::BTreeSet;

use fanmail_domain::{FailReason, RecipientState, SubscriberStatus};

use super::{enveloped, invoke, one_in_doubt, recorded, state};
use crate::counts::Counts;

const DOUBT: RecipientState = RecipientState::InDoubt;
const TAKEN: RecipientState = RecipientState::Accepted;
const BOUNCED: RecipientState = RecipientState::Failed(FailReason::Bounced);
const REFUSED: RecipientState = RecipientState::Failed(FailReason::Rejected);

/// What a recorded event makes of somebody in doubt: the state, whether they are blocklisted, and the counters
/// of deliveries, hard and soft bounces, complaints, settled and unknown.
const EVENTS: [(&str, RecipientState, bool, [u32; 6]); 26] = [
    ("send", TAKEN, false, [0, 0, 0, 0, 1, 0]),
    ("delivery", TAKEN, false, [1, 0, 0, 0, 1, 0]),
    ("delivery-delay", TAKEN, false, [0, 0, 0, 0, 1, 0]),
    ("bounce-permanent-general", BOUNCED, true, [0, 1, 0, 0, 1, 0]),
    ("bounce-permanent-no-email", BOUNCED, true, [0, 1, 0, 0, 1, 0]),
    ("bounce-permanent-suppressed", BOUNCED, true, [0, 1, 0, 0, 1, 0]),
    ("bounce-permanent-on-account-suppression-list", BOUNCED, true, [0, 1, 0, 0, 1, 0]),
    ("bounce-transient-general", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("bounce-transient-mailbox-full", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("bounce-transient-message-too-large", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("bounce-transient-content-rejected", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("bounce-transient-attachment-rejected", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("bounce-undetermined", TAKEN, false, [0, 0, 1, 0, 1, 0]),
    ("complaint-abuse", TAKEN, true, [0, 0, 0, 1, 1, 0]),
    ("complaint-without-report", TAKEN, true, [0, 0, 0, 1, 1, 0]),
    ("complaint-on-account-suppression-list", TAKEN, true, [0, 0, 0, 1, 1, 0]),
    ("reject", REFUSED, false, [0, 0, 0, 0, 1, 0]),
    ("rendering-failure", REFUSED, false, [0, 0, 0, 0, 1, 0]),
    ("open", TAKEN, false, [0, 0, 0, 0, 1, 0]),
    ("click", TAKEN, false, [0, 0, 0, 0, 1, 0]),
    ("subscription", DOUBT, false, [0, 0, 0, 0, 0, 1]),
    ("foreign-delivery", DOUBT, false, [0, 0, 0, 0, 0, 1]),
    ("notification-bounce", DOUBT, false, [0, 0, 0, 0, 0, 1]),
    ("notification-complaint", DOUBT, false, [0, 0, 0, 0, 0, 1]),
    ("notification-delivery", DOUBT, false, [0, 0, 0, 0, 0, 1]),
    ("notification-set-up", DOUBT, false, [0; 6]),
];
/// What SNS puts on the queue by itself, and an envelope as recorded.
const OF_SNS: [(&str, RecipientState, bool, [u32; 6]); 4] = [
    ("sns-notification-of-bounce", BOUNCED, true, [0, 1, 0, 0, 1, 0]),
    ("sns-notification-of-set-up", DOUBT, false, [0; 6]),
    ("sns-subscription-confirmation", DOUBT, false, [0; 6]),
    ("sns-unsubscribe-confirmation", DOUBT, false, [0; 6]),
];

fn numbers(counts: &Counts) -> [u32; 6] {
    let Counts { deliveries, hard_bounces, soft_bounces, complaints, settled, unknown, .. } = counts;
    [*deliveries, *hard_bounces, *soft_bounces, *complaints, *settled, *unknown]
}

#[tokio::test]
async fn every_recorded_event_is_taken_down_raw_and_enveloped() {
    let raw = EVENTS.iter().chain(&OF_SNS).map(|event| (event, recorded(event.0)));
    let enveloped = EVENTS.iter().map(|event| (event, enveloped(&recorded(event.0))));
    for ((name, becomes, blocklisted, counted), body) in raw.chain(enveloped) {
        let (world, id) = one_in_doubt().await;
        let (back, counts) = invoke(&world, &[&body]).await;
        assert_eq!(back, Vec::<String>::new(), "{name}");
        assert_eq!(state(&world).await, *becomes, "{name}");
        let blocked = world.subscriber_now(id).status == SubscriberStatus::Blocklisted;
        assert_eq!((blocked, numbers(&counts)), (*blocklisted, *counted), "{name}");
    }
}

#[test]
fn no_recorded_event_is_left_out() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events")).unwrap();
    let files = folder.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".json", ""));
    let tested: BTreeSet<_> = EVENTS.iter().chain(&OF_SNS).map(|event| event.0.to_owned()).collect();
    assert_eq!(files.collect::<BTreeSet<_>>(), tested);
}

#[tokio::test]
async fn what_ses_says_to_a_new_destination_is_no_poison() {
    let (world, _) = one_in_doubt().await;
    let sentence = "Successfully validated SNS topic for Amazon SES event publishing.";
    let (back, counts) = invoke(&world, &[sentence, &format!("{sentence}\n")]).await;
    assert_eq!((back, counts), (vec![], Counts::default()));
}

#[tokio::test]
async fn what_is_no_event_goes_back_alone() {
    let (world, _) = one_in_doubt().await;
    let cut = recorded("send").split_at(300).0.to_owned();
    let sns = recorded("sns-notification-of-bounce").replace("\"Notification\"", "\"Surprise\"");
    let (tags, nothing) =
        (recorded("send").replace("[\"0\"]", "0").replace(": [\n        \"0\"\n      ]", ": 0"), "");
    let hollow = enveloped("not json");
    let bodies = [&cut, &recorded("delivery"), "{}", "[]", "hello", nothing, &sns, &tags, &hollow];
    let (back, counts) = invoke(&world, &bodies).await;
    assert_eq!(back, ["0", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!((counts.deliveries, counts.unknown), (1, 0));
    assert_eq!(state(&world).await, TAKEN);
}

#[tokio::test]
async fn a_new_type_of_event_and_a_place_that_does_not_exist_are_counted() {
    let (world, _) = one_in_doubt().await;
    let new = recorded("send").replace("\"eventType\": \"Send\"", "\"eventType\": \"ann@example.com\"");
    let gone = recorded("bounce-permanent-general")
        .replace("\"batch\": [\n        \"0\"", "\"batch\": [\n        \"9\"");
    let (back, counts) = invoke(&world, &[&new, &gone, &recorded("subscription")]).await;
    assert_eq!((back, numbers(&counts)), (vec![], [0, 0, 0, 0, 0, 3]));
    let types: Vec<_> = counts.unknown_types.into_iter().collect();
    assert_eq!(types, ["Subscription", "hard bounce", "of no known type"]);
    assert_eq!(state(&world).await, DOUBT);
}
