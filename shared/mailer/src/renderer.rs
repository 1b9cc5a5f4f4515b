//! Makes messages, without anybody to send them.

use std::fmt;

use fanmail_domain::{Content, Timestamp};
use fanmail_engine::ports::{Recipient, RenderError};

use crate::dkim::{Dkim, signed};
use crate::links::UnsubscribeLinks;
use crate::message::{self, Outgoing};
use crate::preview::Preview;
use crate::template;

/// Turns content and a recipient into a message, or into what a person would see of it. Templates are compiled once
/// per content version and kept.
pub struct Renderer {
    links: UnsubscribeLinks,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    templates: template::Cache,
    dkim: Option<Dkim>,
}

impl Renderer {
    /// A renderer whose messages link to `links` and are dated by `now`.
    pub fn new(links: UnsubscribeLinks, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { links, now: Box::new(now), templates: template::Cache::default(), dkim: None }
    }

    /// Signs every message.
    #[must_use]
    pub fn with_dkim(self, dkim: Dkim) -> Self {
        Self { dkim: Some(dkim), ..self }
    }

    /// Makes the message for one recipient.
    ///
    /// # Errors
    ///
    /// [`RenderError`] if the content cannot be sent to anybody ([`validate`](crate::validate) says so earlier), or
    /// lacks something for this recipient. Its text repeats no value.
    pub fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Outgoing, RenderError> {
        let compiled = self.templates.get(content).map_err(|err| RenderError { text: err.to_string() })?;
        let url = self.links.link(content.campaign, recipient.subscriber.id);
        let now = (self.now)();
        let message = message::build(&compiled, recipient, &url, now)?;
        let Some(dkim) = &self.dkim else { return Ok(message) };
        signed(&message, dkim, now).map_err(|err| RenderError { text: err.to_string() })
    }

    /// What this recipient would see.
    ///
    /// # Errors
    ///
    /// As [`Self::render`].
    pub fn preview(&self, content: &Content, recipient: Recipient<'_>) -> Result<Preview, RenderError> {
        let compiled = self.templates.get(content).map_err(|err| RenderError { text: err.to_string() })?;
        let url = self.links.link(content.campaign, recipient.subscriber.id);
        let texts = compiled.render(recipient, &url)?;
        let message = message::build(&compiled, recipient, &url, (self.now)())?;
        Ok(Preview::new(content, texts, &message))
    }

    /// How often templates were compiled since this renderer was made: once per content version.
    pub fn compilations(&self) -> u64 {
        self.templates.compilations()
    }
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").field("links", &self.links).finish_non_exhaustive()
    }
}
