//! Turns content and a recipient into a message and hands it to a provider.
//!
//! ```text
//! once per content version    templates checked and compiled, text part derived, From header parsed
//! once per recipient          templates filled in -> MIME -> Transport::submit, once
//! ```
//!
//! [`Postman`] is the engine's [`Mailer`] over any [`Transport`]; [`SmtpMailer`] is the one over SMTP. A
//! transport answers accepted, rejected, deferred or unknown, and never sends a message a second time.
//! [`validate`] is for whoever makes a campaign: it finds what would fail for every recipient.
//!
//! Absent on purpose: a clock of its own (the constructor takes one), logging of addresses, retries.

mod dkim;
mod header;
mod links;
mod message;
mod sender;
mod ses_transport;
mod smtp_transport;
mod tag;
mod template;
mod text_part;

use std::fmt;
use std::future::Future;

use fanmail_domain::{Content, Timestamp};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Submission};

pub use dkim::{Dkim, DkimError, DkimKey, signed};
pub use links::{BaseUrlError, UnsubscribeLinks};
pub use message::{Outgoing, Place};
pub use sender::{Sender, SenderError};
pub use ses_transport::SesTransport;
pub use smtp_transport::SmtpTransport;
pub use template::{Part, TemplateError, validate};

/// A way to hand messages to a provider.
pub trait Transport: Sync {
    /// Hands one message over, once: nothing behind this may send it a second time.
    fn submit(&self, message: Outgoing) -> impl Future<Output = Submission> + Send;
}

/// The engine's mailer over SMTP.
pub type SmtpMailer = Postman<SmtpTransport>;

/// Makes messages, and hands them to a transport.
pub struct Postman<T> {
    transport: T,
    links: UnsubscribeLinks,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    templates: template::Cache,
    dkim: Option<Dkim>,
}

impl<T> Postman<T> {
    /// A mailer whose messages link to `links` and are dated by `now`.
    pub fn new(
        transport: T,
        links: UnsubscribeLinks,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self { transport, links, now: Box::new(now), templates: template::Cache::default(), dkim: None }
    }

    /// Signs every message, for relays that do not. SES and most providers sign themselves.
    #[must_use]
    pub fn with_dkim(self, dkim: Dkim) -> Self {
        Self { dkim: Some(dkim), ..self }
    }

    /// How often templates were compiled since this mailer was made: once per content version.
    pub fn compilations(&self) -> u64 {
        self.templates.compilations()
    }
}

impl<T> fmt::Debug for Postman<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postman").field("links", &self.links).finish_non_exhaustive()
    }
}

impl<T: Transport> Mailer for Postman<T> {
    type Message = Outgoing;

    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Outgoing, RenderError> {
        let compiled = self.templates.get(content).map_err(|err| RenderError { text: err.to_string() })?;
        let url = self.links.link(content.campaign, recipient.subscriber.id);
        let texts = compiled.render(recipient, &url)?;
        let now = (self.now)();
        let message = message::build(&compiled.from, recipient, texts, &url, now)?;
        let Some(dkim) = &self.dkim else { return Ok(message) };
        signed(&message, dkim, now).map_err(|err| RenderError { text: err.to_string() })
    }

    async fn submit(&self, message: Outgoing) -> Submission {
        self.transport.submit(message).await
    }
}
