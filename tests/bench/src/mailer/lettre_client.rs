//! The yardstick `lettre`: its builder, its asynchronous connections, minijinja, one thread.
//!
//! At its best: templates are compiled once, connections stay open (no pool, which asks NOOP before each message)
//! and `TCP_NODELAY` is set, without which each message waits about 40 ms for an acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fanmail_domain::Subscriber;
use fanmail_mailer::UnsubscribeLinks;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use minijinja::{AutoEscape, Environment, Value, context};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::people;
use super::tally::{Tally, hash};
use super::{MailerError, Work};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Renders and sends every message of `work`, and counts what was accepted.
///
/// # Errors
///
/// [`MailerError::Yardstick`] if a message could not be made or sent.
pub async fn send(work: Work) -> Result<Tally, MailerError> {
    let newsletter = Newsletter::new().map_err(MailerError::Yardstick)?;
    let campaign = Arc::new((newsletter, people::people(), AtomicUsize::new(0)));
    let mut lines: JoinSet<_> = (0..work.connections).map(|_| line(work, Arc::clone(&campaign))).collect();
    let mut tally = Tally::default();
    while let Some(line) = lines.join_next().await {
        let counted = line.map_err(|error| MailerError::Yardstick(error.into()))?;
        tally.merge(counted.map_err(MailerError::Yardstick)?);
    }
    Ok(tally)
}

/// One connection: one message after the other until none is left.
async fn line(
    work: Work,
    campaign: Arc<(Newsletter, Vec<Subscriber>, AtomicUsize)>,
) -> Result<Tally, Failure> {
    let (newsletter, people, next) = &*campaign;
    let stream = TcpStream::connect(work.server).await?;
    stream.set_nodelay(true)?;
    let hello = ClientId::Domain("localhost".to_owned());
    let mut connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await?;
    let mut tally = Tally::default();
    loop {
        let n = next.fetch_add(1, Relaxed);
        if n >= work.messages {
            connection.quit().await?;
            return Ok(tally);
        }
        let subscriber = people::recipient(people, n).subscriber;
        let message = newsletter.message(subscriber)?;
        connection.send(message.envelope(), &message.formatted()).await?;
        tally.add(hash(subscriber.email.expose().as_bytes()), 0);
    }
}

/// What is compiled or parsed once.
struct Newsletter {
    templates: Environment<'static>,
    links: UnsubscribeLinks,
    from: Mailbox,
    unsubscribe: HeaderName,
    one_click: HeaderValue,
    list: HeaderValue,
}

impl Newsletter {
    fn new() -> Result<Self, Failure> {
        let mut templates = Environment::new();
        templates.set_auto_escape_callback(
            |name| {
                if name == "html" { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        for (name, source) in [("subject", people::SUBJECT), ("html", people::HTML), ("text", people::TEXT)] {
            templates.add_template(name, source)?;
        }
        let raw = |name: &'static str, value: &str| {
            HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
        };
        Ok(Self {
            templates,
            links: people::links().ok_or("no links to unsubscribe")?,
            from: Mailbox::new(Some(people::FROM_NAME.to_owned()), people::FROM_ADDRESS.parse()?),
            unsubscribe: HeaderName::new_from_ascii_str("List-Unsubscribe"),
            one_click: raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            list: raw("List-Id", "<campaigns.acme.example>"),
        })
    }

    /// One finished message, with the headers that fanmail's have.
    fn message(&self, subscriber: &Subscriber) -> Result<Message, Failure> {
        let url = self.links.link(people::CAMPAIGN, subscriber.id);
        let (subject, html, text) = self.texts(subscriber, &url)?;
        let to = Mailbox::new(Some(subscriber.name.clone()), subscriber.email.expose().parse()?);
        let message_id = format!("<{}.{}@acme.example>", people::CAMPAIGN, subscriber.id);
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .date_now()
            .message_id(Some(message_id))
            .raw_header(self.list.clone())
            .raw_header(HeaderValue::new(self.unsubscribe.clone(), format!("<{url}>")))
            .raw_header(self.one_click.clone())
            .multipart(MultiPart::alternative_plain_html(text, html))?;
        Ok(message)
    }

    fn texts(&self, subscriber: &Subscriber, url: &str) -> Result<(String, String, String), Failure> {
        let person = context! {
            email => subscriber.email.expose(),
            first_name => subscriber.first_name(),
            attribs => serde_json::from_str::<Value>(&subscriber.attribs)?,
        };
        let subject = self.render("subject", context! { subscriber => person.clone() })?;
        let root = context! {
            subscriber => person,
            campaign => context! { subject => &subject },
            unsubscribe_url => Value::from_safe_string(url.to_owned()),
        };
        let html = self.render("html", root.clone())?;
        let text = self.render("text", root)?;
        Ok((subject, html, text))
    }

    fn render(&self, name: &str, values: Value) -> Result<String, Failure> {
        Ok(self.templates.get_template(name)?.render(values)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailer::ready::Void;
    use fanmail_engine::ports::Mailer;
    use fanmail_mailer::Postman;

    #[test]
    fn both_libraries_make_messages_of_the_same_size() {
        let (people, content) = (people::people(), people::content());
        let postman = Postman::new(Void, people::links().unwrap(), || people::NOW);
        let newsletter = Newsletter::new().unwrap();
        for n in [0, 3, 42] {
            let recipient = people::recipient(&people, n);
            let ours = postman.render(&content, recipient).unwrap().message.size();
            let theirs = newsletter.message(recipient.subscriber).unwrap().formatted().len() as u64;
            assert!(ours.abs_diff(theirs) < ours / 20, "{ours} {theirs}");
        }
    }
}
