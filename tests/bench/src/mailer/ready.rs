//! Messages made beforehand, for rows that measure the way to the provider alone.

use fanmail_engine::ports::{Mailer, Submission};
use fanmail_mailer::{Outgoing, Postman, Transport};

use super::MailerError;
use super::people;

/// Different messages; whoever sends more begins anew with the first.
const MESSAGES: usize = 100;

/// One finished message.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The envelope sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The message as it stands on the wire, without dot-stuffing.
    pub text: Vec<u8>,
}

/// For postmen that only render.
pub(crate) struct Void;

impl Transport for Void {
    async fn submit(&self, _: Outgoing) -> Submission {
        Submission::Unknown
    }
}

/// A hundred messages, each to somebody else.
///
/// # Errors
///
/// [`MailerError::Premise`] if one could not be made.
pub fn ready() -> Result<Vec<Ready>, MailerError> {
    outgoing()?.into_iter().map(|made| Ok(ready_of(&made))).collect()
}

/// The same as fanmail's transports take them.
///
/// # Errors
///
/// [`MailerError::Premise`] if one could not be made.
pub fn outgoing() -> Result<Vec<Outgoing>, MailerError> {
    let links = people::links().ok_or(MailerError::Premise("links to unsubscribe"))?;
    let (postman, content) = (Postman::new(Void, links, || people::NOW), people::content());
    let people = people::people();
    let made = (0..MESSAGES).map(|n| postman.render(&content, people::recipient(&people, n)));
    made.collect::<Result<_, _>>().map_err(|_| MailerError::Premise("a message"))
}

fn ready_of(made: &Outgoing) -> Ready {
    let (envelope, text) = (made.message.envelope(), made.message.text().into_owned());
    Ready { from: envelope.from().to_owned(), to: envelope.to().to_owned(), text }
}
