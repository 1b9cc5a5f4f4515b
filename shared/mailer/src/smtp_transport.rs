//! Hands messages to an SMTP server, and says in the engine's words what became of them.
//!
//! | the client says | the engine hears | because |
//! |---|---|---|
//! | accepted | accepted | |
//! | rejected | rejected | the same message will be refused again |
//! | deferred, recipient | deferred, recipient | others may go on |
//! | deferred, server | deferred, provider | nobody is better off now; no recipient loses an attempt |
//! | misconfigured | deferred, credentials | somebody must change the settings first |
//! | either, naming a quota of the day | deferred, quota | it concerns everybody, and ends by itself |
//! | unknown | unknown | sending again could deliver twice |

use std::error::Error;

use fanmail_engine::ports::{Refusal, Scope, Submission};
use fanmail_smtp::{Failure, Outcome, Scope as SmtpScope, Servers};

use crate::{Outgoing, Transport};

/// Hands messages to SMTP servers over pools of connections.
#[derive(Debug, Clone)]
pub struct SmtpTransport {
    servers: Servers,
}

impl SmtpTransport {
    /// Clones of the servers share their connections, so a caller who keeps one can close them or read their
    /// counters.
    #[must_use]
    pub fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Transport for SmtpTransport {
    async fn submit(&self, message: Outgoing) -> Submission {
        let outcome = self.servers.send(message.message).await;
        if let Outcome::Unknown { why } = &outcome {
            // The ledger keeps that there is doubt; this is the only place that knows why.
            tracing::warn!(why = chain(why), "nobody knows whether a message was accepted");
        }
        submission(&outcome)
    }

    fn limit_connections(&self, max_conns: u32) {
        self.servers.limit_connections(max_conns as usize);
    }
}

/// The table above. Pure.
fn submission(outcome: &Outcome) -> Submission {
    match outcome {
        Outcome::Rejected { why, .. } | Outcome::Deferred { why, .. } if is_quota_of_the_day(why) => {
            Submission::Deferred(Scope::Quota, refusal(why))
        }
        Outcome::Accepted { .. } => Submission::Accepted,
        Outcome::Rejected { why, .. } => Submission::Rejected(refusal(why)),
        Outcome::Deferred { scope: SmtpScope::Recipient, why, .. } => {
            Submission::Deferred(Scope::Recipient, refusal(why))
        }
        Outcome::Deferred { scope: SmtpScope::Server, why, .. } => {
            Submission::Deferred(Scope::Provider, refusal(why))
        }
        Outcome::Misconfigured { why, .. } => Submission::Deferred(Scope::Credentials, refusal(why)),
        Outcome::Unknown { .. } => Submission::Unknown,
    }
}

/// Whether a reply says that no more may be sent today: `454 4.7.0 Throttling failure: Daily message quota
/// exceeded` (SES), `550 5.4.5 Daily user sending limit exceeded` (Gmail). A reply about an address or a mailbox
/// (X.1.Z and X.2.Z, RFC 3463 3.2 and 3.3) speaks of what its owner may receive.
fn is_quota_of_the_day(why: &Failure) -> bool {
    let Some(reply) = why.reply() else { return false };
    let text = reply.text().to_ascii_lowercase();
    let owners = reply.enhanced().is_some_and(|code| matches!(code.subject, 1 | 2));
    !owners && text.contains("daily") && (text.contains("quota") || text.contains("limit"))
}

fn refusal(why: &Failure) -> Refusal {
    match why.reply() {
        Some(reply) => Refusal { code: Some(reply.code()), text: reply.text() },
        None => Refusal { code: None, text: chain(why) },
    }
}

/// A failure and its causes. Holds no personal data, unlike a reply's text.
fn chain(why: &Failure) -> String {
    let causes = std::iter::successors(why.source(), |cause: &&dyn Error| (*cause).source());
    causes.fold(why.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use fanmail_smtp::Phase;

    use super::*;

    fn said(text: &str) -> Refusal {
        Refusal { code: None, text: text.into() }
    }

    #[test]
    fn each_outcome_has_its_submission() {
        let (server, recipient, phase) = (SmtpScope::Server, SmtpScope::Recipient, Phase::Rcpt);
        let refused = || Failure::Connect(io::Error::other("connection refused"));
        let cases = [
            (
                Outcome::Rejected { why: Failure::NeedsExtension("SMTPUTF8"), phase },
                Submission::Rejected(said("the message needs SMTPUTF8, which the server does not offer")),
            ),
            (
                Outcome::Deferred { scope: recipient, why: Failure::Closed, phase },
                Submission::Deferred(Scope::Recipient, said("the server closed the connection")),
            ),
            (
                Outcome::Deferred { scope: server, why: refused(), phase },
                Submission::Deferred(
                    Scope::Provider,
                    said("the server could not be reached: connection refused"),
                ),
            ),
            (
                Outcome::Misconfigured { why: Failure::NoTls, phase },
                Submission::Deferred(
                    Scope::Credentials,
                    said("the server does not offer STARTTLS, which is required"),
                ),
            ),
            (Outcome::Unknown { why: Failure::TimedOut(Duration::ZERO) }, Submission::Unknown),
        ];
        for (outcome, expected) in cases {
            assert_eq!(submission(&outcome), expected, "{outcome}");
        }
    }
}
