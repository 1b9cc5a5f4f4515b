//! Lists, subscribers and subscriptions, and who may be written to.

use std::collections::BTreeMap;
use std::fmt;

use crate::{EmailAddress, ListId, SkipReason, SubscriberId, Timestamp};

/// How a list takes people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Optin {
    /// A subscription counts at once.
    Single,
    /// A subscription counts once it is confirmed.
    Double,
}

/// A named set of subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Which one.
    pub id: ListId,
    /// What people call it.
    pub name: String,
    /// How it takes people in.
    pub optin: Optin,
    /// About how many subscriptions it has: for planning and display, never for a decision.
    pub subscribers: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A list as a campaign addresses it, frozen at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudienceList {
    /// Which list.
    pub list: ListId,
    /// How it took people in when the campaign started.
    pub optin: Optin,
}

/// Whether a person may be written to at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberStatus {
    /// Yes.
    Enabled,
    /// Not for now.
    Disabled,
    /// Never again.
    Blocklisted,
}

/// One subscriber's standing on one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionStatus {
    /// Asked for, not confirmed.
    Unconfirmed,
    /// Confirmed.
    Confirmed,
    /// Ended by the subscriber; an import does not bring it back.
    Unsubscribed,
}

/// A person known to us, with an address. Personal data: `Debug` shows the id alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Derived from the address.
    pub id: SubscriberId,
    /// Where mail goes.
    pub email: EmailAddress,
    /// What to call them; may be empty.
    pub name: String,
    /// Attributes, a JSON object in text form.
    pub attribs: String,
    /// Whether they may be written to at all.
    pub status: SubscriberStatus,
    /// Their standing on each list: the truth on subscriptions.
    pub lists: BTreeMap<ListId, SubscriptionStatus>,
    /// Grows with every write; the write names the one it read.
    pub rev: u32,
    /// When they first came.
    pub created_at: Timestamp,
}

impl Subscriber {
    /// Whether a campaign to `audience` may write to them now.
    ///
    /// # Errors
    ///
    /// The reason to skip them, the weightiest first.
    pub fn may_receive(&self, audience: &[AudienceList]) -> Result<(), SkipReason> {
        match self.status {
            SubscriberStatus::Blocklisted => return Err(SkipReason::Blocklisted),
            SubscriberStatus::Disabled => return Err(SkipReason::Disabled),
            SubscriberStatus::Enabled => {}
        }
        let standings = audience.iter().filter_map(|to| self.lists.get(&to.list).map(|status| (to, *status)));
        let mut reason = SkipReason::Unsubscribed;
        for (to, status) in standings {
            match (status, to.optin) {
                (SubscriptionStatus::Confirmed, _) => return Ok(()),
                (SubscriptionStatus::Unconfirmed, Optin::Single) => return Ok(()),
                (SubscriptionStatus::Unconfirmed, Optin::Double) => reason = SkipReason::Unconfirmed,
                (SubscriptionStatus::Unsubscribed, _) => {}
            }
        }
        Err(reason)
    }

    /// The first word of the name; empty if there is none.
    #[must_use]
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or_default()
    }

    /// The rest of the name; empty if there is none.
    #[must_use]
    pub fn last_name(&self) -> &str {
        let name = self.name.trim();
        name.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim())
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({})", self.id)
    }
}

impl Optin {
    /// listmonk's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Double => "double",
        }
    }

    /// The opt-in with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Single, Self::Double].into_iter().find(|optin| optin.name() == name)
    }
}

impl SubscriberStatus {
    /// listmonk's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Blocklisted => "blocklisted",
        }
    }

    /// The status with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled, Self::Blocklisted].into_iter().find(|status| status.name() == name)
    }
}

