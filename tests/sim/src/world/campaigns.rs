//! The port to campaigns, their content and their journal.

use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Content, Lane, LaneNo, LanePlan, Tally};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, PortError};

use super::{Process, State};
use crate::faults::Service::Store;
use crate::scenario::Sabotage;
use crate::time::SECOND;

impl Campaigns for Process {
    async fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, PortError> {
        let stale = self.world.scenario.is_broken(Sabotage::StaleCampaigns);
        let read = move |state: &mut State, _: &str| {
            let recent = |(changed_ns, _): &&(u64, _)| stale && state.now_ns < changed_ns + 5 * SECOND;
            let before = state.stored.before.as_ref().filter(recent).map(|(_, before)| before);
            before.or_else(|| state.stored.campaigns.get(&id)).cloned()
        };
        self.call(Store, "read a campaign", read).await
    }

    async fn content(&self, id: CampaignId, version: u32) -> Result<Option<Content>, PortError> {
        let read = move |state: &mut State, _: &str| state.stored.contents.get(&(id, version)).cloned();
        self.call(Store, "read the content", read).await
    }

    async fn active(&self) -> Result<Vec<CampaignId>, PortError> {
        self.call(Store, "list active campaigns", |state, _| active(state)).await
    }

    async fn lanes(&self, id: CampaignId) -> Result<Vec<Lane>, PortError> {
        self.call(Store, "read the lanes", move |state, _| lanes(state, id)).await
    }

    async fn lane(&self, id: CampaignId, no: LaneNo) -> Result<Option<Lane>, PortError> {
        self.call(Store, "read a lane", move |state, _| state.stored.lanes.get(&(id, no)).cloned()).await
    }

    async fn begin(
        &self,
        after: &Campaign,
        lanes: &[LanePlan],
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let (after, lanes, entry) = (after.clone(), lanes.to_vec(), entry.clone());
        let begin = move |state: &mut State, who: &str| {
            let written = change(state, who, &after, &entry);
            if written == Conditional::Applied {
                state.witness.begun_ns.get_or_insert(state.now_ns);
                add_lanes(state, &after, lanes);
            }
            written
        };
        self.call(Store, "begin", begin).await
    }

    async fn transition(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let (after, entry) = (after.clone(), entry.clone());
        self.call(Store, "change the campaign", move |state, who| change(state, who, &after, &entry)).await
    }

    async fn finish(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let (after, entry) = (after.clone(), entry.clone());
        let finish = move |state: &mut State, who: &str| {
            if lanes(state, after.id).iter().all(Lane::is_complete) {
                return change(state, who, &after, &entry);
            }
            state.note(who, || "finish: refused, there is work left".into());
            Conditional::Rejected(state.stored.campaigns.get(&after.id).cloned())
        };
        self.call(Store, "finish", finish).await
    }

    async fn journal(&self, entry: &JournalEntry) -> Result<(), PortError> {
        let entry = entry.clone();
        self.call(Store, "write to the journal", move |state, who| journal(state, who, &entry)).await
    }
}

fn active(state: &State) -> Vec<CampaignId> {
    let begun = |campaign: &&Campaign| match campaign.state.status {
        CampaignStatus::Draft | CampaignStatus::Cancelled | CampaignStatus::Finished => false,
        CampaignStatus::Scheduled | CampaignStatus::Running | CampaignStatus::Paused => true,
    };
    state.stored.campaigns.values().filter(begun).map(|campaign| campaign.id).collect()
}

fn lanes(state: &State, id: CampaignId) -> Vec<Lane> {
    let of = state.stored.lanes.iter().filter(|((campaign, _), _)| *campaign == id);
    of.map(|(_, lane)| lane.clone()).collect()
}

fn add_lanes(state: &mut State, campaign: &Campaign, plans: Vec<LanePlan>) {
    for plan in plans {
        let lane = Lane { plan, done: 0, tally: Tally::default() };
        state.stored.lanes.insert((campaign.id, lane.plan.no), lane);
    }
}

/// Puts the campaign where the version before it stands, with its journal entry.
fn change(state: &mut State, who: &str, after: &Campaign, entry: &JournalEntry) -> Conditional<Campaign> {
    let stands = state.stored.campaigns.get(&after.id);
    if stands.is_none_or(|stands| stands.state.version + 1 != after.state.version) {
        let stands = stands.cloned();
        let version = stands.as_ref().map_or(0, |stands| stands.state.version);
        state.note(who, || format!("campaign v{}: refused, v{version} stands", after.state.version));
        return Conditional::Rejected(stands);
    }
    let (status, version, epoch) = (after.state.status, after.state.version, after.state.epoch);
    state.note(who, || format!("campaign v{version}: {status}, epoch {epoch}: {}", entry.text));
    state.witness.statuses.push((state.now_ns, status));
    state.witness.rates.push((state.now_ns, after.settings.message_rate.unwrap_or_default()));
    let before = state.stored.campaigns.insert(after.id, after.clone());
    state.stored.before = before.map(|before| (state.now_ns, before));
    journal(state, who, entry);
    Conditional::Applied
}

fn journal(state: &mut State, who: &str, entry: &JournalEntry) {
    state.note(who, || format!("journal: {}", entry.text));
    state.stored.journal.insert((entry.at.0, entry.key.clone()), entry.clone());
}
