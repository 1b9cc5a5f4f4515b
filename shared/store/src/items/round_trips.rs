//! Everything that can be written is read back as it was.

use std::collections::BTreeMap;

use fanmail_domain::batch::Entry;
use fanmail_domain::{
    AudienceList, Batch, BatchId, Campaign, CampaignId, CampaignState, CampaignStatus, Content, EmailAddress,
    Epoch, FailReason, Failure, FencingToken, Holder, LaneNo, LanePlan, List, ListId, Optin, Phase,
    RecipientState, SettingsPatch, Shard, StatusReason, Subscriber, SubscriberId, SubscriberStatus,
    SubscriptionStatus, Timestamp,
};
use fanmail_engine::ports::{JournalEntry, Member};
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
    (id(), select(RecipientState::ALL.to_vec()), any::<bool>())
        .prop_map(|(subscriber, state, counted)| Entry { subscriber, state, counted })
}

prop_compose! {
    fn batch()(
        (campaign, lane, seq) in (any::<u64>(), 0..64_u8, any::<u32>()),
        (rev, phase, token, stalls) in (any::<u32>(), phase(), any::<u32>(), any::<u8>()),
        entries in prop::collection::vec(entry(), 0..=100),
    ) -> Batch {
        let id = BatchId { campaign: CampaignId(campaign), lane: LaneNo(lane), seq };
        Batch { id, rev, phase, token: FencingToken(token), stalls, entries }
    }
}

prop_compose! {
    fn plan()(
        (no, first, last, rev) in (0..64_u8, 0..64_u8, 0..64_u8, any::<u32>()),
        (epoch, cursor, sealed, created) in (any::<u32>(), option::of(id()), any::<bool>(), any::<u32>()),
        (enqueued, recipients, holder, until) in (any::<u32>(), any::<u64>(), option::of(any::<u64>()), time()),
    ) -> LanePlan {
        LanePlan {
            no: LaneNo(no), shards: (Shard(first), Shard(last)), rev, epoch: Epoch(epoch), cursor, sealed,
            created, enqueued, recipients, holder: holder.map(Holder), until,
        }
    }
}

prop_compose! {
    fn campaign()(
        (id, name, subject, from) in (any::<u64>(), ".{0,20}", ".{0,20}", ".{0,20}"),
        lists in prop::collection::vec((any::<u64>(), select(vec![Optin::Single, Optin::Double])), 0..5),
        patch in (option::of(any::<u32>()), option::of(any::<u32>()), option::of(any::<u32>())),
        status in select(CampaignStatus::ALL.to_vec()),
        reason in option::of(select(StatusReason::ALL.to_vec())),
        (version, epoch, content_version, lanes) in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u8>()),
        (created_at, started_at, updated_at) in (time(), option::of(time()), time()),
    ) -> Campaign {
        let (message_rate, batch_size, max_conns) = patch;
        Campaign {
            id: CampaignId(id), name, subject, from,
            audience: lists.into_iter().map(|(id, optin)| AudienceList { list: ListId(id), optin }).collect(),
            settings: SettingsPatch { message_rate, batch_size, max_conns },
            state: CampaignState { status, reason, version, epoch: Epoch(epoch) },
            content_version, lanes, created_at, started_at, updated_at,
        }
    }
}

prop_compose! {
    fn row()(
        (name, attribs, rev, created_at) in (".{0,20}", ".{0,20}", any::<u32>(), time()),
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
        (html, text) in (".{0,40}", option::of(".{0,40}")),
    ) {
        let content = Content {
            campaign: CampaignId(id), version, campaign_name: "n".into(), subject: "s".into(),
            from: "f".into(), html, text,
        };
        prop_assert_eq!(super::content::decode(&super::content::encode(&content)), Ok(content));
    }

    #[test]
    fn a_failure_is_read_back_as_written(
        (campaign, lane, subscriber) in (any::<u64>(), 0..64_u8, id()),
        reason in select(vec![
            FailReason::Rejected, FailReason::Render, FailReason::Deferred, FailReason::Crashed,
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
        let entry = JournalEntry { campaign: CampaignId(campaign), at, key, actor: "sweeper", text };
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
