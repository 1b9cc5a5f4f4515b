//! A recipient whose message kills whoever prepares it (S6.6).

use fanmail_domain::{CampaignStatus, FailReason, RecipientState};
use fanmail_testkit::World;

#[tokio::test]
async fn a_recipient_that_kills_its_sender_is_isolated_and_the_others_go_on() {
    for position in [0, 5, 11] {
        let world = World::new(12, 12);
        let killer = world.subscriber_ids()[position];
        world.make_killer(killer);
        world.start().await;
        world.drive().await;
        let outcome = world.check();
        assert_eq!(outcome.states[&killer], RecipientState::Failed(FailReason::Crashed));
        let words = world.failure_text(killer);
        assert!(words.is_some_and(|words| words.contains("ended while")), "nobody says why");
        assert_eq!((outcome.status, outcome.count("accepted")), (CampaignStatus::Finished, 11));
    }
}

#[tokio::test]
async fn content_that_is_gone_fails_everybody_by_name_and_ends() {
    let world = World::new(5, 5);
    world.start().await;
    world.delete_content();
    world.drive().await;
    let outcome = world.check();
    assert_eq!((outcome.status, outcome.count("failed")), (CampaignStatus::Finished, 5));
}
