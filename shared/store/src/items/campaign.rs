//! The campaign item: everything but the content.

use fanmail_domain::{
    AudienceList, Campaign, CampaignId, CampaignState, CampaignStatus, Epoch, ListId, Optin, StatusReason,
    Timestamp,
};

use crate::attributes::{Builder, Item, Reader, number, text};
use crate::error::DecodeError;
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
        .with("status", text(campaign.state.status.name()))
        .with_some("reason", campaign.state.reason.map(|reason| text(reason.name())))
        .with(VERSION, number(campaign.state.version))
        .with("epoch", number(campaign.state.epoch))
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
        },
        state: state(reader)?,
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
        version: reader.number(VERSION)?,
        epoch: Epoch(reader.number("epoch")?),
    })
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
