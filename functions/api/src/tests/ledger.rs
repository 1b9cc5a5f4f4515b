//! Campaigns with people in their ledger, as fan-out and senders write them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanmail_domain::{
    AudienceList, Batch, BatchEvent, BatchId, Campaign, CampaignEvent, CampaignId, Change, EmailAddress,
    Extras, FailReason, Failure, Holder, LaneCount, LaneEvent, LaneNo, LanePlan, ListId, Optin,
    RecipientEvent, RecipientState, SettingsPatch, SubscriberId, SubscriberStatus, SubscriptionStatus,
    Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, Ledger};
use fanmail_store::{CampaignDraft, Import, NewSubscriber, Overwrite};

use super::world::World;

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000);
const LATER: Timestamp = Timestamp(NOW.0 + 60_000);

/// How each recipient of a sent batch ends, over and over: every third is refused.
const ENDS: [RecipientEvent; 3] =
    [RecipientEvent::Accept, RecipientEvent::Accept, RecipientEvent::Fail(FailReason::Rejected)];

pub(super) fn address(n: usize) -> EmailAddress {
    EmailAddress::parse(&format!("p{n}@example.org")).unwrap()
}

pub(super) fn id(n: usize) -> SubscriberId {
    SubscriberId::derive(&address(n), 0)
}

impl World {
    /// A list of so many people.
    pub(super) async fn list(&self, people: usize) -> ListId {
        let list = self.store().create_list("friends", Optin::Single, NOW).await.unwrap().id;
        let row = |n| NewSubscriber {
            email: address(n),
            name: format!("Person {n}"),
            attribs: "{}".into(),
            status: SubscriberStatus::Enabled,
        };
        let rows: Vec<_> = (0..people).map(row).collect();
        let standing = SubscriptionStatus::Confirmed;
        let how = Import { lists: &[list], standing, overwrite: Overwrite::No, now: NOW };
        self.store().import(&rows, &how).await.unwrap();
        list
    }

    /// A campaign that runs in so many lanes, none of them planned.
    pub(super) async fn running(&self, list: ListId, lanes: u8) -> Campaign {
        let draft = CampaignDraft {
            name: "News".into(),
            subject: "Hello".into(),
            from: "news@acme.example".into(),
            html: "<p>News</p>".into(),
            text: None,
            extras: Extras::default(),
            audience: vec![AudienceList { list, optin: Optin::Single }],
            settings: SettingsPatch::default(),
            schedule: None,
        };
        let draft = self.store().create_campaign(&draft, NOW).await.unwrap();
        let after = Campaign { lanes, started_at: Some(NOW), ..changed(&draft, CampaignEvent::Start) };
        let plan =
            |no| LanePlan::planned(LaneNo(no), LanePlan::share(LaneNo(no), lanes), after.state.epoch, LATER);
        let plans: Vec<_> = (0..lanes).map(plan).collect();
        let begun = self.store().begin(&after, &plans, &entry(after.id, "v1", "started")).await.unwrap();
        assert_eq!(begun, Conditional::Applied);
        after
    }

    /// Plans the people of one lane among `0..people` in batches of `size`, the first `pages` pages of ten of
    /// them; seals the lane if that is all.
    pub(super) async fn plan(
        &self,
        campaign: &Campaign,
        no: LaneNo,
        people: usize,
        size: usize,
        pages: usize,
    ) {
        let (first, last) = LanePlan::share(no, campaign.lanes);
        let mut ids: Vec<_> = (0..people).map(id).filter(|id| (first..=last).contains(&id.shard())).collect();
        ids.sort_unstable();
        let batches: Vec<Batch> = (0..)
            .zip(ids.chunks(size))
            .map(|(seq, ids)| Batch::planned(BatchId { campaign: campaign.id, lane: no, seq }, ids))
            .collect();
        let mut plan = self.store().lane(campaign.id, no).await.unwrap().unwrap().plan;
        let epoch = campaign.state.epoch;
        plan = plan
            .apply(LaneEvent::Taken { holder: Holder(1), epoch, now: LATER, until: LATER, reopens: false })
            .unwrap();
        for page in batches.chunks(10).take(pages) {
            let recipients = page.iter().map(|batch| batch.entries.len() as u64).sum();
            let cursor = page.last().unwrap().entries.last().unwrap().subscriber;
            let batches = u32::try_from(page.len()).unwrap();
            plan = plan.apply(LaneEvent::Planned { batches, recipients, cursor }).unwrap();
            let batches = plan.created;
            plan = plan.apply(LaneEvent::Enqueued { batches }).unwrap();
            plan.rev += 1;
            let written = self.store().write_page(campaign.id, &plan, page).await.unwrap();
            assert_eq!(written, Conditional::Applied);
        }
        if batches.len() <= pages * 10 {
            plan = plan.apply(LaneEvent::Sealed).unwrap();
            plan.rev += 1;
            assert_eq!(self.store().write_plan(campaign.id, &plan).await.unwrap(), Conditional::Applied);
        }
    }

    /// A campaign to so many people, planned in batches of `size`.
    pub(super) async fn planned(&self, people: usize, lanes: u8, size: usize) -> Campaign {
        let list = self.list(people).await;
        let campaign = self.running(list, lanes).await;
        for no in 0..lanes {
            self.plan(&campaign, LaneNo(no), people, size, usize::MAX / 10).await;
        }
        campaign
    }

