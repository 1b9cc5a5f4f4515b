//! Hands messages to Amazon SES, and says in the engine's words what became of them.
//!
//! | the client says | the engine hears | because |
//! |---|---|---|
//! | accepted | accepted | |
//! | rejected | rejected | the same message will be refused again |
//! | deferred, provider | deferred, provider | nobody is better off now; no recipient loses an attempt |
//! | deferred, configuration | deferred, credentials | somebody must act first: credentials, identities, a paused account |
//! | deferred, quota | deferred, quota | it concerns everybody, and ends by itself |
//! | unknown | unknown | sending again could deliver twice; the tags let an SES event settle it |
//!
//! # The ceiling
//!
//! [`SesTransport::ceiling`] is what SES allows the whole account, in messages per second. A caller asks for it at the
//! beginning of an invocation (it costs a request once in five minutes, else nothing), gives each sender its
//! share, `ceiling / app.concurrency`, and takes the lesser of that and `app.message_rate` for its pacing. SES
//! refuses what is faster as *provider*, so a caller without an answer sends at its own rate and loses nothing.

use std::error::Error;

use fanmail_engine::ports::{Refusal, Scope, Submission};
use fanmail_engine::settle::TAGS;
use fanmail_ses::{Account, Answer, Client, Email, Failure, Scope as SesScope};

use crate::{Outgoing, Place, Transport};

/// Hands messages to SES.
#[derive(Debug, Clone)]
pub struct SesTransport {
    client: Client,
    configuration_set: Option<String>,
}

impl SesTransport {
    /// Clones of the client share its connections. Without a configuration set SES publishes no events, and whatever
    /// stays in doubt is settled by nobody but the operator.
    #[must_use]
    pub fn new(client: Client, configuration_set: Option<String>) -> Self {
        Self { client, configuration_set }
    }

    /// Messages per second that SES allows the whole account; `None` while SES has not said. See the module.
    pub async fn ceiling(&self) -> Option<f64> {
        self.account().await.map(|account| account.max_send_rate)
    }

    /// Quota and state of the account, at most five minutes old; `None` while SES has not said.
    pub async fn account(&self) -> Option<Account> {
        self.client.known_account().await
    }
}

impl Transport for SesTransport {
    async fn submit(&self, message: Outgoing) -> Submission {
        let values = values(message.place);
        let tags = [0, 1, 2, 3].map(|tag| (TAGS[tag], values[tag].as_str()));
        let envelope = message.message.envelope();
        let text = message.message.text();
        let configuration_set = self.configuration_set.as_deref();
        let email = Email {
            from: envelope.from(),
            to: envelope.to(),
            message: &text,
            tags: &tags,
            configuration_set,
        };
        let answer = self.client.send_email(&email).await;
        if let Answer::Unknown { why } = &answer {
            // The ledger keeps that there is doubt; this is the only place that knows why.
            tracing::warn!(why = chain(why), "nobody knows whether a message was accepted");
        }
        submission(&answer)
    }
}

/// What [`TAGS`] say of a place, in their order. Digits alone, which SES allows.
fn values(place: Place) -> [String; 4] {
    let batch = place.batch;
    [batch.campaign.to_string(), batch.lane.to_string(), batch.seq.to_string(), place.position.to_string()]
}

/// The table above. Pure.
fn submission(answer: &Answer) -> Submission {
    match answer {
        Answer::Accepted { .. } => Submission::Accepted,
        Answer::Rejected { why } => Submission::Rejected(refusal(why)),
        Answer::Deferred { scope, why } => Submission::Deferred(whom(*scope), refusal(why)),
        Answer::Unknown { .. } => Submission::Unknown,
    }
}

fn whom(scope: SesScope) -> Scope {
    match scope {
        SesScope::Provider => Scope::Provider,
        SesScope::Configuration => Scope::Credentials,
        SesScope::Quota => Scope::Quota,
    }
}

fn refusal(why: &Failure) -> Refusal {
    match why.refusal() {
        Some(said) => Refusal { code: said.status(), text: format!("{}: {}", said.name(), said.message()) },
        None => Refusal { code: None, text: chain(why) },
    }
}

/// A failure and its causes. Holds no personal data, unlike SES's own text.
fn chain(why: &Failure) -> String {
    let causes = std::iter::successors(why.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(why.to_string(), |text, cause| format!("{text}: {cause}"))
}
