//! Everything that can be written is read back as it was.

use std::collections::BTreeMap;

use fanmail_domain::batch::Entry;
use fanmail_domain::{
    AudienceList, Batch, BatchId, Campaign, CampaignId, CampaignState, CampaignStatus, Content, EmailAddress,
    Epoch, FailReason, Failure, FencingToken, Holder, LaneNo, LanePlan, List, ListId, Optin, Phase,
    RecipientState, Retry, Schedule, Settings, SettingsPatch, Shard, SlidingWindow, StatusReason, Subscriber,
    SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp, WindowLog, window::Grant,
};
use fanmail_domain::{Extras, Header};
use fanmail_engine::ports::{JournalEntry, Member, WindowKey};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::subscriber::Row;

fn id() -> impl Strategy<Value = SubscriberId> {
    (0..=SubscriberId::MAX.number()).prop_map(|number| SubscriberId::from_number(number).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp)
}

fn phase() -> impl Strategy<Value = Phase> {
    let leased = (any::<u64>(), time()).prop_map(|(id, until)| Phase::Leased { holder: Holder(id), until });
    prop_oneof![Just(Phase::Queued), leased, Just(Phase::Done)]
}

fn entry() -> impl Strategy<Value = Entry> {
    (id(), select(RecipientState::ALL.to_vec()), any::<bool>(), any::<u8>())
        .prop_map(|(subscriber, state, counted, attempts)| Entry { subscriber, state, counted, attempts })
}

prop_compose! {
    fn batch()(
        (campaign, lane, seq) in (any::<u64>(), 0..64_u8, any::<u32>()),
        (rev, phase, token, stalls) in (any::<u32>(), phase(), any::<u32>(), any::<u8>()),
        (reopened, changed_at) in (any::<u32>(), time()),
        entries in prop::collection::vec(entry(), 0..=100),
    ) -> Batch {
        let id = BatchId { campaign: CampaignId(campaign), lane: LaneNo(lane), seq };
        let (token, reopened) = (FencingToken(token), Epoch(reopened));
        Batch { id, rev, phase, token, stalls, reopened, changed_at, entries }
    }
}

prop_compose! {
    fn plan()(
        (no, first, last, rev) in (0..64_u8, 0..64_u8, 0..64_u8, any::<u32>()),
        (epoch, cursor, sealed, created) in (any::<u32>(), option::of(id()), any::<bool>(), any::<u32>()),
        (enqueued, recipients, holder, until) in (any::<u32>(), any::<u64>(), option::of(any::<u64>()), time()),
        (low, rewound_at) in (any::<u32>(), time()),
    ) -> LanePlan {
        LanePlan {
            no: LaneNo(no), shards: (Shard(first), Shard(last)), rev, epoch: Epoch(epoch), cursor, sealed,
            created, enqueued, low, recipients, holder: holder.map(Holder), until, rewound_at,
        }
    }
}

fn sliding_window() -> impl Strategy<Value = Option<SlidingWindow>> {
    let window = |(rate, duration_s)| SlidingWindow { rate, duration_s };
    option::of((any::<u32>(), any::<u32>()).prop_map(window))
}

prop_compose! {
    fn patch()(
        (message_rate, batch_size, max_conns) in
            (option::of(any::<u32>()), option::of(any::<u32>()), option::of(any::<u32>())),
        (max_send_errors, sliding_window) in (option::of(any::<u32>()), sliding_window()),
    ) -> SettingsPatch {
        SettingsPatch { message_rate, batch_size, max_conns, max_send_errors, sliding_window }
    }
}

prop_compose! {
    fn retry()(
        epoch in any::<u32>(),
        states in prop::collection::btree_set(select(RecipientState::ALL.to_vec()), 0..5),
        only in prop::collection::btree_set(id(), 0..5),
    ) -> Retry {
        Retry { epoch: Epoch(epoch), states, only }
    }
}

prop_compose! {
    fn campaign()(
        (id, name, subject, from) in (any::<u64>(), ".{0,20}", ".{0,20}", ".{0,20}"),
        lists in prop::collection::vec((any::<u64>(), select(vec![Optin::Single, Optin::Double])), 0..5),
        (settings, retry, failed_before) in (patch(), option::of(retry()), any::<u64>()),
        schedule in option::of((time(), time())),
        status in select(CampaignStatus::ALL.to_vec()),
        (reason, until) in (option::of(select(StatusReason::ALL.to_vec())), option::of(time())),
        (version, epoch, content_version, lanes) in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u8>()),
        (created_at, started_at, updated_at) in (time(), option::of(time()), time()),
    ) -> Campaign {
        let schedule = schedule.map(|(send_at, not_after)| Schedule { send_at, not_after });
        Campaign {
            id: CampaignId(id), name, subject, from,
            audience: lists.into_iter().map(|(id, optin)| AudienceList { list: ListId(id), optin }).collect(),
            settings, schedule, retry, failed_before,
            state: CampaignState { status, reason, until, version, epoch: Epoch(epoch) },
            content_version, lanes, created_at, started_at, updated_at,
        }
    }
}

