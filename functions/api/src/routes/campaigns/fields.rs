//! What has to hold of a campaign's fields, whether it is made or edited.

use fanmail_domain::{AudienceList, Content, ListId, SettingsPatch};
use fanmail_engine::ports::Campaigns;
use fanmail_runtime::Chain;

use crate::handler::Call;
use crate::response::ApiError;

/// Finds the lists, so that a campaign can only be addressed to lists that are there.
pub(super) async fn audience(call: &Call<'_>, lists: &[ListId]) -> Result<Vec<AudienceList>, ApiError> {
    if lists.is_empty() {
        return Err(ApiError::bad("a campaign needs at least one list"));
    }
    let mut audience = Vec::with_capacity(lists.len());
    for id in lists {
        let list = call.ports.store.list(*id).await?;
        let list = list.ok_or_else(|| ApiError::bad(&format!("there is no list {id}")))?;
        audience.push(AudienceList { list: list.id, optin: list.optin });
    }
    Ok(audience)
}

/// A template that can be sent to nobody is refused now, not recipient by recipient.
pub(super) fn check_content(content: &Content) -> Result<(), ApiError> {
    if content.campaign_name.is_empty() {
        return Err(ApiError::bad("a campaign needs a name"));
    }
    fanmail_mailer::validate(content).map_err(|error| ApiError::bad(&Chain(&error).to_string()))
}

/// A text part that says nothing is none.
pub(super) fn text_part(altbody: Option<String>) -> Option<String> {
    altbody.filter(|text| !text.trim().is_empty())
}

/// Overrides have to fit the settings that stand now.
pub(super) async fn check_settings(call: &Call<'_>, patch: SettingsPatch) -> Result<(), ApiError> {
    if patch == SettingsPatch::default() {
        return Ok(());
    }
    let stand = call.ports.store.settings().await?;
    let errors = stand.review_with(patch, call.ports.sender_works).errors;
    let sentences: Vec<String> = errors.iter().map(ToString::to_string).collect();
    if sentences.is_empty() { Ok(()) } else { Err(ApiError::bad(&sentences.join("; "))) }
}
