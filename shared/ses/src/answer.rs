//! The answer to "what became of the message?".

use std::fmt;

use crate::classify::{Ending, Verdict, classify};
use crate::failure::{Broken, Failure, Refusal};

/// Whose trouble a deferral is. There is none that is one recipient's alone: SES takes a message first and
/// talks to the recipient's server later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// SES's, or the way to it: every message would fare the same now. Slow down and wait.
    Provider,
    /// The owner's: credentials, identities, a configuration set, a paused or suspended account. Every message
    /// fares the same until somebody mends it.
    Configuration,
    /// The quota of 24 hours is used up. It renews itself.
    Quota,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Provider => "provider",
            Self::Configuration => "configuration",
            Self::Quota => "quota",
        })
    }
}

/// What became of one message. `Display` holds no personal data.
#[derive(Debug)]
#[must_use = "it says whether the message was taken"]
pub enum Answer {
    /// SES has taken responsibility for the message.
    Accepted {
        /// The provider message id; `None` where the connection broke between the status line and the id.
        message_id: Option<String>,
    },
    /// Surely not taken, and trying the same again is pointless.
    Rejected {
        /// What SES said.
        why: Failure,
    },
    /// Surely not taken; may be tried again.
    Deferred {
        /// Whose trouble it is.
        scope: Scope,
        /// What happened.
        why: Failure,
    },
    /// SES may have taken it. Sending it again can deliver it twice; only an SES event settles it.
    Unknown {
        /// What happened instead of an answer.
        why: Failure,
    },
}

impl Answer {
    /// A call that ended without a status line.
    pub(crate) fn broken(broken: Broken) -> Self {
        Self::judged(classify(Ending::Broken(broken.phase)), broken.why)
    }

    /// A status line that is not a success.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        let status = refusal.status().unwrap_or_default();
        let ending = Ending::Status { status, name: refusal.name(), message: refusal.message() };
        Self::judged(classify(ending), Failure::Refused(refusal))
    }

    pub(crate) fn judged(verdict: Verdict, why: Failure) -> Self {
        match verdict {
            Verdict::Rejected => Self::Rejected { why },
            Verdict::Deferred(scope) => Self::Deferred { scope, why },
            // Whoever is accepted does not come here with a failure; if one did, nobody would know.
            Verdict::Unknown | Verdict::Accepted => Self::Unknown { why },
        }
    }

    /// What went wrong; `None` for [`Answer::Accepted`].
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Accepted { .. } => None,
            Self::Rejected { why } | Self::Deferred { why, .. } | Self::Unknown { why } => Some(why),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { message_id: Some(id) } => write!(f, "accepted: {id}"),
            Self::Accepted { message_id: None } => f.write_str("accepted"),
            Self::Rejected { why } => write!(f, "rejected: {why}"),
            Self::Deferred { scope, why } => write!(f, "deferred by {scope}: {why}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_debug_show_names_and_no_text() {
        let text = "Address fan@rcpt.test is wrong".to_owned();
        let answer = Answer::refused(Refusal::new(Some(400), "MessageRejected".into(), text));

        assert_eq!(answer.to_string(), "rejected: SES answered 400 MessageRejected");
        assert!(!format!("{answer:?}").contains("rcpt.test"));
        let refusal = answer.failure().and_then(Failure::refusal);
        assert!(
            refusal.is_some_and(|said| said.message().contains("rcpt.test")),
            "the text has its accessor"
        );
    }
}