prop_compose! {
    fn row()(
        (name, rev, created_at) in (".{0,20}", any::<u32>(), time()),
        attribs in prop_oneof![Just("{}".to_owned()), ".{0,20}"],
        local in "[a-z0-9]{1,20}",
        status in select(vec![
            SubscriberStatus::Enabled, SubscriberStatus::Disabled, SubscriberStatus::Blocklisted,
        ]),
        lists in prop::collection::btree_map(any::<u64>().prop_map(ListId), select(vec![
            SubscriptionStatus::Unconfirmed, SubscriptionStatus::Confirmed, SubscriptionStatus::Unsubscribed,
        ]), 0..5),
        (id, shared) in (id(), any::<bool>()),
    ) -> Row {
        let email = EmailAddress::parse(&format!("{local}@example.org")).unwrap();
        let lists: BTreeMap<_, _> = lists;
        Row { subscriber: Subscriber { id, email, name, attribs, status, lists, rev, created_at }, shared }
    }
}

proptest! {
    #[test]
    fn a_batch_is_read_back_as_written(batch in batch()) {
        prop_assert_eq!(super::batch::decode(&super::batch::encode(&batch)), Ok(batch));
    }

    #[test]
    fn a_lane_is_read_back_as_written(plan in plan(), campaign in any::<u64>()) {
        let lane = super::lane::decode(&super::lane::encode(CampaignId(campaign), &plan)).unwrap();
        prop_assert_eq!((lane.plan, lane.done, lane.tally.total()), (plan, 0, 0));
    }

    #[test]
    fn a_window_is_read_back_as_written(
        (rev, writer) in (any::<u32>(), any::<u64>()),
        grants in prop::collection::vec((time(), any::<u32>()), 0..70),
        lines in prop::collection::btree_map(any::<u64>().prop_map(CampaignId), time(), 0..17),
    ) {
        let grants = grants.into_iter().map(|(at, shares)| Grant { at, shares }).collect();
        let log = WindowLog { rev, writer: Holder(writer), grants, lines };
        let item = super::window::encode(WindowKey::System, &log);
        prop_assert_eq!(super::window::decode(&item), Ok(log));
    }

    #[test]
    fn settings_are_read_back_as_written(
        (concurrency, message_rate, batch_size) in (any::<u32>(), any::<u32>(), any::<u32>()),
        (max_conns, max_send_errors, sliding_window) in (any::<u32>(), any::<u32>(), sliding_window()),
        (provider_rate, rev) in (option::of(any::<u32>()), any::<u32>()),
    ) {
        let settings = Settings {
            concurrency, message_rate, batch_size, max_conns, max_send_errors, sliding_window, provider_rate,
        };
        let item = super::settings::encode(&settings, rev);
        prop_assert_eq!(super::settings::decode(&item), Ok((settings, rev)));
    }

    #[test]
    fn a_campaign_is_read_back_as_written(campaign in campaign()) {
        prop_assert_eq!(super::campaign::decode(&super::campaign::encode(&campaign)), Ok(campaign));
    }

    #[test]
    fn a_subscriber_is_read_back_as_written(row in row()) {
        let read = super::subscriber::decode(&super::subscriber::encode(&row));
        prop_assert_eq!(read, Ok(Some(row.clone())));
        let gone = super::subscriber::encode_gone(row.subscriber.id);
        prop_assert_eq!(super::subscriber::decode(&gone), Ok(None));
    }

    #[test]
    fn a_membership_is_read_back_as_written(id in id(), joined_at in time(), list in any::<u64>()) {
        let member = Member { id, joined_at };
        let item = super::membership::encode(ListId(list), member);
        prop_assert_eq!(super::membership::decode(&item), Ok(member));
    }

    #[test]
    fn content_is_read_back_as_written(
        (id, version) in (any::<u64>(), any::<u32>()),
        (html, text, value) in (".{0,40}", option::of(".{0,40}"), option::of(".{0,9}")),
    ) {
        let header = |value: String| Header { name: "X".into(), value };
        let extras = Extras { headers: value.map(header).into_iter().collect(), ..Extras::default() };
        let content = Content {
            campaign: CampaignId(id), version, campaign_name: "n".into(), subject: "s".into(),
            from: "f".into(), html, text, extras,
        };
        prop_assert_eq!(super::content::decode(&super::content::encode(&content)), Ok(content));
    }

    #[test]
    fn a_failure_is_read_back_as_written(
        (campaign, lane, subscriber) in (any::<u64>(), 0..64_u8, id()),
        reason in select(vec![
            FailReason::Rejected, FailReason::Render, FailReason::Deferred, FailReason::Crashed,
            FailReason::Bounced,
        ]),
        (code, text, at) in (option::of(any::<u16>()), ".{0,40}", time()),
    ) {
        let (campaign, lane) = (CampaignId(campaign), LaneNo(lane));
        let failure = Failure { campaign, lane, subscriber, reason, code, text, at };
        prop_assert_eq!(super::failure::decode(&super::failure::encode(&failure)), Ok(failure));
    }

    #[test]
    fn a_journal_entry_is_read_back_as_written(
        (campaign, at, key, text) in (any::<u64>(), time(), "[a-z0-9#/-]{1,20}", ".{0,40}"),
    ) {
        let entry = JournalEntry { campaign: CampaignId(campaign), at, key, actor: "sweeper".into(), text };
        prop_assert_eq!(super::journal::decode(&super::journal::encode(&entry)), Ok(entry));
    }

    #[test]
    fn a_list_is_read_back_as_written(
        (id, name, subscribers, created_at) in (any::<u64>(), ".{0,20}", 0..u64::MAX / 2, time()),
        optin in select(vec![Optin::Single, Optin::Double]),
    ) {
        let list = List { id: ListId(id), name, optin, subscribers, created_at };
        prop_assert_eq!(super::list::decode(&super::list::encode(&list)), Ok(list));
    }
}
