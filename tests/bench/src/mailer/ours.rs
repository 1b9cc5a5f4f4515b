//! fanmail's own mailer as a program: rendering and SMTP, one thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fanmail_domain::{Content, Subscriber};
use fanmail_engine::ports::{Mailer, Submission};
use fanmail_mailer::{Postman, SmtpMailer, SmtpTransport};
use fanmail_smtp::{ServerConfig, Servers};
use tokio::task::JoinSet;

use super::people;
use super::tally::{Tally, hash};
use super::{MailerError, Work};

/// Renders and sends every message of `work`, and counts what was accepted.
///
/// # Errors
///
/// [`MailerError::Premise`] if no mailer can be made.
pub async fn send(work: Work) -> Result<Tally, MailerError> {
    let links = people::links().ok_or(MailerError::Premise("links to unsubscribe"))?;
    let servers = Servers::one(server(&work));
    let postman = Postman::new(SmtpTransport::new(servers.clone()), links, || people::NOW);
    let campaign = Arc::new(Campaign {
        postman,
        content: people::content(),
        people: people::people(),
        next: AtomicUsize::new(0),
        messages: work.messages,
    });
    let lines: JoinSet<Tally> = (0..work.in_flight).map(|_| line(Arc::clone(&campaign))).collect();
    let mut tally = Tally::default();
    lines.join_all().await.into_iter().for_each(|counted| tally.merge(counted));
    servers.close().await;
    Ok(tally)
}

/// Connections are kept as long as the yardsticks keep theirs: to the end.
fn server(work: &Work) -> ServerConfig {
    ServerConfig {
        max_conns: work.connections,
        max_messages_per_connection: u32::MAX,
        ..ServerConfig::new(work.server.ip().to_string(), work.server.port())
    }
}

/// What all lines share.
struct Campaign {
    postman: SmtpMailer,
    content: Content,
    people: Vec<Subscriber>,
    next: AtomicUsize,
    messages: usize,
}

/// Sends one message after the other until none is left.
async fn line(campaign: Arc<Campaign>) -> Tally {
    let mut tally = Tally::default();
    loop {
        let n = campaign.next.fetch_add(1, Relaxed);
        if n >= campaign.messages {
            return tally;
        }
        let recipient = people::recipient(&campaign.people, n);
        // Whoever is not sent to is missing in the count, which fails the run.
        let Ok(message) = campaign.postman.render(&campaign.content, recipient) else { continue };
        if campaign.postman.submit(message).await == Submission::Accepted {
            tally.add(hash(recipient.subscriber.email.expose().as_bytes()), 0);
        }
    }
}
