//! Campaigns, lanes, batches and people to write.

use fanmail_domain::{
    AudienceList, Batch, BatchEvent, BatchId, Campaign, CampaignEvent, CampaignId, Change, EmailAddress,
    Epoch, Extras, Holder, LaneCount, LaneEvent, LaneNo, LanePlan, ListId, Optin, RecipientEvent,
    SettingsPatch, SubscriberId, SubscriberStatus, SubscriptionStatus, Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, Ledger};
use fanmail_store::{CampaignDraft, Import, NewSubscriber, Overwrite, Store};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const LATER: Timestamp = Timestamp(NOW.0 + 60_000);

pub(crate) fn draft() -> CampaignDraft {
    CampaignDraft {
        name: "News".into(),
        subject: "Hello".into(),
        from: "news@example.org".into(),
        html: "<p>Hi {{ name }}</p>".into(),
        text: None,
        extras: Extras::default(),
        audience: vec![AudienceList { list: ListId(1), optin: Optin::Single }],
        settings: SettingsPatch { batch_size: Some(50), ..SettingsPatch::default() },
        schedule: None,
    }
}

pub(crate) fn entry(campaign: CampaignId, key: &str) -> JournalEntry {
    JournalEntry { campaign, at: NOW, key: key.into(), actor: "user".into(), text: "for a reason".into() }
}

/// The campaign as it is to be after `event`.
pub(crate) fn after(before: &Campaign, event: CampaignEvent) -> Campaign {
    let state = before.state.apply(event).unwrap();
    Campaign { state, updated_at: Timestamp(before.updated_at.0 + 1), ..before.clone() }
}

/// The started campaign and its lanes' plans.
pub(crate) fn started(before: &Campaign, lanes: u8) -> (Campaign, Vec<LanePlan>) {
    let after = Campaign { lanes, started_at: Some(NOW), ..after(before, CampaignEvent::Start) };
    let plan =
        |no| LanePlan::planned(LaneNo(no), LanePlan::share(LaneNo(no), lanes), after.state.epoch, LATER);
    let plans = (0..lanes).map(plan).collect();
    (after, plans)
}

/// A running campaign with this many lanes.
pub(crate) async fn running(store: &Store, lanes: u8) -> Campaign {
    let campaign = store.create_campaign(&draft(), NOW).await.unwrap();
    let (campaign, plans) = started(&campaign, lanes);
    let begun = store.begin(&campaign, &plans, &entry(campaign.id, "v1")).await.unwrap();
    assert_eq!(begun, Conditional::Applied);
    campaign
}

/// Plans `count` batches of `size` in lane 0 and seals it; answers the batches as written.
pub(crate) async fn sealed(store: &Store, campaign: CampaignId, count: u32, size: u32) -> Vec<Batch> {
    let batches: Vec<Batch> = (0..count).map(|seq| batch(campaign, seq, size)).collect();
    let mut plan = store.lane(campaign, LaneNo(0)).await.unwrap().unwrap().plan;
    plan = plan.apply(taken()).unwrap();
    for page in batches.chunks(10) {
        let cursor = page.last().unwrap().entries.last().unwrap().subscriber;
        let batches = u32::try_from(page.len()).unwrap();
        let recipients = u64::from(batches * size);
        plan = plan.apply(LaneEvent::Planned { batches, recipients, cursor }).unwrap();
        plan.rev += 1;
        assert_eq!(store.write_page(campaign, &plan, page).await.unwrap(), Conditional::Applied);
    }
    plan = plan.apply(LaneEvent::Sealed).unwrap();
    plan = plan.apply(LaneEvent::Enqueued { batches: count }).unwrap();
    plan.rev += 1;
    assert_eq!(store.write_plan(campaign, &plan).await.unwrap(), Conditional::Applied);
    batches
}

pub(crate) fn taken() -> LaneEvent {
    LaneEvent::Taken {
        holder: Holder(1),
        epoch: Epoch(1),
        now: LATER,
        until: Timestamp(LATER.0 + 1),
        reopens: false,
    }
}

/// A planned batch of lane 0.
pub(crate) fn batch(campaign: CampaignId, seq: u32, size: u32) -> Batch {
    let id = BatchId { campaign, lane: LaneNo(0), seq };
    let ids: Vec<SubscriberId> = (0..size)
        .map(|position| SubscriberId::from_number(u64::from(seq) * 1_000 + u64::from(position)).unwrap())
        .collect();
    Batch::planned(id, &ids)
}

/// The batch in the hands of `holder`.
pub(crate) fn leased(before: &Batch, holder: u64) -> Batch {
    let take = BatchEvent::LeaseTaken { holder: Holder(holder), now: NOW, until: LATER };
    next(before.clone().apply(&take).unwrap())
}

/// The leased batch with everybody accepted, and done.
pub(crate) fn done(before: &Batch) -> Batch {
    let mut batch = before.clone();
    for event in [RecipientEvent::Submit, RecipientEvent::Accept] {
        let changes: Vec<Change> =
            (0..batch.entries.len()).map(|position| Change { position, event }).collect();
        batch = batch.apply(&BatchEvent::Recorded { token: before.token, changes: &changes }).unwrap();
    }
    next(batch.apply(&BatchEvent::Finished { token: before.token }).unwrap())
}

/// What the change means for the lane's counters.
pub(crate) fn count(before: &Batch, after: &Batch) -> LaneCount {
    LaneCount::between(before, after, LATER)
}

pub(crate) fn next(batch: Batch) -> Batch {
    Batch { rev: batch.rev + 1, ..batch }
}

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn person(email: &str) -> NewSubscriber {
    NewSubscriber {
        email: address(email),
        name: "Some One".into(),
        attribs: "{}".into(),
        status: SubscriberStatus::Enabled,
    }
}

pub(crate) fn people(count: usize) -> Vec<NewSubscriber> {
    (0..count).map(|number| person(&format!("person{number}@example.org"))).collect()
}

pub(crate) fn onto(lists: &[ListId]) -> Import<'_> {
    Import { lists, standing: SubscriptionStatus::Confirmed, overwrite: Overwrite::No, now: NOW }
}
