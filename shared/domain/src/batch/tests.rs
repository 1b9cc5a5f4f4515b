//! The batch machine: its table, and what holds whatever happens.

use proptest::prelude::*;

use super::*;
use crate::{CampaignId, LaneNo};

fn batch(recipients: u64) -> Batch {
    let ids: Vec<_> = (1..=recipients).filter_map(SubscriberId::from_number).collect();
    Batch::planned(BatchId { campaign: CampaignId(1), lane: LaneNo(0), seq: 0 }, &ids)
}

fn take(holder: u64, now: u64, until: u64) -> BatchEvent<'static> {
    BatchEvent::LeaseTaken { holder: Holder(holder), now: Timestamp(now), until: Timestamp(until) }
}

fn change(position: usize, event: RecipientEvent) -> Change {
    Change { position, event }
}

/// A batch of one, leased once until 10, its recipient in the state that `events` lead to.
fn leased(events: &[RecipientEvent]) -> Batch {
    events.iter().fold(batch(1).apply(&take(7, 0, 10)).unwrap(), |batch, event| {
        let token = batch.token;
        batch.apply(&BatchEvent::Recorded { token, changes: &[change(0, *event)] }).unwrap()
    })
}

fn done() -> Batch {
    leased(&[RecipientEvent::Submit, RecipientEvent::Accept])
        .apply(&BatchEvent::Finished { token: FencingToken(1) })
        .unwrap()
}

fn show(batch: &Batch) -> String {
    format!("{}#{} {}", batch.phase.name(), batch.token, batch.entries[0].state.name())
}

#[test]
fn a_write_follows_the_revision_before_it_and_only_for_the_same_recipients() {
    let (stands, next) = (batch(3), batch(3).revised(Timestamp(5)));
    assert!(next.follows(&stands));
    assert!(!stands.follows(&stands) && !next.clone().revised(Timestamp(5)).follows(&stands));
    let mut reversed = next;
    reversed.entries.reverse();
    let fewer = batch(2).revised(Timestamp(5));
    assert!(!reversed.follows(&stands) && !fewer.follows(&stands));
}

#[test]
fn the_transition_table_is_this_one() {
    let submit = [change(0, RecipientEvent::Submit)];
    let token = |number| FencingToken(number);
    let events = [
        take(8, 9, 20),
        take(8, 10, 20),
        BatchEvent::Recorded { token: token(1), changes: &submit },
        BatchEvent::Recorded { token: token(0), changes: &submit },
        BatchEvent::Counted { token: token(1) },
        BatchEvent::Counted { token: token(0) },
        BatchEvent::Released { token: token(1) },
        BatchEvent::Released { token: token(0) },
        BatchEvent::Finished { token: token(1) },
        BatchEvent::Finished { token: token(0) },
        BatchEvent::LeaseExpired { now: Timestamp(9) },
        BatchEvent::LeaseExpired { now: Timestamp(10) },
    ];
    let states = [
        batch(1),
        leased(&[]),
        leased(&[RecipientEvent::Submit]),
        leased(&[RecipientEvent::Submit, RecipientEvent::Accept]),
        done(),
    ];
    let row = |state: &Batch| {
        let cell = |event| state.clone().apply(event).map_or_else(|_| "-".into(), |after| show(&after));
        events.iter().map(cell).collect::<Vec<_>>().join(" | ")
    };
    let table: Vec<_> = states.iter().map(|state| format!("{}: {}", show(state), row(state))).collect();
    // take@9, take@10, record#1, #0, count#1, #0, release#1, #0, finish#1, #0, expire@9, expire@10
    assert_eq!(
        table,
        [
            "queued#0 pending: leased#1 pending | leased#1 pending | - | - | - | - | - | - | - | - | - | -",
            "leased#1 pending: - | leased#2 pending | leased#1 submitting | - | leased#1 pending | - | queued#1 pending | - | - | - | - | queued#1 pending",
            "leased#1 submitting: - | leased#2 in_doubt | - | - | leased#1 submitting | - | - | - | - | - | - | queued#1 in_doubt",
            "leased#1 accepted: - | leased#2 accepted | - | - | leased#1 accepted | - | queued#1 accepted | - | done#1 accepted | - | - | queued#1 accepted",
            "done#1 accepted: - | - | - | - | - | - | - | - | - | - | - | -",
        ]
    );
}

#[test]
fn one_illegal_change_refuses_them_all() {
    let before = batch(2).apply(&take(7, 0, 10)).unwrap();
    let changes = [change(0, RecipientEvent::Submit), change(1, RecipientEvent::Accept)];
    let token = before.token;
    assert!(before.clone().apply(&BatchEvent::Recorded { token, changes: &changes }).is_err());
    let outside = [change(2, RecipientEvent::Submit)];
    assert!(before.apply(&BatchEvent::Recorded { token, changes: &outside }).is_err());
}

