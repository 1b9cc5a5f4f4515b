//! What people order for a campaign: start, pause, resume, cancel, schedule, edit, retry.
//!
//! An order is one write that names the version it read. It is decided by the campaign's own rules; a race
//! lost is decided again on what stands then. An order that is carried out already is done; one that makes
//! no sense where the campaign stands is refused, and says where that is. An order may name the version that
//! its giver saw: then a late or doubled one does nothing.
//!
//! - A pause is seen by senders and fan-outs before their next message or page; they give back what they hold.
//! - Going on starts a new epoch: tasks of the old one are void, and each lane is fanned out again from its
//!   first unfinished batch.
//! - Cancelling does the same, but what is fanned out is closed: who still waits is skipped.
//! - A retry goes on, too, and takes back the ends that it names, batch by batch, as the lanes are fanned out.

mod plan;
mod revise;
mod run;
mod stop;

use fanmail_domain::{Campaign, CampaignId, CampaignStatus, Content, IllegalTransition, LanePlan, Timestamp};

pub use plan::{Due, schedule, start_due, unschedule};
pub use revise::{Edit, Revision, edit, revise};
pub use run::{LANE_GRACE, resume, retry, send_lanes, start};
pub use stop::{cancel, pause};

use crate::commit::{Committed, commit, retry as ask};
use crate::ports::{Campaigns, Clock, Conditional, JournalEntry, PortError};

/// Who orders what for which campaign, and why.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// For which campaign.
    pub campaign: CampaignId,
    /// Who: as in [`JournalEntry::actor`].
    pub actor: &'a str,
    /// Why, in words without personal data; may be empty.
    pub note: &'a str,
    /// The campaign's version that the giver saw, if it matters.
    pub version: Option<u32>,
    /// Until when there has to be an answer.
    pub until: Timestamp,
}

/// What an order came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Controlled {
    /// It was carried out, by this order or an equal one before it.
    Done(Campaign),
    /// The campaign stands where the order makes no sense.
    Refused(Campaign, IllegalTransition),
    /// The campaign changed since the giver saw it.
    Stale(Campaign),
    /// There is no such campaign.
    Unknown,
}

/// What an order means where the campaign stands.
enum Decision {
    AlreadySo,
    Change(Box<Change>),
}

/// What is written: the campaign, the words for the journal, and what belongs to it.
struct Change {
    after: Campaign,
    text: String,
    with: With,
}

/// What is written beside the campaign.
enum With {
    Nothing,
    Lanes(Vec<LanePlan>),
    Content(Content),
}

impl Decision {
    fn change(after: Campaign, text: impl Into<String>) -> Result<Self, IllegalTransition> {
        Self::change_with(after, text, With::Nothing)
    }

    fn change_with(after: Campaign, text: impl Into<String>, with: With) -> Result<Self, IllegalTransition> {
        Ok(Self::Change(Box::new(Change { after, text: text.into(), with })))
    }
}

/// Carries an order out as `decide` says.
async fn carry_out(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
    decide: impl Fn(Campaign, Timestamp) -> Result<Decision, IllegalTransition>,
) -> Result<Controlled, PortError> {
    loop {
        let Some(before) = ask(clock, order.until, || store.campaign(order.campaign)).await? else {
            return Ok(Controlled::Unknown);
        };
        if order.version.is_some_and(|version| version != before.state.version) {
            return Ok(Controlled::Stale(before));
        }
        let Change { after, text, with } = match decide(before.clone(), clock.now()) {
            Ok(Decision::AlreadySo) => return Ok(Controlled::Done(before)),
            Ok(Decision::Change(change)) => *change,
            Err(illegal) => return Ok(Controlled::Refused(before, illegal)),
        };
        let entry = journal_entry(order, &after, &text);
        let write = || write(store, &after, &with, &entry);
        match commit(clock, order.until, &after, write).await? {
            Committed::Stands => return Ok(Controlled::Done(after)),
            // The race was lost: look again at what stands now.
            Committed::Refused(_) => {}
        }
    }
}

async fn write(
    store: &impl Campaigns,
    after: &Campaign,
    with: &With,
    entry: &JournalEntry,
) -> Result<Conditional<Campaign>, PortError> {
    match with {
        With::Nothing => store.transition(after, entry).await,
        With::Lanes(lanes) => store.begin(after, lanes, entry).await,
        With::Content(content) => store.edit(after, content, entry).await,
    }
}

fn journal_entry(order: &Order<'_>, after: &Campaign, text: &str) -> JournalEntry {
    let why = if order.note.is_empty() { String::new() } else { format!(": {}", order.note) };
    JournalEntry {
        campaign: after.id,
        at: after.updated_at,
        key: format!("v{}", after.state.version),
        actor: order.actor.to_owned().into(),
        text: format!("{text}{why}"),
    }
}

fn stands_at(campaign: &Campaign, status: CampaignStatus) -> bool {
    campaign.state.status == status
}
