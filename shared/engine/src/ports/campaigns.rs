//! Campaigns, their content and their journal.

use std::borrow::Cow;
use std::future::Future;

use fanmail_domain::{Campaign, CampaignId, Content, Lane, LaneNo, LanePlan, Settings, Timestamp};

use super::{Conditional, PortError};

/// One line of a campaign's journal: what was decided, by whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Which campaign.
    pub campaign: CampaignId,
    /// When.
    pub at: Timestamp,
    /// Names the decision within its millisecond, so that writing it twice writes it once.
    pub key: String,
    /// Who decided: a part of fanmail (`sender`, `start`, `sweeper`, `provider`), the name of a person's API token, or
    /// `user` where nobody has to name himself.
    pub actor: Cow<'static, str>,
    /// What was decided, and why, in words without personal data.
    pub text: String,
}

/// Campaigns, their content and their journal.
///
/// A write of a campaign names the version it follows: it applies only where `after.state.version - 1` stands.
pub trait Campaigns: Sync {
    /// The campaign as it stands now.
    fn campaign(&self, id: CampaignId) -> impl Future<Output = Result<Option<Campaign>, PortError>> + Send;

    /// One version of its content.
    fn content(
        &self,
        id: CampaignId,
        version: u32,
    ) -> impl Future<Output = Result<Option<Content>, PortError>> + Send;

    /// The settings that stand.
    fn settings(&self) -> impl Future<Output = Result<Settings, PortError>> + Send;

    /// Campaigns that may need the sweeper: scheduled, begun and not ended, or cancelled and not closed.
    fn active(&self) -> impl Future<Output = Result<Vec<CampaignId>, PortError>> + Send;

    /// All lanes of a campaign, in order.
    fn lanes(&self, id: CampaignId) -> impl Future<Output = Result<Vec<Lane>, PortError>> + Send;

    /// One lane.
    fn lane(
        &self,
        id: CampaignId,
        no: LaneNo,
    ) -> impl Future<Output = Result<Option<Lane>, PortError>> + Send;

    /// Starts a campaign: the campaign itself, its lanes and the journal in one transaction.
    fn begin(
        &self,
        after: &Campaign,
        lanes: &[LanePlan],
        entry: &JournalEntry,
    ) -> impl Future<Output = Result<Conditional<Campaign>, PortError>> + Send;

    /// Changes a campaign's state, with its journal entry, in one transaction.
    fn transition(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> impl Future<Output = Result<Conditional<Campaign>, PortError>> + Send;

    /// Changes what a campaign says: the campaign, the new version of its content and the journal in one
    /// transaction.
    fn edit(
        &self,
        after: &Campaign,
        content: &Content,
        entry: &JournalEntry,
    ) -> impl Future<Output = Result<Conditional<Campaign>, PortError>> + Send;

    /// Takes a campaign out of [`Campaigns::active`], if `seen` still stands.
    fn retire(
        &self,
        seen: &Campaign,
    ) -> impl Future<Output = Result<Conditional<Campaign>, PortError>> + Send;

    /// Finishes a campaign if, in the moment of the write, its run fanned each lane out and all its batches
    /// are done.
    fn finish(
        &self,
        after: &Campaign,
        entry: &JournalEntry,
    ) -> impl Future<Output = Result<Conditional<Campaign>, PortError>> + Send;

    /// Adds a line to the journal.
    fn journal(&self, entry: &JournalEntry) -> impl Future<Output = Result<(), PortError>> + Send;
}
