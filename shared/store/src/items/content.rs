//! The content item: one version of what a campaign says, never changed once it is written.

use fanmail_domain::{CampaignId, Content, Extras};

use crate::attributes::{Builder, Item, Reader, text};
use crate::error::DecodeError;
use crate::keys;

pub(crate) fn encode(content: &Content) -> Item {
    Builder::new(keys::content(content.campaign, content.version))
        .with("campaign_name", text(&content.campaign_name))
        .with("subject", text(&content.subject))
        .with("from", text(&content.from))
        .with("html", text(&content.html))
        .with_some("text", content.text.as_ref().map(text))
        .with_some("extras", extras(&content.extras).as_ref().map(text))
        .build()
}

pub(crate) fn decode(item: &Item) -> Result<Content, DecodeError> {
    let reader = Reader(item);
    Ok(Content {
        campaign: CampaignId(reader.digits(keys::PK, "C#")?),
        version: reader.digits(keys::SK, "CONTENT#")?,
        campaign_name: reader.text("campaign_name")?.to_owned(),
        subject: reader.text("subject")?.to_owned(),
        from: reader.text("from")?.to_owned(),
        html: reader.text("html")?.to_owned(),
        text: reader.optional_text("text")?.map(str::to_owned),
        extras: read_extras(&reader)?,
    })
}

/// As JSON: nothing asks DynamoDB about what is in it. Absent where there is none.
fn extras(extras: &Extras) -> Option<String> {
    // Texts and lists of texts always have a JSON form.
    (!extras.is_empty()).then(|| serde_json::to_string(extras).unwrap_or_default())
}

fn read_extras(reader: &Reader<'_>) -> Result<Extras, DecodeError> {
    let Some(json) = reader.optional_text("extras")? else { return Ok(Extras::default()) };
    serde_json::from_str(json).map_err(|_| reader.malformed("extras", "list of headers and attachments"))
}
