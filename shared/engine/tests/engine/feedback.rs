//! Feedback that dies on the way, and hears the same event again.

use std::panic::AssertUnwindSafe;

use fanmail_domain::{BatchId, LaneNo, RecipientState};
use fanmail_engine::ports::Ledger;
use fanmail_engine::settle::{EventKind, ProviderEvent, settle};
use fanmail_testkit::{CAMPAIGN, Fault, Strike, World};
use futures::FutureExt;

#[tokio::test]
async fn whoever_bounced_is_listed_with_words_wherever_feedback_died() {
    let batch = BatchId { campaign: CAMPAIGN, lane: LaneNo(0), seq: 0 };
    let event = ProviderEvent { batch, position: 0, kind: EventKind::HardBounce };
    let mut struck = 0;
    for after in 0..4 {
        let world = World::new(1, 1);
        world.start().await;
        world.drive().await;
        let at_call = world.calls().len() + after;
        let world = world.with_fault(Fault { at_call, strike: Strike::DeathAfter });
        let until = world.order().until;
        let _ = AssertUnwindSafe(settle(&world, &world, until, event)).catch_unwind().await;
        settle(&world, &world, until, event).await.unwrap();
        struck += usize::from(world.struck().is_some());
        let entry = world.batch(batch).await.unwrap().unwrap().entries[0];
        assert!(matches!(entry.state, RecipientState::Failed(_)), "died after call {after}");
        assert!(world.failure_text(entry.subscriber).is_some(), "died after call {after}: nobody says why");
    }
    assert!(struck == 4, "only {struck} deaths");
}
