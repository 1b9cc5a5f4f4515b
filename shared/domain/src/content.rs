//! What a campaign says, and what the ledger keeps of a failure.

use serde::{Deserialize, Serialize};

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
    /// What goes with the texts.
    pub extras: Extras,
}

/// What a message carries besides its texts; the same for every recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extras {
    /// A message that its recipient has asked for, a receipt for example: it is marked as automatic
    /// (`Auto-Submitted`, RFC 3834).
    pub transactional: bool,
    /// Headers of the campaign's own.
    pub headers: Vec<Header>,
    /// Files that travel with the message.
    pub attachments: Vec<Attachment>,
}

impl Extras {
    /// Nothing but the texts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name, without the colon.
    pub name: String,
    /// Its value, in any script.
    pub value: String,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What the file is called.
    pub name: String,
    /// Its media type, `image/png` for example.
    pub content_type: String,
    /// By which the HTML part shows it: `<img src="cid:…">`. A file without one is attached to be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// The file itself, in base64 (RFC 4648 section 4).
    pub base64: String,
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
