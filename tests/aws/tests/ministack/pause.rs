//! A pause, given while messages are under way.

use std::time::Duration;

use fanmail_aws_tests::stage::PATIENCE;
use fanmail_inbox::{Action, Rule, Script};

use crate::stage;

const PEOPLE: u32 = 200;
/// More than the time for which a sender believes what it saw of the campaign (0.9 s), and two polls of the stand-in.
const WATCHED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_holds_and_a_resume_finishes() {
    let Some(stage) = stage(2).await else { return };
    let list = stage.list_of(PEOPLE).await.unwrap();
    let campaign = stage.draft(list, 20).await.unwrap();
    // From the 61st on, messages are kept waiting for their answer: the pause meets senders in the middle of their work.
    let first = Rule::new(Action::Accept).messages(1..61);
    stage.inbox.set_script(Script::of([first, Rule::new(Action::HoldBeforeAccept)])).await.unwrap();
    stage.order(campaign, "running").await.unwrap();
    stage.inbox.held(1, PATIENCE).await.unwrap();
    stage.order(campaign, "paused").await.unwrap();
    // Senders look at the campaign before each message. Until they have seen the pause, nothing is let go.
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.inbox.set_script(Script::default()).await.unwrap();
    let under_way = stage.inbox.release_all();

    stage.inbox.wait_for(|now| now.held == 0, PATIENCE).await.unwrap();
    tokio::time::sleep(WATCHED).await;
    let (copies, reached) = stage.copies();
    // Each sender has one message under way and one at hand.
    assert!(copies == 1 && reached <= 60 + under_way + 2 * 2, "{reached} reached, {under_way} under way");
    assert_eq!(stage.campaign(campaign).await.unwrap()["status"], "paused");

    stage.order(campaign, "running").await.unwrap();
    let finished = stage.until_it_is(campaign, "finished").await.unwrap();
    assert_eq!(finished["states"]["accepted"], PEOPLE, "{finished}");
    assert_eq!(stage.copies(), (1, PEOPLE as usize));
}
