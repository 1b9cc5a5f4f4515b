//! The port to campaigns, their content and their journal.

use fanmail_domain::{
    Campaign, CampaignId, CampaignStatus, Content, Lane, LaneNo, LanePlan, Retry, Settings, SubscriberId,
    Tally, Timestamp,
};
use fanmail_engine::ports::{Campaigns, Conditional, JournalEntry, PortError};

use super::{Process, State};
use crate::faults::Service::Store;
use crate::oracle::witness::Retried;
use crate::scenario::Sabotage;
use crate::time::SECOND;

impl Process {
    /// Changes the settings of all campaigns, as the API does: one write of one item.
    pub(crate) async fn change_settings(&self, settings: Settings) -> Result<(), PortError> {
        let world = self.world.clone();
        let change = move |state: &mut State, who: &str| {
            state.note(who, || format!("{settings:?}"));
            state.settings_change(&world.scenario, settings);
        };
        self.call(Store, "change the settings", change).await
    }
}

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

    async fn settings(&self) -> Result<Settings, PortError> {
        self.call(Store, "read the settings", |state, _| state.stored.settings).await
    }

    async fn active(&self) -> Result<Vec<CampaignId>, PortError> {
        self.call(Store, "list active campaigns", |state, _| state.stored.active.iter().copied().collect())
            .await
    }

    async fn lanes(&self, id: CampaignId) -> Result<Vec<Lane>, PortError> {
        let rash = self.world.scenario.is_broken(Sabotage::RashFinish);
        let read = move |state: &mut State, _: &str| {
            let mut lanes = lanes(state, id);
            let epoch = state.stored.campaign().state.epoch;
            for lane in lanes.iter_mut().filter(|_| rash) {
                (lane.plan.epoch, lane.plan.enqueued) = (epoch, lane.plan.created);
            }
            lanes
        };
        self.call(Store, "read the lanes", read).await
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

    async fn edit(
        &self,
        after: &Campaign,
        content: &Content,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let (after, content, entry) = (after.clone(), content.clone(), entry.clone());
        let edit = move |state: &mut State, who: &str| {
            let written = change(state, who, &after, &entry);
            if written == Conditional::Applied {
                state.stored.contents.insert((after.id, content.version), content);
            }
            written
        };
        self.call(Store, "edit the campaign", edit).await
    }

    async fn retire(&self, seen: &Campaign) -> Result<Conditional<Campaign>, PortError> {
        let (id, version) = (seen.id, seen.state.version);
        let retire = move |state: &mut State, who: &str| {
            let stands = state.stored.campaigns.get(&id);
            if stands.is_none_or(|stands| stands.state.version != version) {
                return Conditional::Rejected(stands.cloned());
            }
            state.note(who, || "the campaign is closed".into());
            state.stored.active.remove(&id);
            Conditional::Applied
        };
        self.call(Store, "retire the campaign", retire).await
    }

    async fn finish(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> Result<Conditional<Campaign>, PortError> {
        let (after, entry) = (after.clone(), entry.clone());
        let rash = self.world.scenario.is_broken(Sabotage::RashFinish);
        let finish = move |state: &mut State, who: &str| {
            let complete = |lane: &Lane| lane.is_complete(after.state.epoch);
            let counted = |lane: &Lane| rash && lane.plan.sealed && lane.done == lane.plan.created;
            if lanes(state, after.id).iter().all(|lane| complete(lane) || counted(lane)) {
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

fn lanes(state: &State, id: CampaignId) -> Vec<Lane> {
    let of = state.stored.lanes.iter().filter(|((campaign, _), _)| *campaign == id);
    of.map(|(_, lane)| lane.clone()).collect()
}

fn add_lanes(state: &mut State, campaign: &Campaign, plans: Vec<LanePlan>) {
    for plan in plans {
        let lane = Lane { plan, done: 0, tally: Tally::default(), moved_at: Timestamp(0) };
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
    let known = state.witness.retries.last().map(|retried| retried.retry.epoch);
    if let Some(retry) = after.retry.clone().filter(|retry| Some(retry.epoch) != known) {
        let named = named_by(state, &retry);
        state.witness.retries.push(Retried { at_ns: state.now_ns, retry, named });
    }
    match status {
        CampaignStatus::Scheduled | CampaignStatus::Running => state.stored.active.insert(after.id),
        CampaignStatus::Draft | CampaignStatus::Finished => state.stored.active.remove(&after.id),
        CampaignStatus::Cancelled if after.lanes == 0 => state.stored.active.remove(&after.id),
        CampaignStatus::Paused | CampaignStatus::Cancelled => false,
    };
    let before = state.stored.campaigns.insert(after.id, after.clone());
    state.stored.before = before.map(|before| (state.now_ns, before));
    journal(state, who, entry);
    Conditional::Applied
}

/// Whose ends a retry takes back.
fn named_by(state: &State, retry: &Retry) -> Vec<SubscriberId> {
    let entries = state.stored.batches.values().flat_map(|batch| &batch.entries);
    entries.filter(|entry| retry.names(entry)).map(|entry| entry.subscriber).collect()
}

fn journal(state: &mut State, who: &str, entry: &JournalEntry) {
    state.note(who, || format!("journal: {}", entry.text));
    let before = state.stored.journal.insert((entry.at.0, entry.key.clone()), entry.clone());
    if let Some(before) = before.filter(|before| before.text != entry.text) {
        let text = format!("a line of the journal is overwritten: {} by {}", before.text, entry.text);
        state.witness.errors.push(text);
    }
}
