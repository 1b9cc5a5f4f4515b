//! Worlds that are broken on purpose: an oracle that notices nothing proves nothing.

use fanmail_sim::fleet::run_all;
use fanmail_sim::oracle::Promise;
use fanmail_sim::run::{Report, Twist, run};
use fanmail_sim::scenario::Sabotage;

/// Whether the oracle notices within `seeds` worlds that this promise is not kept, where it is kept in the
/// same world unbroken.
fn catches(sabotage: Sabotage, promise: Promise, seeds: u64) -> bool {
    let twist = Twist { sabotage: Some(sabotage), ..Twist::default() };
    let broken = run_all(0..seeds, &twist, usize::MAX, |_| {}).failures;
    let own_fault = |report: &&Report| !run(report.seed, &Twist::default(), false).breaks(promise);
    broken.iter().filter(|report| report.breaks(promise)).any(|report| own_fault(&report))
}

#[test]
fn a_store_that_ignores_revisions_is_caught() {
    assert!(catches(Sabotage::BlindBatchWrites, Promise::TrueCounters, 100));
}

#[test]
fn a_mailer_that_repeats_on_its_own_is_caught() {
    assert!(catches(Sabotage::RepeatingMailer, Promise::OneCopy, 50));
}

#[test]
fn a_queue_that_loses_messages_without_a_sweeper_is_caught() {
    assert!(catches(Sabotage::ForgetfulQueue, Promise::Progress, 20));
}

#[test]
fn a_store_that_does_not_count_is_caught() {
    assert!(catches(Sabotage::UncountedBatches, Promise::TrueCounters, 5));
}

#[test]
fn a_store_that_hides_a_pause_for_five_seconds_is_caught() {
    assert!(catches(Sabotage::StaleCampaigns, Promise::PauseHolds, 100));
}

#[test]
fn a_store_that_hides_an_unsubscribe_is_caught() {
    assert!(catches(Sabotage::StalePeople, Promise::BarredGetNothing, 200));
}

#[test]
fn a_list_that_leaves_somebody_out_is_caught() {
    assert!(catches(Sabotage::ShortPages, Promise::NobodyLost, 20));
}

#[test]
fn senders_that_do_not_wait_their_turn_are_caught() {
    assert!(catches(Sabotage::HastyClocks, Promise::RateHolds, 50));
}

#[test]
fn a_provider_that_says_accepted_and_accepts_nothing_is_caught() {
    assert!(catches(Sabotage::EmptyPromises, Promise::TrueLedger, 20));
}

#[test]
fn doubt_without_a_cause_is_caught() {
    assert!(catches(Sabotage::MumblingMailer, Promise::BoundedDoubt, 20));
}

#[test]
fn a_store_of_windows_that_ignores_revisions_is_caught() {
    assert!(catches(Sabotage::BlindWindowWrites, Promise::RateHolds, 100));
}

#[test]
fn a_finish_that_ignores_which_run_fanned_out_is_caught() {
    assert!(catches(Sabotage::RashFinish, Promise::NobodyLost, 200));
}

#[test]
fn a_fan_out_that_goes_on_in_a_lane_it_lost_is_caught() {
    let twist = Twist { sabotage: Some(Sabotage::BlindAmendments), ..Twist::default() };
    assert!(run(3_952, &twist, false).breaks(Promise::NobodyLost));
    assert!(!run(3_952, &Twist::default(), false).breaks(Promise::NobodyLost));
}

#[test]
fn a_campaign_that_stands_still_without_an_alarm_is_caught() {
    assert!(catches(Sabotage::SilentSweeper, Promise::Progress, 500));
}
