//! The answer to "what became of the message?".

use std::fmt;

use crate::classify::{Verdict, classify};
use crate::failure::Failure;
use crate::reply::Reply;

/// How far a session or transaction had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Waiting for a free connection of the pool.
    Wait,
    /// Resolving the name and connecting.
    Connect,
    /// Waiting for the 220.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS and the TLS handshake; with implicit TLS before the greeting.
    Tls,
    /// AUTH.
    Auth,
    /// Comparing the message with what the server takes, before anything is said about it.
    Prepare,
    /// RSET, where an earlier transaction was left half done.
    Reset,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to its 354.
    Data,
    /// Writing the message; the last byte of the terminator has surely not been written.
    Body,
    /// The last byte of the terminator may have been written.
    EndOfData,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "waiting for a connection",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::Tls => "TLS",
            Self::Auth => "AUTH",
            Self::Prepare => "preparation",
            Self::Reset => "RSET",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "message body",
            Self::EndOfData => "end of data",
        })
    }
}

/// Whose trouble a deferral is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The server's: other recipients would fare the same now. Slow down, wait, or take another server;
    /// the recipient is not to blame and should lose no attempt.
    Server,
    /// The recipient's: others may go on; try this one later.
    Recipient,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Recipient => "recipient",
        })
    }
}

/// What became of one message. `Display` holds no personal data.
#[derive(Debug, Clone)]
#[must_use = "it says whether the message was taken"]
pub enum Outcome {
    /// The server has taken responsibility for the message.
    Accepted {
        /// The reply to the final dot; its text often holds the server's queue id.
        reply: Reply,
    },
    /// Surely not taken, and trying the same again is pointless.
    Rejected {
        /// The 5xx reply, or what could be seen without asking.
        why: Failure,
        /// Which step was refused.
        phase: Phase,
    },
    /// Surely not taken; may be tried again.
    Deferred {
        /// Whose trouble it is.
        scope: Scope,
        /// The 4xx reply, or what happened to the connection.
        why: Failure,
        /// Which step failed.
        phase: Phase,
    },
    /// Surely not taken, and no message will be until somebody changes the settings: the relay
    /// refused the credentials, asks for some, or offers no mechanism for them.
    Misconfigured {
        /// What the server or the check of the settings said.
        why: Failure,
        /// Which step failed.
        phase: Phase,
    },
    /// The server may have taken it: the last byte of the terminator may have been written and
    /// no complete reply was read. Sending it again can deliver it twice.
    Unknown {
        /// What happened instead of a reply.
        why: Failure,
    },
}

impl Outcome {
    /// The judged result of the step that ended a message.
    pub(crate) fn conclude(phase: Phase, answer: Result<Reply, Failure>) -> Self {
        let verdict = classify(phase, answer.as_ref());
        let why = match (verdict, answer) {
            (Verdict::Accepted, Ok(reply)) => return Self::Accepted { reply },
            (_, Ok(reply)) => Failure::Reply(reply),
            (_, Err(failure)) => failure,
        };
        match verdict {
            Verdict::Rejected => Self::Rejected { why, phase },
            Verdict::Deferred(scope) => Self::Deferred { scope, why, phase },
            Verdict::Misconfigured => Self::Misconfigured { why, phase },
            // A message cannot end with `Proceed`; if it did, nobody would know.
            Verdict::Unknown | Verdict::Proceed | Verdict::Accepted => Self::Unknown { why },
        }
    }

    /// If the connection is lost too: it died before anything was said about the message (421 included).
    pub(crate) fn is_untouched(&self) -> bool {
        matches!(self, Self::Deferred { scope: Scope::Server, phase: Phase::Reset | Phase::Mail, .. })
    }

    /// The server's reply, where one decided.
    pub fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Accepted { reply } => Some(reply),
            Self::Rejected { why, .. }
            | Self::Deferred { why, .. }
            | Self::Misconfigured { why, .. }
            | Self::Unknown { why } => why.reply(),
        }
    }

    /// What went wrong; `None` for [`Outcome::Accepted`].
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Accepted { .. } => None,
            Self::Rejected { why, .. }
            | Self::Deferred { why, .. }
            | Self::Misconfigured { why, .. }
            | Self::Unknown { why } => Some(why),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { reply } => write!(f, "accepted: {reply}"),
            Self::Rejected { why, phase } => write!(f, "rejected at {phase}: {why}"),
            Self::Deferred { scope, why, phase } => write!(f, "deferred by {scope} at {phase}: {why}"),
            Self::Misconfigured { why, phase } => write!(f, "misconfigured, seen at {phase}: {why}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::tests::reply;

    #[test]
    fn display_and_debug_show_codes_and_no_text() {
        let outcome = Outcome::conclude(Phase::Rcpt, Ok(reply("550 5.1.1 <fan@rcpt.test> unknown")));

        assert_eq!(outcome.to_string(), "rejected at RCPT: the server answered 550 5.1.1");
        assert!(!format!("{outcome:?}").contains("rcpt.test"));
        assert!(outcome.reply().unwrap().text().contains("fan@rcpt.test"), "the text has its accessor");
    }

    #[test]
    fn a_message_that_ends_with_go_on_is_in_doubt() {
        assert!(matches!(Outcome::conclude(Phase::Mail, Ok(reply("250 ok"))), Outcome::Unknown { .. }));
    }
}
