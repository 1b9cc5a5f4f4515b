//! Subscribers and memberships, and how they change while a campaign runs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fanmail_domain::{
    EmailAddress, ListId, Optin, Shard, Subscriber, SubscriberId, SubscriberStatus, SubscriptionStatus,
};
use fanmail_engine::ports::Member;

use crate::rng::{ALWAYS, Rng};
use crate::time::{BEGIN_NS, MILLI, SECOND, stamp};

/// What the provider, or the template, thinks of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Nothing special.
    None,
    /// The provider never takes their messages.
    Rejected,
    /// The provider always puts their messages off.
    PutOff,
    /// Their message cannot be rendered.
    Unrenderable,
    /// Rendering their message kills the process.
    Deadly,
}

/// Somebody as the seed made them.
#[derive(Debug, Clone)]
pub struct Person {
    /// Derived from the address.
    pub id: SubscriberId,
    email: EmailAddress,
    /// What is special about them.
    pub quirk: Quirk,
    status: SubscriberStatus,
    lists: Vec<(ListId, SubscriptionStatus)>,
    /// When they join; before the campaign, or during it.
    pub joins_ns: u64,
    /// What becomes of them later, and when.
    pub later: Option<(u64, Fate)>,
}

/// What becomes of somebody during the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Leaves every list.
    Unsubscribes,
    /// Is never to be written to again.
    IsBlocklisted,
    /// Is removed altogether.
    IsDeleted,
}

/// Everybody of a scenario.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    /// How the lists take people in.
    optins: Vec<Optin>,
    /// Who is there.
    pub people: Vec<Person>,
}

impl Crowd {
    /// Up to 150 people on up to three lists.
    ///
    /// # Panics
    ///
    /// Never: the text is an address.
    pub fn draw(rng: &mut Rng, starts_ns: u64) -> Self {
        let lists = rng.within(1..=3);
        let optins = (0..lists).map(|_| rng.pick(&[Optin::Single, Optin::Single, Optin::Double])).collect();
        let restless = rng.chance(ALWAYS / 2);
        let deadly = if rng.chance(ALWAYS / 20) { 10_000 } else { 0 };
        let size = if rng.chance(ALWAYS / 3) { rng.within(0..=15) } else { rng.within(16..=150) };
        let people = (0..size).map(|n| Person::draw(rng, n, lists, starts_ns, restless, deadly)).collect();
        Self { optins, people }
    }

    /// The lists, and how they take people in.
    pub fn lists(&self) -> impl Iterator<Item = (ListId, Optin)> + '_ {
        (1..).map(ListId).zip(self.optins.iter().copied())
    }
}

impl Person {
    fn draw(rng: &mut Rng, n: u64, lists: u64, starts_ns: u64, restless: bool, deadly: u32) -> Self {
        let email = EmailAddress::parse(&format!("person{n}@example.org"));
        let email = email.expect("a word, a number and a domain are an address");
        let standings = [
            (SubscriptionStatus::Confirmed, 800_000),
            (SubscriptionStatus::Unconfirmed, 700_000),
            (SubscriptionStatus::Unsubscribed, ALWAYS),
        ];
        let mut standing = || {
            let drawn = standings.iter().find(|(_, ppm)| rng.chance(*ppm));
            drawn.map_or(SubscriptionStatus::Confirmed, |(status, _)| *status)
        };
        let mut on: Vec<_> = (1..=lists).map(|list| (ListId(list), standing())).collect();
        on.retain(|_| rng.chance(600_000));
        let late = restless && rng.chance(ALWAYS / 20);
        let fates = [Fate::Unsubscribes, Fate::IsBlocklisted, Fate::IsDeleted];
        let during = |rng: &mut Rng| starts_ns + rng.within(0..=20_000) * MILLI;
        Self {
            id: SubscriberId::derive(&email, 0),
            email,
            quirk: Quirk::draw(rng, deadly),
            status: if rng.chance(50_000) {
                rng.pick(&[SubscriberStatus::Blocklisted, SubscriberStatus::Disabled])
            } else {
                SubscriberStatus::Enabled
            },
            lists: on,
            joins_ns: if late { during(rng) } else { BEGIN_NS },
            later: (restless && rng.chance(ALWAYS / 10)).then(|| (during(rng), rng.pick(&fates))),
        }
    }
}

