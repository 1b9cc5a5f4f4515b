//! The campaign item: everything but the content.

use fanmail_domain::{
    AudienceList, Campaign, CampaignId, CampaignState, CampaignStatus, Epoch, ListId, Optin, RecipientState,
    Retry, Schedule, SlidingWindow, StatusReason, Timestamp,
};

use crate::attributes::{Builder, Item, Reader, bytes, number, text};
use crate::error::DecodeError;
use crate::items::ids;
use crate::keys;
use aws_sdk_dynamodb::types::AttributeValue;

/// Name of the attribute that holds the version.
pub(crate) const VERSION: &str = "version";

pub(crate) fn encode(campaign: &Campaign) -> Item {
    let audience = campaign.audience.iter().map(|to| text(format!("{}:{}", to.list, to.optin.name())));
    Builder::new(keys::campaign(campaign.id))
        .with("name", text(&campaign.name))
        .with("subject", text(&campaign.subject))
        .with("from", text(&campaign.from))
        .with("audience", AttributeValue::L(audience.collect()))
        .with_some("message_rate", campaign.settings.message_rate.map(number))
        .with_some("batch_size", campaign.settings.batch_size.map(number))
        .with_some("max_conns", campaign.settings.max_conns.map(number))
        .with_some("max_send_errors", campaign.settings.max_send_errors.map(number))
        .with_some("window_rate", campaign.settings.sliding_window.map(|window| number(window.rate)))
        .with_some("window_s", campaign.settings.sliding_window.map(|window| number(window.duration_s)))
        .with("status", text(campaign.state.status.name()))
        .with_some("reason", campaign.state.reason.map(|reason| text(reason.name())))
        .with_some("until", campaign.state.until.map(number))
        .with(VERSION, number(campaign.state.version))
        .with("epoch", number(campaign.state.epoch))
        .with_some("send_at", campaign.schedule.map(|schedule| number(schedule.send_at)))
        .with_some("not_after", campaign.schedule.map(|schedule| number(schedule.not_after)))
        .with_some("retry_epoch", campaign.retry.as_ref().map(|retry| number(retry.epoch)))
        .with_some("retry_states", campaign.retry.as_ref().map(|retry| bytes(codes(retry))))
        .with_some("retry_only", campaign.retry.as_ref().map(|retry| bytes(named(retry))))
        .with("failed_before", number(campaign.failed_before))
        .with("content_version", number(campaign.content_version))
        .with("lanes", number(campaign.lanes))
        .with("created_at", number(campaign.created_at))
        .with_some("started_at", campaign.started_at.map(number))
        .with("updated_at", number(campaign.updated_at))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<Campaign, DecodeError> {
    let reader = Reader(item);
    Ok(Campaign {
        id: CampaignId(reader.digits(keys::PK, "C#")?),
        name: reader.text("name")?.to_owned(),
        subject: reader.text("subject")?.to_owned(),
        from: reader.text("from")?.to_owned(),
        audience: audience(reader)?,
        settings: fanmail_domain::SettingsPatch {
            message_rate: reader.optional_number("message_rate")?,
            batch_size: reader.optional_number("batch_size")?,
            max_conns: reader.optional_number("max_conns")?,
            max_send_errors: reader.optional_number("max_send_errors")?,
            sliding_window: window(reader)?,
        },
        state: state(reader)?,
        schedule: schedule(reader)?,
        retry: retry(reader)?,
        failed_before: reader.number("failed_before")?,
        content_version: reader.number("content_version")?,
        lanes: reader.number("lanes")?,
        created_at: Timestamp(reader.number("created_at")?),
        started_at: reader.optional_number("started_at")?.map(Timestamp),
        updated_at: Timestamp(reader.number("updated_at")?),
    })
}

fn state(reader: Reader<'_>) -> Result<CampaignState, DecodeError> {
    let reason = match reader.optional_text("reason")? {
        Some(_) => Some(reader.named("reason", "reason of a pause", StatusReason::from_name)?),
        None => None,
    };
    Ok(CampaignState {
        status: reader.named("status", "status of a campaign", CampaignStatus::from_name)?,
        reason,
        until: reader.optional_number("until")?.map(Timestamp),
        version: reader.number(VERSION)?,
        epoch: Epoch(reader.number("epoch")?),
    })
}

/// The window of two attributes that stand or fall together.
fn window(reader: Reader<'_>) -> Result<Option<SlidingWindow>, DecodeError> {
    let Some(rate) = reader.optional_number("window_rate")? else { return Ok(None) };
    Ok(Some(SlidingWindow { rate, duration_s: reader.number("window_s")? }))
}

fn schedule(reader: Reader<'_>) -> Result<Option<Schedule>, DecodeError> {
    let Some(send_at) = reader.optional_number("send_at")? else { return Ok(None) };
    Ok(Some(Schedule { send_at: Timestamp(send_at), not_after: Timestamp(reader.number("not_after")?) }))
}

fn codes(retry: &Retry) -> Vec<u8> {
    retry.states.iter().map(|state| state.code()).collect()
}

fn named(retry: &Retry) -> Vec<u8> {
    retry.only.iter().flat_map(|id| id.to_bytes()).collect()
}

fn retry(reader: Reader<'_>) -> Result<Option<Retry>, DecodeError> {
    let Some(epoch) = reader.optional_number("retry_epoch")? else { return Ok(None) };
    let state = |code: &u8| RecipientState::from_code(*code);
    let states = reader.bytes("retry_states")?.iter().map(state).collect::<Option<_>>();
    Ok(Some(Retry {
        epoch: Epoch(epoch),
        states: states.ok_or_else(|| reader.malformed("retry_states", "binary of known states"))?,
        only: ids::from_bytes(reader, "retry_only")?.into_iter().collect(),
    }))
}

fn audience(reader: Reader<'_>) -> Result<Vec<AudienceList>, DecodeError> {
    let list = |entry: &str| {
        let parts = entry.split_once(':');
        let (id, optin) = parts.ok_or_else(|| reader.malformed("audience", "list and opt-in"))?;
        let optin = Optin::from_name(optin).ok_or_else(|| reader.malformed("audience", "list and opt-in"))?;
        Ok(AudienceList { list: ListId(reader.parse("audience", id)?), optin })
    };
    reader.texts("audience")?.into_iter().map(list).collect()
}
