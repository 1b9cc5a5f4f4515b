//! Editing: who gets which content (S2.9).

use fanmail_domain::{CampaignStatus, StatusReason};
use fanmail_engine::control::Controlled;
use fanmail_testkit::{CAMPAIGN, World};

use crate::support::{nth_call, run};

fn versions(world: &World) -> Vec<u32> {
    world.accepted().iter().map(|taken| taken.letter.content_version).collect()
}

#[tokio::test]
async fn a_running_campaign_is_not_edited() {
    let world = World::new(12, 4);
    world.start().await;
    world.step().await.unwrap();
    let before = world.campaign_now(CAMPAIGN);
    let answer = world.edit().await.unwrap();
    assert!(matches!(answer, Controlled::Refused(ref it, _) if *it == before), "{answer:?}");
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
    assert!(versions(&world).iter().all(|version| *version == 1));
}

#[tokio::test]
async fn an_edit_while_paused_is_for_the_rest_and_the_journal_says_so() {
    let world = World::new(12, 4);
    world.start().await;
    for _ in 0..2 {
        world.step().await.unwrap();
    }
    world.pause(StatusReason::User, None).await;
    let edited = world.edit().await.unwrap();
    assert!(matches!(edited, Controlled::Done(ref it) if it.state.status == CampaignStatus::Paused));
    world.resume().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 12);
    assert_eq!(versions(&world), [1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
    let text = "edited: from now on everybody gets content 2";
    assert!(world.journal_texts().iter().any(|line| line == text), "{:?}", world.journal_texts());
}

#[tokio::test]
async fn a_sender_that_knows_the_old_content_sends_the_new_one_after_the_edit() {
    // Paused, edited and resumed in the middle of a batch; the same process goes on with it.
    let undisturbed = World::new(24, 12);
    run(&undisturbed).await;
    let submit = nth_call(&undisturbed, "submit", 5);
    let world = World::new(24, 12).interrupted(submit, |world| {
        Box::pin(async {
            world.pause(StatusReason::User, None).await;
            world.edit().await.unwrap();
            world.resume().await;
        })
    });
    world.start().await;
    world.drive().await;
    assert_eq!(world.check().count("accepted"), 24);
    let versions = versions(&world);
    assert!(versions.is_sorted() && versions.contains(&1) && versions.contains(&2), "{versions:?}");
}
