//! What a `send` is made of, read and checked before anything is started.

use std::fs;
use std::path::Path;

use fanmail_domain::{CampaignId, Content, Extras};
use fanmail_inbox::InboxConfig;
use fanmail_mailer::{Part, TemplateError};
use fanmail_smtp::{Pool, ServerConfig};

use super::list_file::ListFile;
use super::{SendError, SendOptions};
use crate::stack::Provider;

/// A message longer than this is no template: it has to fit into one item of the table (400 KB).
const MAX_TEMPLATE_BYTES: usize = 300 * 1024;

/// The content, checked.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) html: String,
    pub(super) text: Option<String>,
}

/// Reads and checks everything that can be checked without a stack.
pub(super) fn read(options: &SendOptions) -> Result<Input, SendError> {
    ListFile::open(&options.list)?.check()?;
    let html = read_text(&options.template)?;
    let text = options.text.as_deref().map(read_text).transpose()?;
    let stem = options.template.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = options.name.clone().unwrap_or(stem);
    if options.subject.chars().any(char::is_control) {
        return Err(SendError::Content(
            "--subject: it contains a line break or another control character".into(),
        ));
    }
    let content = Content {
        campaign: CampaignId(0),
        version: 1,
        campaign_name: name.clone(),
        subject: options.subject.clone(),
        from: options.from.clone(),
        html: html.clone(),
        text: text.clone(),
        extras: Extras::default(),
    };
    fanmail_mailer::validate(&content).map_err(|error| SendError::Content(explain(&error, options)))?;
    Ok(Input { name, html, text })
}

fn read_text(path: &Path) -> Result<String, SendError> {
    let text = fs::read_to_string(path).map_err(SendError::read(path))?;
    if text.len() > MAX_TEMPLATE_BYTES {
        let limit = MAX_TEMPLATE_BYTES / 1024;
        return Err(SendError::Content(format!("{} is larger than {limit} KB", path.display())));
    }
    Ok(text)
}

/// Says what is wrong with the content, and in which file or argument.
fn explain(error: &TemplateError, options: &SendOptions) -> String {
    let place = |part: &Part| match part {
        Part::Subject => "--subject".to_owned(),
        Part::Html => options.template.display().to_string(),
        Part::Text => options.text.as_ref().unwrap_or(&options.template).display().to_string(),
    };
    match error {
        TemplateError::Syntax { part, line, what } => format!("{}, line {line}: {what}", place(part)),
        TemplateError::UnknownVariable { part, .. } | TemplateError::UnknownName { part, .. } => {
            let text = error.to_string();
            let what = text.strip_prefix(part.name()).unwrap_or(&text);
            format!("{}{what}", place(part))
        }
        TemplateError::From(what) => {
            format!("--from: {what}; it has to look like \"Acme News <news@acme.example>\"")
        }
        TemplateError::NotDerivable | _ => format!("{}: {error}", options.template.display()),
    }
}

/// Who is to take the mail: the relay, or the inbox where there is none.
///
/// # Errors
///
/// [`SendError::Relay`] if the URL cannot be used.
pub fn provider(relay: Option<&str>) -> Result<Provider, SendError> {
    let Some(url) = relay else {
        return Ok(Provider::Inbox(Box::new(InboxConfig {
            keep_headers: vec!["X-Fanmail-Recipient".to_owned()],
            ..InboxConfig::default()
        })));
    };
    parse_relay(url)?;
    Ok(Provider::Relay(url.to_owned()))
}

fn parse_relay(url: &str) -> Result<ServerConfig, SendError> {
    ServerConfig::from_url(url).map_err(|error| SendError::Relay(error.to_string()))
}

/// Connects to the relay and logs in, so that a wrong address is found before a campaign is.
///
/// # Errors
///
/// [`SendError::Relay`] if the relay does not take mail from us.
pub async fn probe(relay: Option<&str>) -> Result<(), SendError> {
    let Some(relay) = relay else { return Ok(()) };
    let pool = Pool::new(parse_relay(relay)?);
    let probed = pool.probe().await;
    pool.close().await;
    // Its text is the whole sentence; its causes say the same once more.
    probed.map_err(|error| SendError::Relay(error.to_string()))
}
