//! Rendering a message, and handing it to the provider.

use std::future::Future;

use fanmail_domain::{BatchId, Content, Subscriber};

/// One message's addressee, and its place in the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// To whom.
    pub subscriber: &'a Subscriber,
    /// In which batch.
    pub batch: BatchId,
    /// At which position of it.
    pub position: usize,
}

/// Why a message could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct RenderError {
    /// What the template engine said.
    pub text: String,
}

/// What a provider said when it did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reply code, where there was a reply.
    pub code: Option<u16>,
    /// The reply's text, or what happened instead. May contain the recipient's address.
    pub text: String,
}

/// Whom a refusal for now is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This recipient: others may well be accepted.
    Recipient,
    /// Everybody: the provider is down, busy or throttles us.
    Provider,
    /// Everybody, until somebody mends the configuration: the provider refuses our credentials.
    Credentials,
    /// Everybody, until the provider's quota of the day renews itself.
    Quota,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The provider took responsibility for it.
    Accepted,
    /// The provider will never take it.
    Rejected(Refusal),
    /// The provider surely did not take it, and may do so later.
    Deferred(Scope, Refusal),
    /// Nobody knows.
    Unknown,
}

/// Rendering a message, and handing it to the provider.
pub trait Mailer: Sync {
    /// One finished message.
    type Message: Send;

    /// Makes the message for one recipient.
    ///
    /// # Errors
    ///
    /// [`RenderError`] if the template cannot be rendered for this recipient.
    fn render(&self, content: &Content, recipient: Recipient<'_>) -> Result<Self::Message, RenderError>;

    /// Hands it to the provider, once: nothing behind this port may send it a second time.
    fn submit(&self, message: Self::Message) -> impl Future<Output = Submission> + Send;

    /// Holds at most so many connections to the provider from now on. Messages beyond wait for one.
    fn limit_connections(&self, max_conns: u32);

    /// Messages per second that the provider allows all senders together, where it tells.
    fn ceiling(&self) -> Option<u32>;
}
