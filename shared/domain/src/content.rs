//! What a campaign says, and what the ledger keeps of a failure.

use crate::{CampaignId, FailReason, LaneNo, SubscriberId, Timestamp};

/// One version of a campaign's content. Pinned when the campaign starts: all recipients of a run get the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The campaign it belongs to.
    pub campaign: CampaignId,
    /// Counts up from 1.
    pub version: u32,
    /// The campaign's name, as templates may use it.
    pub campaign_name: String,
    /// Template of the subject.
    pub subject: String,
    /// The From header: an address, or a name and an address in angle brackets.
    pub from: String,
    /// Template of the HTML part.
    pub html: String,
    /// Template of the text part; derived from the HTML part where there is none.
    pub text: Option<String>,
}

/// Why one recipient failed, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The campaign.
    pub campaign: CampaignId,
    /// The lane the recipient was planned in.
    pub lane: LaneNo,
    /// Who.
    pub subscriber: SubscriberId,
    /// The kind of failure, as in the ledger.
    pub reason: FailReason,
    /// The provider's reply code, where there was a reply.
    pub code: Option<u16>,
    /// What the provider or the template said, without addresses.
    pub text: String,
    /// When.
    pub at: Timestamp,
}
