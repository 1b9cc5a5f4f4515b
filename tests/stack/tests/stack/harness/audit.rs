//! What holds at the end of every scenario.
//!
//! * I1: nobody got more than one copy of a campaign, and each one the ledger calls accepted or bounced got it.
//! * I2: a finished campaign's audience is sealed, and everybody in it ended, the failed with their reasons.
//! * I3: nobody of a finished or cancelled campaign is left in between.
//! * I6: counters equal a recount of the ledger.
//! * I7: who was skipped or failed otherwise got nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fanmail_domain::{
    Batch, BatchId, CampaignId, CampaignStatus, EmailAddress, FailReason, Lane, LaneNo, RecipientState,
    SubscriberId, Tally,
};
use fanmail_engine::ports::{Campaigns, Ledger as _};

use super::{World, ses};

/// The ledger of one campaign.
#[derive(Debug, PartialEq)]
pub(crate) struct Ledger {
    pub(crate) campaign: CampaignId,
    pub(crate) batches: Vec<Batch>,
    pub(crate) states: BTreeMap<SubscriberId, RecipientState>,
}

impl Ledger {
    /// Everybody in a state, whatever the reason.
    pub(crate) fn in_state(&self, name: &str) -> BTreeSet<SubscriberId> {
        let states = self.states.iter().filter(|(_, state)| state.name() == name);
        states.map(|(id, _)| *id).collect()
    }
}

impl World {
    /// What stands in the ledger now.
    pub(crate) async fn ledger(&self, campaign: CampaignId) -> Ledger {
        let mut batches = Vec::new();
        self.stack().store.all_batches(campaign, |batch| batches.push(batch)).await.unwrap();
        let entries: Vec<_> = batches.iter().flat_map(|batch| &batch.entries).copied().collect();
        let states: BTreeMap<_, _> = entries.iter().map(|entry| (entry.subscriber, entry.state)).collect();
        assert_eq!(states.len(), entries.len(), "somebody is in campaign {campaign} twice");
        Ledger { campaign, batches, states }
    }

    /// One batch of the first lane.
    pub(crate) async fn batch(&self, campaign: CampaignId, seq: u32) -> Batch {
        let id = BatchId { campaign, lane: LaneNo(0), seq };
        self.stack().store.batch(id).await.unwrap().unwrap()
    }

    /// Copies of each person, as the provider counted them.
    pub(crate) fn copies(&self) -> HashMap<SubscriberId, u32> {
        let taken = match &self.ses {
            Some(ses) => ses::recipients(ses),
            None => self.inbox().recipients(),
        };
        taken.iter().map(|(address, copies)| (self.id_at(address), *copies)).collect()
    }

    /// Whose address this is.
    pub(crate) fn id_at(&self, address: &str) -> SubscriberId {
        SubscriberId::derive(&EmailAddress::parse(address).unwrap(), 0)
    }

    /// Asserts everything above.
    pub(super) async fn audit(&self, campaigns: &[CampaignId]) {
        let mut expected: HashMap<SubscriberId, (u32, u32)> = HashMap::new();
        for campaign in campaigns {
            let ledger = self.ledger(*campaign).await;
            self.audit_counters(&ledger).await;
            for (id, state) in &ledger.states {
                let (least, most) = expected.entry(*id).or_default();
                // What bounced had been taken.
                let bounced = RecipientState::Failed(FailReason::Bounced);
                let taken = *state == RecipientState::Accepted || *state == bounced;
                *least += u32::from(taken);
                *most += u32::from(taken || *state == RecipientState::InDoubt);
            }
        }
        let copies = self.copies();
        for (id, (least, most)) in &expected {
            let got = copies.get(id).copied().unwrap_or_default();
            assert!(
                (*least..=*most).contains(&got),
                "{id} got {got} copies, and {least} to {most} are right"
            );
        }
        assert!(copies.keys().all(|id| expected.contains_key(id)), "somebody got mail without a campaign");
    }

    async fn audit_counters(&self, ledger: &Ledger) {
        let id = ledger.campaign;
        let campaign = self.stack().store.campaign(id).await.unwrap().unwrap();
        let lanes = self.stack().store.lanes(id).await.unwrap();
        assert_eq!(lanes.len(), usize::from(campaign.lanes));
        let ended = matches!(campaign.state.status, CampaignStatus::Finished | CampaignStatus::Cancelled);
        for lane in &lanes {
            let batches: Vec<&Batch> =
                ledger.batches.iter().filter(|batch| batch.id.lane == lane.plan.no).collect();
            recount(lane, &batches);
            if ended {
                assert!(lane.is_complete(lane.plan.epoch), "campaign {id} has ended, lane {lane:?} has not");
                assert!(
                    batches.iter().all(|batch| batch.is_complete()),
                    "campaign {id} left somebody behind"
                );
            }
        }
        self.audit_failures(ledger, &lanes).await;
    }

    /// Everybody who failed has words, and they tell the ledger's reason.
    async fn audit_failures(&self, ledger: &Ledger, lanes: &[Lane]) {
        let mut told = BTreeMap::new();
        for lane in lanes {
            let mut after = None;
            loop {
                let page = self.stack().store.failures(ledger.campaign, lane.plan.no, after).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(last.subscriber);
                told.extend(page.into_iter().map(|failure| (failure.subscriber, failure.reason)));
            }
        }
        for (id, state) in &ledger.states {
            if let RecipientState::Failed(reason) = state {
                assert_eq!(told.get(id), Some(reason), "{id} failed for another reason than is told");
            }
        }
    }
}

fn recount(lane: &Lane, batches: &[&Batch]) {
    let plan = &lane.plan;
    let entries = || batches.iter().flat_map(|batch| &batch.entries);
    let counted: Tally = entries().filter(|entry| entry.counted).map(|entry| entry.state).collect();
    assert_eq!(lane.tally, counted, "the counters of lane {} are no recount of its ledger", plan.no);
    assert_eq!(plan.created as usize, batches.len(), "batches of lane {}", plan.no);
    assert_eq!(plan.recipients as usize, entries().count(), "recipients of lane {}", plan.no);
    let done = batches.iter().filter(|batch| batch.phase == fanmail_domain::Phase::Done);
    assert_eq!(lane.done as usize, done.count(), "ended batches of lane {}", plan.no);
}
