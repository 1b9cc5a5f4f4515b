//! The rules of fanmail, without I/O, clock or randomness.
//!
//! Everything that decides lives here, and nothing that acts: what an address and an id are, which
//! transitions a campaign, a lane, a batch and a recipient can make, which settings fit together, when the
//! next message may leave. The engine asks these functions and carries out the answer; the simulation and the
//! tests ask the same ones. Time comes in as a [`Timestamp`] argument, identity as a [`Holder`].

pub mod address;
pub mod api_token;
pub mod audience;
pub mod batch;
pub mod campaign;
pub mod content;
pub mod count;
pub mod id;
pub mod lane;
pub mod length;
pub mod pacing;
pub mod recipient;
pub mod redact;
pub mod retry;
pub mod servers;
pub mod settings;
pub mod tally;
pub mod time;
pub mod unsubscribe;
pub mod window;

pub use address::EmailAddress;
pub use api_token::{ApiToken, TokenHash, TokenName};
pub use audience::{AudienceList, List, Optin, Subscriber, SubscriberStatus, SubscriptionStatus};
pub use batch::{Batch, BatchEvent, Change, Phase};
pub use campaign::{Campaign, CampaignEvent, CampaignState, CampaignStatus, Schedule, StatusReason};
pub use content::{Attachment, Content, Extras, Failure, Header};
pub use count::LaneCount;
pub use id::{BatchId, CampaignId, Epoch, FencingToken, Holder, LaneNo, ListId, Shard, SubscriberId};
pub use lane::{Lane, LaneEvent, LanePlan};
pub use recipient::{Evidence, FailReason, RecipientEvent, RecipientState, SkipReason};
pub use retry::Retry;
pub use servers::{MailServer, MailServers, SecretRef};
pub use settings::{Settings, SettingsPatch, SlidingWindow};
pub use tally::Tally;
pub use time::Timestamp;
pub use window::{Share, WindowLog};

/// A transition that the rules do not have: the state that stands, and what was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{state} cannot {event}")]
pub struct IllegalTransition {
    /// Name of the state that stands.
    pub state: &'static str,
    /// Name of the event that was refused.
    pub event: &'static str,
}
