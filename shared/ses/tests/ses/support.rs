//! A client of the stub, and messages to send with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use fanmail_ses::stub::Stub;
use fanmail_ses::{Answer, Client, Email, Scope, SesConfig};
use tokio::time::timeout;

/// Long enough for a busy machine; no test that succeeds waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Short enough to be waited for, and long enough for a busy machine to have written a request by then.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// In base64 larger than what the kernel takes from a client that is not listened to: 4 MB (`tcp_wmem`), and the
/// stub's 64 KB.
pub(crate) const LARGE: usize = 4 * 1024 * 1024;

pub(crate) fn config(endpoint: String) -> SesConfig {
    let who = Credentials::new("AKIDEXAMPLE", "geheim", Some("token/==".into()), None, "test");
    SesConfig { endpoint: Some(endpoint), timeout: PATIENCE, ..SesConfig::new("eu-west-1", who, now) }
}

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_336_500)
}

pub(crate) fn client(stub: &Stub) -> Client {
    Client::new(config(stub.url())).unwrap()
}

/// Sends a message of so many octets.
pub(crate) async fn send(client: &Client, octets: usize) -> Answer {
    let message = vec![b'x'; octets];
    timeout(3 * PATIENCE, client.send_email(&email(&message, &[]))).await.expect("a call has its own end")
}

pub(crate) fn email<'a>(message: &'a [u8], tags: &'a [(&'a str, &'a str)]) -> Email<'a> {
    Email { from: "news@acme.test", to: "fan@rcpt.test", message, tags, configuration_set: None }
}

/// The answer in one word.
pub(crate) fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Accepted { .. } => "accepted",
        Answer::Rejected { .. } => "rejected",
        Answer::Deferred { scope: Scope::Provider, .. } => "provider",
        Answer::Deferred { scope: Scope::Configuration, .. } => "configuration",
        Answer::Deferred { scope: Scope::Quota, .. } => "quota",
        Answer::Unknown { .. } => "unknown",
    }
}
