//! Comparing the ledger with what the provider took.

use std::collections::BTreeMap;

use fanmail_domain::{
    Batch, CampaignId, CampaignStatus, FailReason, Phase, RecipientState, SubscriberId, Tally,
};

use crate::{CAMPAIGN, World};

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Where the campaign stands.
    pub status: CampaignStatus,
    /// How the recipients ended.
    pub tally: Tally,
    /// What the ledger says of each recipient.
    pub states: BTreeMap<SubscriberId, RecipientState>,
}

impl Outcome {
    /// How many recipients are in the states of this name.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.states.values().filter(|state| state.name() == name).count() as u64
    }
}

impl World {
    /// Checks what has to hold after every run, and answers what the campaign came to.
    ///
    /// # Panics
    ///
    /// If somebody got the message twice (I1), the finished campaign has open recipients (I2, I3), the
    /// counters are not a recount of the ledger (I6), or the ledger and the provider disagree.
    pub fn check(&self) -> Outcome {
        self.check_campaign(CAMPAIGN)
    }

    /// The same for any campaign.
    ///
    /// # Panics
    ///
    /// As for [`World::check`].
    pub fn check_campaign(&self, id: CampaignId) -> Outcome {
        let status = self.campaign_now(id).state.status;
        let states = self.ledger(id);
        let copies = self.copies(id);
        for (id, copies) in &copies {
            assert_eq!(*copies, 1, "{id} got {copies} copies");
        }
        for (id, state) in &states {
            assert!(status != CampaignStatus::Finished || state.is_terminal(), "{id} is {}", state.name());
            match state {
                RecipientState::Accepted => assert!(copies.contains_key(id), "{id} never got it"),
                // A bounce is of a message that was taken.
                RecipientState::InDoubt
                | RecipientState::Submitting
                | RecipientState::Failed(FailReason::Bounced) => {}
                RecipientState::Pending
                | RecipientState::Preparing
                | RecipientState::Failed(_)
                | RecipientState::Skipped(_) => {
                    assert!(!copies.contains_key(id), "{id} got it and is {}", state.name());
                }
            }
        }
        Outcome { status, tally: self.check_counters(id), states }
    }

    /// How many copies of a campaign each subscriber got.
    pub fn copies(&self, of: CampaignId) -> BTreeMap<SubscriberId, usize> {
        let mut copies = BTreeMap::new();
        for taken in self.state().accepted.iter().filter(|taken| taken.letter.campaign == of) {
            *copies.entry(taken.letter.to).or_default() += 1;
        }
        copies
    }

    fn ledger(&self, of: CampaignId) -> BTreeMap<SubscriberId, RecipientState> {
        let state = self.state();
        let mut states = BTreeMap::new();
        let batches = state.batches.values().filter(|batch| batch.id.campaign == of);
        for entry in batches.flat_map(|batch| &batch.entries) {
            let twice = states.insert(entry.subscriber, entry.state);
            assert!(twice.is_none(), "{} is in two batches", entry.subscriber);
        }
        states
    }

    fn check_counters(&self, of: CampaignId) -> Tally {
        let state = self.state();
        let mut all = Tally::default();
        for ((_, no), lane) in state.lanes.iter().filter(|((id, _), _)| *id == of) {
            let here = |batch: &&Batch| (batch.id.campaign, batch.id.lane) == (of, *no);
            let batches = || state.batches.values().filter(here);
            let entries = batches().flat_map(|batch| &batch.entries);
            let recount: Tally = entries.filter(|entry| entry.counted).map(|entry| entry.state).collect();
            assert_eq!(lane.tally, recount, "counters of lane {no}");
            let done = batches().filter(|batch| batch.phase == Phase::Done).count();
            assert_eq!(
                (lane.done as usize, lane.plan.created as usize),
                (done, batches().count()),
                "lane {no}"
            );
            all.add_all(&recount);
        }
        all
    }
}
