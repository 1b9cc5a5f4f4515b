//! The world's state, and its clock.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanmail_domain::{
    Batch, BatchId, Campaign, CampaignId, Content, Failure, Lane, LaneNo, ListId, Settings, Subscriber,
    SubscriberId, Timestamp, WindowLog,
};
use fanmail_engine::ports::{Clock, JournalEntry, Member, WindowKey};
use fanmail_engine::sweep::SweepReport;

use crate::faults::{Fault, Interruption};
use crate::mailer::{Accepted, Answer, Mood};
use crate::tasks::Queued;

/// Everything outside the engine.
#[derive(Debug, Default)]
pub struct World(Mutex<State>);

/// What the world remembers.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) now_ns: u64,
    /// How long every call takes.
    pub(crate) latency_ns: u64,
    pub(crate) campaigns: BTreeMap<CampaignId, Campaign>,
    /// Campaigns that the sweeper looks at.
    pub(crate) active: BTreeSet<CampaignId>,
    pub(crate) settings: Settings,
    pub(crate) claimed_size: Option<u64>,
    pub(crate) windows: BTreeMap<WindowKey, WindowLog>,
    pub(crate) windows_lost: bool,
    pub(crate) contents: HashMap<(CampaignId, u32), Content>,
    pub(crate) journal: Vec<JournalEntry>,
    pub(crate) lanes: BTreeMap<(CampaignId, LaneNo), Lane>,
    pub(crate) batches: BTreeMap<BatchId, Batch>,
    pub(crate) failures: BTreeMap<(CampaignId, SubscriberId), Failure>,
    pub(crate) members: BTreeMap<(ListId, SubscriberId), Member>,
    pub(crate) subscribers: BTreeMap<SubscriberId, Subscriber>,
    pub(crate) queue: VecDeque<Queued>,
    /// Tasks being worked on: hidden, not gone.
    pub(crate) in_flight: u32,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) submitted: u64,
    pub(crate) mood: Option<Mood>,
    /// What the provider allows all senders, per second.
    pub(crate) ceiling: Option<u32>,
    /// Connections that the mailer may hold.
    pub(crate) max_conns: u32,
    pub(crate) answers: HashMap<SubscriberId, VecDeque<Answer>>,
    pub(crate) always: HashMap<SubscriberId, Answer>,
    /// Rows that eventually consistent reads do not see yet.
    pub(crate) unseen: HashSet<SubscriberId>,
    /// Up to which version of the content.
    pub(crate) unrenderable: HashMap<SubscriberId, u32>,
    pub(crate) killers: HashSet<SubscriberId>,
    pub(crate) calls: Vec<&'static str>,
    pub(crate) fault: Option<Fault>,
    pub(crate) interruption: Option<Interruption>,
    pub(crate) struck: Option<&'static str>,
    pub(crate) invocations: u64,
    pub(crate) sweeps: Vec<SweepReport>,
}

impl World {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `ms` milliseconds pass.
    pub fn pass_ms(&self, ms: u64) {
        self.state().now_ns += ms * 1_000_000;
    }

    /// Lets every call of a port take `ms` milliseconds from now on.
    pub fn set_latency_ms(&self, ms: u64) {
        self.state().latency_ns = ms * 1_000_000;
    }

    /// When the provider took messages, in order.
    pub fn accepted_at(&self) -> Vec<Timestamp> {
        self.accepted().iter().map(|taken| taken.at).collect()
    }

    /// What the provider took, in order.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.state().accepted.clone()
    }

    /// When the provider took somebody's message.
    pub fn accepted_at_for(&self, id: SubscriberId) -> Option<Timestamp> {
        self.state().accepted.iter().find(|taken| taken.letter.to == id).map(|taken| taken.at)
    }

    /// The words of somebody's failure.
    pub fn failure_text(&self, id: SubscriberId) -> Option<String> {
        self.state().failures.values().find(|failure| failure.subscriber == id).map(|it| it.text.clone())
    }

    /// Names of the port calls so far, in order.
    pub fn calls(&self) -> Vec<&'static str> {
        self.state().calls.clone()
    }

    /// How many calls of the port operation `name` there were.
    pub fn count_calls(&self, name: &str) -> usize {
        self.state().calls.iter().filter(|call| **call == name).count()
    }

    /// The journal's lines so far.
    pub fn journal_texts(&self) -> Vec<String> {
        self.state().journal.iter().map(|entry| entry.text.clone()).collect()
    }

    /// Who wrote the journal's lines so far, and what.
    pub fn journal(&self) -> Vec<(String, String)> {
        self.state().journal.iter().map(|entry| (entry.actor.to_string(), entry.text.clone())).collect()
    }

    /// The batches of all campaigns as they stand.
    pub fn batches(&self) -> Vec<Batch> {
        self.state().batches.values().cloned().collect()
    }

    /// The lanes of all campaigns as they stand.
    pub fn lanes_now(&self) -> Vec<Lane> {
        self.state().lanes.values().cloned().collect()
    }

    /// A subscriber as stored.
    ///
    /// # Panics
    ///
    /// If there is none with this id.
    pub fn subscriber_now(&self, id: SubscriberId) -> Subscriber {
        self.state().subscribers.get(&id).unwrap().clone()
    }

    /// Whether the sweeper looks at a campaign.
    pub fn is_active(&self, id: CampaignId) -> bool {
        self.state().active.contains(&id)
    }

    /// The campaign as it stands.
    ///
    /// # Panics
    ///
    /// If there is none with this id.
    pub fn campaign_now(&self, id: CampaignId) -> Campaign {
        self.state().campaigns.get(&id).unwrap().clone()
    }
}

impl State {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.now_ns / 1_000_000)
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.state().now()
    }

    fn monotonic_ns(&self) -> u64 {
        self.state().now_ns
    }

    /// Time does not pass by itself: waiting for a moment makes it come.
    async fn sleep_until_ns(&self, at_ns: u64) {
        let mut state = self.state();
        state.now_ns = state.now_ns.max(at_ns);
    }
}
