//! Changing a campaign between runs: what it says, what it overrides, when it starts.
//!
//! Refused while it runs. New content is a new version, which only those get who have none yet; what does not
//! change stays as it is, and a revision that changes nothing is no change.

use fanmail_domain::{
    Campaign, CampaignEvent, Content, Extras, IllegalTransition, Schedule, SettingsPatch, Timestamp,
};

use super::{Controlled, Decision, Order, With, carry_out};
use crate::ports::{Campaigns, Clock, PortError};

/// What a campaign is to say from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What the people who run it call it.
    pub name: String,
    /// Template of the subject.
    pub subject: String,
    /// The From header.
    pub from: String,
    /// Template of the HTML part.
    pub html: String,
    /// Template of the text part, if there is one.
    pub text: Option<String>,
    /// What goes with the texts.
    pub extras: Extras,
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revision {
    /// What it says.
    pub content: Option<Edit>,
    /// All that it overrides of the settings.
    pub settings: Option<SettingsPatch>,
    /// When it starts by itself, if it is to.
    pub schedule: Option<Option<Schedule>>,
}

/// Changes what a campaign says, for everybody who has not got it yet.
///
/// # Errors
///
/// [`PortError`] if a port stays silent until the order's end. The edit may have taken place.
pub async fn edit(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
    edit: &Edit,
) -> Result<Controlled, PortError> {
    let revision = Revision { content: Some(edit.clone()), ..Revision::default() };
    revise(store, clock, order, &revision).await
}

/// Changes a campaign, in one write.
///
/// # Errors
///
/// As for [`edit`].
pub async fn revise(
    store: &impl Campaigns,
    clock: &impl Clock,
    order: &Order<'_>,
    revision: &Revision,
) -> Result<Controlled, PortError> {
    carry_out(store, clock, order, |before, now| revised(before, revision, now)).await
}

fn revised(before: Campaign, revision: &Revision, now: Timestamp) -> Result<Decision, IllegalTransition> {
    let state = before.state.apply(CampaignEvent::Edit)?;
    let settings = revision.settings.unwrap_or(before.settings);
    let schedule = revision.schedule.unwrap_or(before.schedule);
    let mut changes = Vec::new();
    if settings != before.settings {
        changes.push("other settings".to_owned());
    }
    if schedule != before.schedule {
        changes.push(schedule.map_or_else(
            || "no time to start".to_owned(),
            |at| format!("to start at {}, not after {}", at.send_at, at.not_after),
        ));
    }
    let mut after = Campaign { state, settings, schedule, updated_at: now, ..before };
    let with = match &revision.content {
        Some(edit) => With::Content(content(&mut after, edit)),
        None if changes.is_empty() => return Ok(Decision::AlreadySo),
        None => With::Nothing,
    };
    if revision.content.is_some() {
        changes.insert(0, format!("from now on everybody gets content {}", after.content_version));
    }
    Decision::change_with(after, format!("edited: {}", changes.join(", ")), with)
}

/// The next version of the content, with the campaign that says so.
fn content(campaign: &mut Campaign, edit: &Edit) -> Content {
    campaign.content_version += 1;
    campaign.name.clone_from(&edit.name);
    campaign.subject.clone_from(&edit.subject);
    campaign.from.clone_from(&edit.from);
    Content {
        campaign: campaign.id,
        version: campaign.content_version,
        campaign_name: edit.name.clone(),
        subject: edit.subject.clone(),
        from: edit.from.clone(),
        html: edit.html.clone(),
        text: edit.text.clone(),
        extras: edit.extras.clone(),
    }
}