    /// The same, sent and finished.
    pub(super) async fn finished(&self, people: usize, lanes: u8, size: usize) -> Campaign {
        let campaign = self.planned(people, lanes, size).await;
        self.send_all(&campaign).await;
        let after = changed(&campaign, CampaignEvent::Finish);
        let finished = self.store().finish(&after, &entry(after.id, "v2", "finished")).await.unwrap();
        assert_eq!(finished, Conditional::Applied);
        after
    }

    /// Brings every batch to its end, one by one.
    pub(super) async fn send_all(&self, campaign: &Campaign) {
        let mut batches = Vec::new();
        self.store().all_batches(campaign.id, |batch| batches.push(batch)).await.unwrap();
        for batch in &batches {
            self.send(batch).await;
        }
    }

    async fn send(&self, batch: &Batch) {
        let lease = BatchEvent::LeaseTaken { holder: Holder(1), now: NOW, until: LATER };
        let leased = next(batch.clone().apply(&lease).unwrap());
        assert_eq!(self.store().write_batch(&leased).await.unwrap(), Conditional::Applied);
        let token = leased.token;
        let submits = |position| Change { position, event: RecipientEvent::Submit };
        let ends = |position| Change { position, event: ENDS[position % ENDS.len()] };
        let submits: Vec<_> = (0..batch.entries.len()).map(submits).collect();
        let ends: Vec<_> = (0..batch.entries.len()).map(ends).collect();
        let mut sent = leased;
        for changes in [&submits, &ends] {
            sent = sent.apply(&BatchEvent::Recorded { token, changes }).unwrap();
        }
        let done = next(sent.apply(&BatchEvent::Finished { token }).unwrap());
        let count = LaneCount::between(batch, &done, NOW);
        assert_eq!(self.store().count_batch(&done, &count).await.unwrap(), Conditional::Applied);
        self.store().record_failures(&failures(&done)).await.unwrap();
    }

    /// Leaves the first recipient of a batch in doubt, and the lane's counters with it.
    pub(super) async fn doubt(&self, id: BatchId) {
        let before = self.store().batch(id).await.unwrap().unwrap();
        let mut after = next(before.clone());
        after.entries[0].state = RecipientState::InDoubt;
        let lane = format!("LANE#{:02}", id.lane.0);
        let of = |batch: &Batch, state: RecipientState| {
            batch.entries.iter().filter(|entry| entry.state == state).count().to_string()
        };
        assert_eq!(self.store().write_batch(&after).await.unwrap(), Conditional::Applied);
        for state in [RecipientState::Accepted, RecipientState::InDoubt] {
            let count = AttributeValue::N(of(&after, state));
            self.set(&format!("C#{}", id.campaign), &lane, &format!("n{}", state.code()), count).await;
        }
    }

    /// Writes a batch as it must not be.
    pub(super) async fn damage(&self, id: BatchId, damage: impl FnOnce(&mut Batch)) {
        let mut batch = self.store().batch(id).await.unwrap().unwrap();
        damage(&mut batch);
        assert_eq!(self.store().write_batch(&next(batch)).await.unwrap(), Conditional::Applied);
    }

    /// Writes one attribute past the store.
    pub(super) async fn set(&self, pk: &str, sk: &str, name: &str, value: AttributeValue) {
        let key = key(pk, sk);
        let found = self.client.get_item().table_name("campaigns").set_key(Some(key)).send().await.unwrap();
        let mut item = found.item.expect("no such item");
        item.insert(name.to_owned(), value);
        let put = self.client.put_item().table_name("campaigns").set_item(Some(item));
        #[expect(clippy::disallowed_methods, reason = "it is to be damage, which no condition would allow")]
        put.send().await.unwrap();
    }

    /// Removes an item past the store.
    pub(super) async fn remove(&self, table: &str, pk: &str, sk: &str) {
        let delete = self.client.delete_item().table_name(table).set_key(Some(key(pk, sk)));
        #[expect(clippy::disallowed_methods, reason = "it is to be damage, which no condition would allow")]
        delete.send().await.unwrap();
    }
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    [("pk", pk), ("sk", sk)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

/// The words of each failure in a batch.
fn failures(batch: &Batch) -> Vec<Failure> {
    let failed = batch.entries.iter().filter(|entry| entry.state.name() == "failed");
    failed
        .map(|entry| Failure {
            campaign: batch.id.campaign,
            lane: batch.id.lane,
            subscriber: entry.subscriber,
            reason: FailReason::Rejected,
            code: Some(550),
            text: "=no, such \"mailbox\"".into(),
            at: NOW,
        })
        .collect()
}

pub(super) fn entry(campaign: CampaignId, key: &str, text: &str) -> JournalEntry {
    JournalEntry { campaign, at: NOW, key: key.into(), actor: "user".into(), text: text.into() }
}

fn changed(before: &Campaign, event: CampaignEvent) -> Campaign {
    Campaign { state: before.state.apply(event).unwrap(), updated_at: LATER, ..before.clone() }
}

fn next(batch: Batch) -> Batch {
    Batch { rev: batch.rev + 1, ..batch }
}