impl Quirk {
    fn draw(rng: &mut Rng, deadly: u32) -> Self {
        let all = [
            (Self::Deadly, deadly),
            (Self::Rejected, 30_000),
            (Self::PutOff, 5_000),
            (Self::Unrenderable, 20_000),
        ];
        all.into_iter().find(|(_, ppm)| rng.chance(*ppm)).map_or(Self::None, |(quirk, _)| quirk)
    }
}

/// What the Audience table holds, and held.
#[derive(Debug, Default)]
pub struct People {
    rows: BTreeMap<SubscriberId, Vec<(u64, Option<Subscriber>)>>,
    members: BTreeMap<(ListId, SubscriberId), Member>,
    /// What is special about whom.
    pub quirks: BTreeMap<SubscriberId, Quirk>,
    /// Who left a list, or was removed, since the beginning.
    pub left: BTreeSet<SubscriberId>,
    /// Everybody who ever was on a list, and since when by the stamp.
    pub ever: BTreeMap<SubscriberId, Member>,
    /// When somebody ceased to be somebody who may be written to; 0 if they never were.
    pub barred_ns: BTreeMap<SubscriberId, u64>,
}

impl People {
    /// Lets everybody in who is there from the beginning.
    pub fn admit(&mut self, crowd: &Crowd) {
        for person in crowd.people.iter().filter(|person| person.joins_ns == BEGIN_NS) {
            self.join(person, BEGIN_NS, crowd);
        }
    }

    /// Lets one person in.
    pub fn join(&mut self, person: &Person, now_ns: u64, crowd: &Crowd) {
        let joined_at = stamp(now_ns);
        let subscriber = Subscriber {
            id: person.id,
            email: person.email.clone(),
            name: "Ann Lee".into(),
            attribs: "{}".into(),
            status: person.status,
            lists: person.lists.iter().copied().collect(),
            rev: 0,
            created_at: joined_at,
        };
        let audience: Vec<_> =
            crowd.lists().map(|(list, optin)| fanmail_domain::AudienceList { list, optin }).collect();
        if subscriber.may_receive(&audience).is_err() {
            self.barred_ns.insert(person.id, 0);
        }
        self.rows.entry(person.id).or_default().push((now_ns, Some(subscriber)));
        self.quirks.insert(person.id, person.quirk);
        for (list, _) in person.lists.iter().filter(|(_, on)| *on != SubscriptionStatus::Unsubscribed) {
            let member = Member { id: person.id, joined_at };
            self.members.insert((*list, person.id), member);
            self.ever.insert(person.id, member);
        }
    }

    /// Lets somebody's fate come.
    pub fn befall(&mut self, id: SubscriberId, fate: Fate, now_ns: u64) {
        let Some(mut row) = self.as_of(id, now_ns).cloned() else { return };
        self.barred_ns.entry(id).or_insert(now_ns);
        let row = match fate {
            Fate::IsDeleted => None,
            Fate::IsBlocklisted => {
                row.status = SubscriberStatus::Blocklisted;
                Some(row)
            }
            Fate::Unsubscribes => {
                row.lists.values_mut().for_each(|on| *on = SubscriptionStatus::Unsubscribed);
                Some(row)
            }
        };
        self.rows.entry(id).or_default().push((now_ns, row));
        if fate != Fate::IsBlocklisted {
            self.members.retain(|(_, member), _| *member != id);
            self.left.insert(id);
        }
    }

    /// Somebody's row as it was at a moment.
    pub(super) fn as_of(&self, id: SubscriberId, at_ns: u64) -> Option<&Subscriber> {
        let versions = self.rows.get(&id)?.iter();
        versions.rev().find(|(since, _)| *since <= at_ns).and_then(|(_, row)| row.as_ref())
    }

    /// A page of members.
    pub(super) fn members(
        &self,
        list: ListId,
        shard: Shard,
        after: Option<SubscriberId>,
        page: usize,
    ) -> Vec<Member> {
        let first = SubscriberId::from_number(0).unwrap_or(SubscriberId::MAX);
        let from = after.map_or(Bound::Included((list, first)), |id| Bound::Excluded((list, id)));
        let members = self.members.range((from, Bound::Included((list, SubscriberId::MAX))));
        let here = members.skip_while(|((_, id), _)| id.shard() < shard);
        here.take_while(|((_, id), _)| id.shard() == shard).take(page).map(|(_, member)| *member).collect()
    }
}

/// How long somebody's change may go unseen: an eventually consistent read, and what a clock may be off.
pub const UNSEEN_NS: u64 = super::audience::EVENTUALLY_NS + SECOND;
