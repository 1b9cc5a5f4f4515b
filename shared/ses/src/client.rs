//! The calls: one request each, and what its answer means.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use aws_credential_types::provider::ProvideCredentials;
use serde::Deserialize;
use tokio_rustls::TlsConnector;

use crate::account::Account;
use crate::answer::Answer;
use crate::bulk::{self, Bulk};
use crate::config::{ConfigError, SesConfig};
use crate::connection::{Connection, Limits};
use crate::email::Email;
use crate::endpoint::Endpoint;
use crate::failure::{Broken, Failure, Phase};
use crate::pool::{Pool, PoolCounts};
use crate::response::Response;
use crate::sign::{Signer, Unsigned};

const SEND: (&str, &str) = ("POST", "/v2/email/outbound-emails");
const SEND_BULK: (&str, &str) = ("POST", "/v2/email/outbound-bulk-emails");
const ACCOUNT: (&str, &str) = ("GET", "/v2/email/account");

/// A client of one Region's SES. Cheap to clone; clones share its connections.
///
/// Needs a tokio runtime with time and I/O. When the future of a call is dropped, its connection is closed.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    config: SesConfig,
    endpoint: Endpoint,
    tls: Option<TlsConnector>,
    signer: Signer,
    pool: Arc<Pool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: String,
}

impl Client {
    /// Opens nothing yet; reads the root certificates where the endpoint is `https`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what cannot be right.
    pub fn new(config: SesConfig) -> Result<Self, ConfigError> {
        let endpoint = match &config.endpoint {
            Some(url) => Endpoint::parse(url)?,
            None => Endpoint::of_region(&config.region)?,
        };
        let tls = if endpoint.tls { Some(config.roots.connector()?) } else { None };
        let signer = Signer::new(config.region.clone());
        let pool = Arc::new(Pool::new(config.max_conns, config.idle_timeout));
        Ok(Self { shared: Arc::new(Shared { config, endpoint, tls, signer, pool }) })
    }

    /// Hands one message over, once.
    pub async fn send_email(&self, email: &Email<'_>) -> Answer {
        match self.shared.call(SEND, &email.body()).await {
            Ok(response) => sent(&response),
            Err(broken) => Answer::broken(broken),
        }
    }

    /// Hands over up to fifty messages from one template, once. One answer for each entry, in their order.
    ///
    /// # Errors
    ///
    /// One [`Answer`] for all entries alike, where the call as a whole was refused or ended in doubt.
    pub async fn send_bulk(&self, bulk: &Bulk<'_>) -> Result<Vec<Answer>, Answer> {
        match self.shared.call(SEND_BULK, &bulk.body()).await {
            Ok(response) if is_success(&response) => bulk::answers(&response.body, bulk.len()),
            Ok(response) => Err(Answer::refused(response.refusal())),
            Err(broken) => Err(Answer::broken(broken)),
        }
    }

    /// The account's quota and send rate. SES takes one such call per second; remember the answer.
    ///
    /// # Errors
    ///
    /// [`Failure`], whatever it is: asking again is harmless.
    pub async fn account(&self) -> Result<Account, Failure> {
        let response = self.shared.call(ACCOUNT, b"").await.map_err(|broken| broken.why)?;
        if is_success(&response) {
            Account::parse(&response.body)
        } else {
            Err(Failure::Refused(response.refusal()))
        }
    }

    /// What its connections have done so far.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        self.shared.pool.counts()
    }

    /// Closes idle connections now, and the others when their calls have ended. Later calls are deferred.
    pub fn close(&self) {
        self.shared.pool.close();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Shared {
    /// One request and its answer. The only repeat: on a kept connection that broke before the last byte.
    async fn call(
        &self,
        (method, path): (&'static str, &'static str),
        body: &[u8],
    ) -> Result<Response, Broken> {
        let limits = Limits::begin(self.config.timeout);
        let slot = limits.before_answer(Phase::Wait, self.pool.slot()).await;
        let slot = slot.map_err(busy)?;
        let authority = &self.endpoint.authority;
        let request = self.signed(Unsigned { method, path, authority, body }, limits).await?;
        if let Some(mut connection) = self.pool.take_idle() {
            let result = connection.exchange(&request, limits).await;
            if !matches!(result, Err(Broken { phase: Phase::Request, .. })) {
                self.pool.put_back(connection, slot);
                return result;
            }
            self.pool.counters.retried.fetch_add(1, Relaxed);
        }
        let mut connection = self.open(limits).await?;
        let result = connection.exchange(&request, limits).await;
        self.pool.put_back(connection, slot);
        result
    }

    async fn signed(&self, unsigned: Unsigned<'_>, limits: Limits) -> Result<Vec<u8>, Broken> {
        let credentials = &self.config.credentials;
        let asked = async { credentials.provide_credentials().await.map_err(Failure::Credentials) };
        let who = limits.before_answer(Phase::Sign, asked).await?;
        Ok(self.signer.request(unsigned, &who, (self.config.now)()))
    }

    async fn open(&self, limits: Limits) -> Result<Connection, Broken> {
        let opening = Connection::open(&self.endpoint, self.tls.as_ref());
        let connection = limits.before_answer(Phase::Connect, opening).await?;
        self.pool.counters.opened.fetch_add(1, Relaxed);
        Ok(connection)
    }
}

/// Time ran out while all connections were busy.
fn busy(broken: Broken) -> Broken {
    let Failure::TimedOut(limit) = broken.why else { return broken };
    Broken { why: Failure::Busy(limit), ..broken }
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// A whole answer that says yes names an id; one that does not is not SES's, and nobody knows.
fn sent(response: &Response) -> Answer {
    if !is_success(response) {
        return Answer::refused(response.refusal());
    }
    match serde_json::from_slice::<Sent>(&response.body) {
        Ok(Sent { message_id }) => Answer::Accepted { message_id: Some(message_id) },
        Err(_) if !response.whole => Answer::Accepted { message_id: None },
        Err(_) => Answer::Unknown { why: Failure::Protocol("it names no message id") },
    }
}