#[test]
fn stalls_count_leases_without_an_end_and_start_again_with_one() {
    let mut batch = batch(2);
    for lease in 1..=3_u64 {
        batch = batch.apply(&take(lease, lease * 10, lease * 10 + 5)).unwrap();
        assert_eq!(u64::from(batch.stalls), lease);
        let token = batch.token;
        batch = batch.apply(&BatchEvent::Released { token }).unwrap();
    }
    batch = batch.apply(&take(9, 90, 95)).unwrap();
    let token = batch.token;
    let skip = [change(0, RecipientEvent::Skip(crate::SkipReason::Gone))];
    batch = batch.apply(&BatchEvent::Recorded { token, changes: &skip }).unwrap();
    assert_eq!(batch.stalls, 0);
}

#[test]
fn a_revision_follows_the_one_before_and_says_when() {
    let revised = Batch { rev: 7, ..batch(1) }.revised(Timestamp(9));
    assert_eq!((revised.rev, revised.changed_at), (8, Timestamp(9)));
}

#[test]
fn attempts_count_submissions_and_nothing_else() {
    let tried = leased(&[RecipientEvent::Submit, RecipientEvent::Defer, RecipientEvent::Submit]);
    assert_eq!(tried.entries[0].attempts, 2);
    assert_eq!(leased(&[RecipientEvent::Prepare]).entries[0].attempts, 0);
}

#[test]
fn a_change_that_ends_nobody_leaves_the_stalls_as_they_are() {
    let submitting = leased(&[RecipientEvent::Submit]);
    assert_eq!(submitting.stalls, 1);
    assert_eq!(leased(&[RecipientEvent::Submit, RecipientEvent::Accept]).stalls, 0);
}

#[test]
fn only_who_ended_and_is_in_no_counter_is_uncounted() {
    let ended = leased(&[RecipientEvent::Submit, RecipientEvent::Accept]);
    assert_eq!(ended.uncounted(), [RecipientState::Accepted].into_iter().collect());
    let counted = ended.clone().apply(&BatchEvent::Counted { token: ended.token }).unwrap();
    assert!(counted.uncounted().is_empty() && leased(&[RecipientEvent::Submit]).uncounted().is_empty());
}

#[test]
fn a_refusal_names_the_phase_and_the_event() {
    let refused = |event: &BatchEvent<'_>| done().apply(event).unwrap_err().to_string();
    assert_eq!(refused(&take(1, 0, 9)), "done cannot be leased");
    assert_eq!(refused(&BatchEvent::Closed), "done cannot be closed");
}

fn any_event() -> impl Strategy<Value = (u8, u32, usize, u64)> {
    (0..9_u8, 0..6_u32, 0..3_usize, 0..40_u64)
}

proptest! {
    #[test]
    fn tokens_never_go_back_done_is_final_and_nothing_submitted_returns_unasked(
        steps in prop::collection::vec(any_event(), 0..60),
    ) {
        let mut batch = batch(3);
        let mut counted = Tally::default();
        for (kind, token, position, now) in steps {
            let token = FencingToken(token);
            let events = [
                RecipientEvent::Submit, RecipientEvent::Accept, RecipientEvent::Lose, RecipientEvent::Prepare,
            ];
            let changes = [change(position, events[usize::from(kind) % 4])];
            let event = match kind {
                0 => take(u64::from(kind), now, now + 5),
                1 => BatchEvent::Released { token },
                2 => BatchEvent::Finished { token },
                3 => BatchEvent::LeaseExpired { now: Timestamp(now) },
                4 => BatchEvent::Counted { token },
                _ => BatchEvent::Recorded { token, changes: &changes },
            };
            let before = batch.clone();
            let Ok(after) = batch.clone().apply(&event) else { continue };
            prop_assert!(after.token >= before.token);
            prop_assert!(before.phase != Phase::Done);
            for (old, new) in before.entries.iter().zip(&after.entries) {
                prop_assert!(old.state != RecipientState::Submitting || new.state != RecipientState::Pending);
                prop_assert!(!old.state.is_terminal() || old.state == new.state);
                prop_assert!(!old.counted || new.counted);
            }
            for (old, new) in before.entries.iter().zip(&after.entries) {
                if !old.counted && new.counted { counted.add(new.state, 1); }
            }
            prop_assert!(after.phase != Phase::Done || counted == after.tally());
            batch = after;
        }
    }
}
