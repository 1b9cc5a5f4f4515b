//! Turns content and a recipient into a message and hands it to a provider.
//!
//! ```text
//! once per content version    templates checked and compiled, text part derived, whatever does not vary encoded
//! once per recipient          values looked up, escaped, encoded, spliced in -> Transport::submit, once
//! ```
//!
//! [`Renderer`] makes messages and needs nobody to send them: for a preview, or a dry run over an audience.
//! [`Postman`] is the engine's [`Mailer`] over a renderer and any [`Transport`]; [`SmtpMailer`] is the one over
//! SMTP. A transport answers accepted, rejected, deferred or unknown, and never sends a message a second time.
//! [`validate`] is for whoever makes a campaign: it finds what would fail for every recipient; [`warnings`] finds
//! what would only look bad.
//!
//! Absent on purpose: a clock of its own (the constructor takes one), logging of addresses, retries.

mod date;
mod dkim;
mod escape;
mod extras;
mod header;
mod links;
mod message;
mod mime;
mod preview;
mod qp;
mod renderer;
mod sender;
mod server_config;
mod ses_transport;
mod smtp_transport;
mod tag;
mod template;
mod text_part;
mod trial;

use std::fmt;
use std::future::Future;

use fanmail_domain::{Content, Timestamp};
use fanmail_engine::ports::{Mailer, Recipient, RenderError, Submission};

pub use dkim::{Dkim, DkimError, DkimKey, signed};
pub use extras::ExtrasError;
pub use links::{BaseUrlError, UnsubscribeLinks};
pub use message::{Outgoing, Place};
pub use preview::{Preview, Warning, warnings};
pub use renderer::Renderer;
pub use sender::{Sender, SenderError};
pub use server_config::server_config;
pub use ses_transport::SesTransport;
pub use smtp_transport::SmtpTransport;
pub use template::{Part, TemplateError, validate};
pub use trial::trial_message;

/// A way to hand messages to a provider.
pub trait Transport: Sync {
    /// Hands one message over, once: nothing behind this may send it a second time.
    fn submit(&self, message: Outgoing) -> impl Future<Output = Submission> + Send;

    /// Holds at most so many connections to the provider from now on.
    fn limit_connections(&self, _max_conns: u32) {}

    /// Messages per second that the provider allows the whole account, where it tells.
    fn ceiling(&self) -> Option<u32> {
        None
    }
}

/// The engine's mailer over SMTP.
pub type SmtpMailer = Postman<SmtpTransport>;

/// Makes messages, and hands them to a transport.
pub struct Postman<T> {
    transport: T,
    renderer: Renderer,
}

impl<T> Postman<T> {
    /// A mailer whose messages link to `links` and are dated by `now`.
    pub fn new(
        transport: T,
        links: UnsubscribeLinks,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        Self { transport, renderer: Renderer::new(links, now) }
    }

    /// Signs every message, for relays that do not. SES and most providers sign themselves.
    #[must_use]
    pub fn with_dkim(self, dkim: Dkim) -> Self {
        Self { renderer: self.renderer.with_dkim(dkim), ..self }
    }

    /// What the messages are handed to.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// What makes the messages.
    pub fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// How often templates were compiled since this mailer was made: once per content version.
    pub fn compilations(&self) -> u64 {
        self.renderer.compilations()
    }
}

impl<T> fmt::Debug for Postman<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postman").field("renderer", &self.renderer).finish_non_exhaustive()
    }
}

impl<T: Transport> Mailer for Postman<T> {
    type Message = Outgoing;

    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Outgoing, RenderError> {
        self.renderer.render(content, recipient)
    }

    async fn submit(&self, message: Outgoing) -> Submission {
        self.transport.submit(message).await
    }

    fn limit_connections(&self, max_conns: u32) {
        self.transport.limit_connections(max_conns);
    }

    fn ceiling(&self) -> Option<u32> {
        self.transport.ceiling()
    }
}
