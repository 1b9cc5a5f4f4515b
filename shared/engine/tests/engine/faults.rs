//! One fault at every port call in turn, of every kind.

use fanmail_domain::CampaignStatus;
use fanmail_testkit::{Fault, Outcome, Strike, World};

const RECIPIENTS: u64 = 23;
const BATCH_SIZE: u32 = 6;

async fn run(world: &World) -> Outcome {
    world.start().await;
    world.drive().await;
    let outcome = world.check();
    assert_eq!(outcome.status, CampaignStatus::Finished);
    assert_eq!(outcome.states.len() as u64, RECIPIENTS, "the audience is not complete");
    outcome
}

/// Runs the campaign once per port call it makes, with `strike` at that call.
async fn strike_everywhere(strike: Strike, judge: impl Fn(usize, &'static str, &Outcome)) {
    let undisturbed = World::new(RECIPIENTS, BATCH_SIZE);
    run(&undisturbed).await;
    let calls = undisturbed.calls().len();
    assert!(calls > 50, "the run is too short to show anything: {calls} calls");
    for at_call in 0..calls {
        let world = World::new(RECIPIENTS, BATCH_SIZE).with_fault(Fault { at_call, strike });
        let outcome = run(&world).await;
        let struck = world.struck().unwrap_or_else(|| panic!("nothing was struck at call {at_call}"));
        judge(at_call, struck, &outcome);
    }
}

fn assert_all_accepted(at_call: usize, struck: &str, outcome: &Outcome) {
    // A submission without an answer is the one thing that nobody can know.
    let unknowable = u64::from(struck == "submit");
    let expected = (RECIPIENTS - unknowable, unknowable);
    assert_eq!((outcome.count("accepted"), outcome.count("in_doubt")), expected, "{struck}, call {at_call}");
}

#[tokio::test]
async fn an_error_at_any_call_loses_nobody_and_repeats_nobody() {
    strike_everywhere(Strike::ErrorBefore, assert_all_accepted).await;
}

#[tokio::test]
async fn a_lost_answer_at_any_call_loses_nobody_and_repeats_nobody() {
    strike_everywhere(Strike::ErrorAfter, assert_all_accepted).await;
}

/// Calls between durable intents and durable results, when a death leaves the window in doubt.
const BETWEEN_INTENT_AND_RESULT: [&str; 5] =
    ["submit", "write_batch", "end_batch", "count_batch", "campaign"];

fn assert_doubt_only_where_unknowable(at_call: usize, struck: &str, outcome: &Outcome) {
    let (accepted, in_doubt) = (outcome.count("accepted"), outcome.count("in_doubt"));
    assert_eq!(accepted + in_doubt, RECIPIENTS, "{struck}, call {at_call}");
    assert!(in_doubt <= u64::from(BATCH_SIZE), "{in_doubt} in doubt at {struck}, call {at_call}");
    if !BETWEEN_INTENT_AND_RESULT.contains(&struck) {
        assert_eq!(in_doubt, 0, "{struck}, call {at_call}");
    }
    if struck == "submit" {
        assert!(in_doubt > 0, "a death while submitting, call {at_call}, was not noticed");
    }
}

#[tokio::test]
async fn a_death_before_any_call_loses_nobody_and_doubts_only_what_is_unknowable() {
    strike_everywhere(Strike::DeathBefore, assert_doubt_only_where_unknowable).await;
}

#[tokio::test]
async fn a_death_after_any_call_loses_nobody_and_doubts_only_what_is_unknowable() {
    strike_everywhere(Strike::DeathAfter, assert_doubt_only_where_unknowable).await;
}

#[tokio::test]
async fn a_death_says_in_the_journal_what_it_left_in_doubt() {
    let world = World::new(3, 3);
    world.start().await;
    let submit = {
        let probe = World::new(3, 3);
        run_small(&probe).await;
        probe.calls().iter().position(|call| *call == "submit").unwrap()
    };
    let world = world.with_fault(Fault { at_call: submit, strike: Strike::DeathAfter });
    world.drive().await;
    let outcome = world.check();
    assert_eq!(outcome.count("in_doubt"), 3);
    let text = "the lease of batch 1/0/0 ran out: 3 submitting are in doubt, 0 pending are tried again";
    assert!(world.journal_texts().iter().any(|line| line == text), "{:?}", world.journal_texts());
}

async fn run_small(world: &World) {
    world.start().await;
    world.drive().await;
}

#[tokio::test]
async fn a_sender_that_lost_its_lease_sends_nothing_more() {
    strike_everywhere(Strike::LeasesLost, |at_call, struck, outcome| {
        let (accepted, in_doubt) = (outcome.count("accepted"), outcome.count("in_doubt"));
        assert_eq!(accepted + in_doubt, RECIPIENTS, "{struck}, call {at_call}");
        assert!(in_doubt <= u64::from(BATCH_SIZE), "{in_doubt} in doubt at {struck}, call {at_call}");
    })
    .await;
}