impl SubscriptionStatus {
    /// listmonk's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Confirmed => "confirmed",
            Self::Unsubscribed => "unsubscribed",
        }
    }

    /// The status with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unconfirmed, Self::Confirmed, Self::Unsubscribed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINGLE: AudienceList = AudienceList { list: ListId(1), optin: Optin::Single };
    const DOUBLE: AudienceList = AudienceList { list: ListId(2), optin: Optin::Double };

    fn subscriber(status: SubscriberStatus, lists: &[(u64, SubscriptionStatus)]) -> Subscriber {
        let email = EmailAddress::parse("ann@example.org").unwrap();
        Subscriber {
            id: SubscriberId::derive(&email, 0),
            email,
            name: "Ann van der Lee".into(),
            attribs: "{}".into(),
            status,
            lists: lists.iter().map(|(list, status)| (ListId(*list), *status)).collect(),
            rev: 0,
            created_at: Timestamp(0),
        }
    }

    #[test]
    fn only_who_wants_it_may_receive_it() {
        use SubscriberStatus as P;
        use SubscriptionStatus as S;
        let enabled = [
            (vec![(1, S::Confirmed)], Ok(())),
            (vec![(1, S::Unconfirmed)], Ok(())),
            (vec![(2, S::Unconfirmed)], Err(SkipReason::Unconfirmed)),
            (vec![(2, S::Confirmed)], Ok(())),
            (vec![(1, S::Unsubscribed), (2, S::Confirmed)], Ok(())),
            (vec![(1, S::Unsubscribed)], Err(SkipReason::Unsubscribed)),
            (vec![(9, S::Confirmed)], Err(SkipReason::Unsubscribed)),
        ];
        for (lists, expected) in enabled {
            assert_eq!(subscriber(P::Enabled, &lists).may_receive(&[SINGLE, DOUBLE]), expected, "{lists:?}");
        }
        let confirmed = [(1, S::Confirmed)];
        for (status, expected) in
            [(P::Disabled, SkipReason::Disabled), (P::Blocklisted, SkipReason::Blocklisted)]
        {
            assert_eq!(subscriber(status, &confirmed).may_receive(&[SINGLE, DOUBLE]), Err(expected));
        }
    }

    #[test]
    fn names_split_at_the_first_space() {
        let mut ann = subscriber(SubscriberStatus::Enabled, &[]);
        assert_eq!((ann.first_name(), ann.last_name()), ("Ann", "van der Lee"));
        ann.name = " Prince ".into();
        assert_eq!((ann.first_name(), ann.last_name()), ("Prince", ""));
        ann.name = String::new();
        assert_eq!((ann.first_name(), ann.last_name()), ("", ""));
    }

    #[test]
    fn printing_a_subscriber_shows_no_personal_data() {
        let printed = format!("{:?}", subscriber(SubscriberStatus::Enabled, &[]));
        assert!(!printed.contains("Ann") && !printed.contains('@'), "{printed}");
        assert_eq!(printed, "Subscriber(2376635443563521)");
    }

    #[test]
    fn the_names_are_listmonks_and_are_read_back() {
        let optins = [(Optin::Single, "single"), (Optin::Double, "double")];
        for (optin, name) in optins {
            assert_eq!((optin.name(), Optin::from_name(name)), (name, Some(optin)));
        }
        use SubscriberStatus as P;
        let statuses = [(P::Enabled, "enabled"), (P::Disabled, "disabled"), (P::Blocklisted, "blocklisted")];
        for (status, name) in statuses {
            assert_eq!((status.name(), P::from_name(name)), (name, Some(status)));
        }
        use SubscriptionStatus as S;
        let standings =
            [(S::Unconfirmed, "unconfirmed"), (S::Confirmed, "confirmed"), (S::Unsubscribed, "unsubscribed")];
        for (standing, name) in standings {
            assert_eq!((standing.name(), S::from_name(name)), (name, Some(standing)));
        }
        assert_eq!((Optin::from_name("triple"), P::from_name("gone"), S::from_name("")), (None, None, None));
    }
}
