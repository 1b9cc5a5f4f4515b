//! The message by which an operator tries a mail server.

use fanmail_domain::Timestamp;
use fanmail_smtp::{AddressError, Envelope, Message};

use crate::date::date;
use crate::sender::Sender;

/// A short mail from `from` to `to`.
///
/// # Errors
///
/// [`AddressError`] if an address cannot stand in an envelope.
pub fn trial_message(from: &Sender, to: &Sender, at: Timestamp) -> Result<Message, AddressError> {
    let (sender, recipient) = (from.address.expose(), to.address.expose());
    let mut text = Vec::from("Date: ");
    date(at, &mut text);
    let rest = format!(
        "\r\nFrom: <{sender}>\r\n\
         To: <{recipient}>\r\n\
         Subject: A trial of fanmail's mail server\r\n\
         Message-ID: <trial.{}@{}>\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Auto-Submitted: auto-generated\r\n\
         \r\n\
         This mail shows that fanmail can send through this server.\r\n",
        at.0,
        from.address.domain(),
    );
    text.extend_from_slice(rest.as_bytes());
    Ok(Message::new(Envelope::new(sender, recipient)?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_has_the_headers_that_every_server_wants() {
        let (from, to) = (Sender::parse("a@x.example").unwrap(), Sender::parse("b@y.example").unwrap());
        let message = trial_message(&from, &to, Timestamp(1_782_806_706_789)).unwrap();
        let text = String::from_utf8(message.text().into_owned()).unwrap();
        for header in
            ["From: <a@x.example>", "Date: Tue, 30 Jun 2026", "Message-ID: <trial.1782806706789@x.example>"]
        {
            assert!(text.contains(header), "{text}");
        }
        assert_eq!((message.envelope().from(), message.envelope().to()), ("a@x.example", "b@y.example"));
    }
}
