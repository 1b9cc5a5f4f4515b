//! What an import makes of one person, new or known. Pure: no I/O.

use fanmail_domain::{Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus};

use super::{Import, Imported, NewSubscriber, Overwrite};

/// Somebody who was not there.
pub(super) fn created(row: &NewSubscriber, id: SubscriberId, how: &Import<'_>) -> Subscriber {
    Subscriber {
        id,
        email: row.email.clone(),
        name: row.name.clone(),
        attribs: row.attribs.clone(),
        status: row.status,
        lists: how.lists.iter().map(|list| (*list, how.standing)).collect(),
        rev: 0,
        created_at: how.now,
    }
}

/// Somebody who was there: never brought back against their will, and never downgraded.
pub(super) fn merged(before: &Subscriber, row: &NewSubscriber, how: &Import<'_>) -> (Subscriber, Imported) {
    let mut after = before.clone();
    if before.status == SubscriberStatus::Blocklisted {
        return (after, Imported::KeptBlocklisted);
    }
    if how.overwrite == Overwrite::Yes {
        after.name.clone_from(&row.name);
        after.attribs.clone_from(&row.attribs);
        after.status = row.status;
    }
    if row.status == SubscriberStatus::Blocklisted {
        after.status = row.status;
    }
    let mut kept = false;
    for list in how.lists {
        let old = before.lists.get(list).copied();
        let new = standing(old, how);
        kept |= old == Some(SubscriptionStatus::Unsubscribed) && new != how.standing;
        after.lists.insert(*list, new);
    }
    let outcome = match (kept, after == *before) {
        (true, _) => Imported::KeptUnsubscribed,
        (false, true) => Imported::Unchanged,
        (false, false) => Imported::Updated,
    };
    (after, outcome)
}

fn standing(old: Option<SubscriptionStatus>, how: &Import<'_>) -> SubscriptionStatus {
    use SubscriptionStatus as S;
    match (old, how.standing) {
        (None, new) => new,
        (Some(S::Unsubscribed), _) | (_, S::Unsubscribed) => S::Unsubscribed,
        (Some(S::Unconfirmed), S::Confirmed) if how.overwrite == Overwrite::Yes => S::Confirmed,
        (Some(old), S::Unconfirmed | S::Confirmed) => old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_domain::{EmailAddress, ListId, Timestamp};

    const LIST: [ListId; 1] = [ListId(1)];

    fn how(standing: SubscriptionStatus, overwrite: Overwrite) -> Import<'static> {
        Import { lists: &LIST, standing, overwrite, now: Timestamp(5) }
    }

    fn row(name: &str, status: SubscriberStatus) -> NewSubscriber {
        let email = EmailAddress::parse("ann@example.org").unwrap();
        NewSubscriber { email, name: name.into(), attribs: "{}".into(), status }
    }

    fn known(standing: SubscriptionStatus) -> Subscriber {
        let row = row("Ann", SubscriberStatus::Enabled);
        let id = SubscriberId::derive(&row.email, 0);
        created(&row, id, &how(standing, Overwrite::No))
    }

    #[test]
    fn standings_move_by_this_table() {
        use SubscriptionStatus as S;
        let all = [S::Unconfirmed, S::Confirmed, S::Unsubscribed];
        let moves = |overwrite| {
            all.map(|old| all.map(|new| standing(Some(old), &how(new, overwrite)).name()).join(" "))
        };
        // imported as: unconfirmed, confirmed, unsubscribed
        let keep = [
            "unconfirmed unconfirmed unsubscribed",
            "confirmed confirmed unsubscribed",
            "unsubscribed unsubscribed unsubscribed",
        ];
        assert_eq!(moves(Overwrite::No), keep);
        assert_eq!(moves(Overwrite::Yes)[0], "unconfirmed confirmed unsubscribed");
        assert_eq!(moves(Overwrite::Yes)[1..], keep[1..]);
    }

    #[test]
    fn whoever_is_blocklisted_stays_as_they_are() {
        let before =
            Subscriber { status: SubscriberStatus::Blocklisted, ..known(SubscriptionStatus::Confirmed) };
        let how = how(SubscriptionStatus::Confirmed, Overwrite::Yes);
        let merged = merged(&before, &row("Other", SubscriberStatus::Enabled), &how);
        assert_eq!(merged, (before, Imported::KeptBlocklisted));
    }

    #[test]
    fn a_name_is_overwritten_only_on_request_and_a_blocklisting_always_counts() {
        let before = known(SubscriptionStatus::Confirmed);
        let other = row("Other", SubscriberStatus::Disabled);
        let (kept, outcome) = merged(&before, &other, &how(SubscriptionStatus::Confirmed, Overwrite::No));
        assert_eq!((kept == before, outcome), (true, Imported::Unchanged));
        let (after, outcome) = merged(&before, &other, &how(SubscriptionStatus::Confirmed, Overwrite::Yes));
        assert_eq!((after.name.as_str(), after.status), ("Other", SubscriberStatus::Disabled));
        assert_eq!(outcome, Imported::Updated);
        let blocked = row("Ann", SubscriberStatus::Blocklisted);
        let (after, _) = merged(&before, &blocked, &how(SubscriptionStatus::Confirmed, Overwrite::No));
        assert_eq!(after.status, SubscriberStatus::Blocklisted);
    }
}
