//! Campaigns, content, lanes and journal, in memory.

use fanmail_domain::{
    Campaign, CampaignId, CampaignStatus, Content, Lane, LaneNo, LanePlan, Settings, Tally, Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, PortError};

use crate::World;
use crate::world::State;

impl Campaigns for World {
    async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, PortError> {
        self.call("campaign", |state| state.campaigns.get(&id).cloned())
    }

    async fn content(&self, id: CampaignId, version: u32) -> Result<Option<Content>, PortError> {
        self.call("content", |state| state.contents.get(&(id, version)).cloned())
    }

    async fn settings(&self) -> Result<Settings, PortError> {
        self.call("settings", |state| state.settings)
    }

    async fn active(&self) -> Result<Vec<CampaignId>, PortError> {
        self.call("active", |state| state.active.iter().copied().collect())
    }

    async fn lanes(&self, id: CampaignId) -> Result<Vec<Lane>, PortError> {
        self.call("lanes", |state| lanes(state, id))
    }

    async fn lane(&self, id: CampaignId, no: LaneNo) -> Result<Option<Lane>, PortError> {
        self.call("lane", |state| state.lanes.get(&(id, no)).cloned())
    }

    async fn begin(
        &self,
        after: &Campaign,
        lanes: &[LanePlan],
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        self.call("begin", |state| {
            change(state, after, entry, |state| {
                for plan in lanes {
                    let lane =
                        Lane { plan: plan.clone(), done: 0, tally: Tally::default(), moved_at: Timestamp(0) };
                    state.lanes.insert((after.id, plan.no), lane);
                }
            })
        })
    }

    async fn transition(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        self.call("transition", |state| change(state, after, entry, |_| {}))
    }

    async fn edit(
        &self,
        after: &Campaign,
        content: &Content,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        self.call("edit", |state| {
            change(state, after, entry, |state| {
                state.contents.insert((after.id, content.version), content.clone());
            })
        })
    }

    async fn retire(&self, seen: &Campaign) -> Result<Conditional<Campaign>, PortError> {
        self.call("retire", |state| {
            let stands = state.campaigns.get(&seen.id);
            if stands.is_none_or(|stands| stands.state.version != seen.state.version) {
                return Conditional::Rejected(stands.cloned());
            }
            state.active.remove(&seen.id);
            Conditional::Applied
        })
    }

    async fn finish(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        self.call("finish", |state| {
            let all = lanes(state, after.id);
            if all.iter().all(|lane| lane.is_complete(after.state.epoch)) {
                change(state, after, entry, |_| {})
            } else {
                Conditional::Rejected(state.campaigns.get(&after.id).cloned())
            }
        })
    }

    async fn journal(&self, entry: &JournalEntry) -> Result<(), PortError> {
        self.call("journal", |state| write_journal(state, entry))
    }
}

fn lanes(state: &State, id: CampaignId) -> Vec<Lane> {
    state.lanes.iter().filter(|((campaign, _), _)| *campaign == id).map(|(_, lane)| lane.clone()).collect()
}

fn change(
    state: &mut State,
    after: &Campaign,
    entry: &JournalEntry,
    more: impl FnOnce(&mut State),
) -> Conditional<Campaign> {
    let stands = state.campaigns.get(&after.id);
    if stands.is_none_or(|stands| stands.state.version + 1 != after.state.version) {
        return Conditional::Rejected(stands.cloned());
    }
    state.campaigns.insert(after.id, after.clone());
    match after.state.status {
        CampaignStatus::Scheduled | CampaignStatus::Running => state.active.insert(after.id),
        CampaignStatus::Draft | CampaignStatus::Finished => state.active.remove(&after.id),
        CampaignStatus::Cancelled if after.lanes == 0 => state.active.remove(&after.id),
        CampaignStatus::Paused | CampaignStatus::Cancelled => false,
    };
    write_journal(state, entry);
    more(state);
    Conditional::Applied
}

fn write_journal(state: &mut State, entry: &JournalEntry) {
    let same = |other: &JournalEntry| {
        (other.campaign, other.at, &other.key) == (entry.campaign, entry.at, &entry.key)
    };
    if !state.journal.iter().any(same) {
        state.journal.push(entry.clone());
    }
}
