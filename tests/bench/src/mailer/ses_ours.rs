//! fanmail's own client of SES, with the same work as the yardstick's ([`ses_sdk`](super::ses_sdk)).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use fanmail_ses::{Answer, Client, Email, SesConfig};
use tokio::task::JoinSet;

use super::ready::{Ready, ready};
use super::tally::Tally;
use super::{MailerError, Work, people, ses_sdk};

/// Sends every message of `work`, and counts what was accepted.
///
/// # Errors
///
/// [`MailerError::Premise`] if no client or no message can be made.
pub async fn send(work: Work) -> Result<Tally, MailerError> {
    let client = Client::new(config(&work)).map_err(|_| MailerError::Premise("a client of SES"))?;
    let (messages, next) = (Arc::new(ready()?), Arc::new(AtomicUsize::new(0)));
    let lines: JoinSet<Tally> = (0..work.in_flight)
        .map(|_| line(client.clone(), Arc::clone(&messages), Arc::clone(&next), work.messages))
        .collect();
    let mut tally = Tally::default();
    lines.join_all().await.into_iter().for_each(|counted| tally.merge(counted));
    Ok(tally)
}

fn config(work: &Work) -> SesConfig {
    SesConfig {
        endpoint: Some(format!("http://{}", work.server)),
        max_conns: work.connections,
        ..SesConfig::new(ses_sdk::REGION, ses_sdk::credentials(), now)
    }
}

/// The stub does not look at the time of a signature.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(people::NOW.0)
}

/// Sends one message after the other until none is left.
async fn line(client: Client, messages: Arc<Vec<Ready>>, next: Arc<AtomicUsize>, count: usize) -> Tally {
    let mut tally = Tally::default();
    loop {
        let n = next.fetch_add(1, Relaxed);
        if n >= count {
            return tally;
        }
        let Ready { from, to, text } = &messages[n % messages.len()];
        let email = Email { from, to, message: text, tags: &[], configuration_set: None };
        // What is not accepted is missing in the count, which fails the run.
        if matches!(client.send_email(&email).await, Answer::Accepted { .. }) {
            tally.add(0, 0);
        }
    }
}
