//! What went wrong, and how far a call had come, before anybody judges what it means for the message.

use std::fmt;
use std::io;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;

/// How far a call had come. In order: all but the last mean that SES surely did not get a complete request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Waiting for a free connection of the pool.
    Wait,
    /// Asking for credentials, and signing.
    Sign,
    /// Resolving the name, connecting, TLS.
    Connect,
    /// Writing the request; its last byte has surely not been handed to the kernel.
    Request,
    /// The last byte has been handed to the kernel, and no status line has been read.
    Answer,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wait => "waiting for a connection",
            Self::Sign => "signing",
            Self::Connect => "connect",
            Self::Request => "request",
            Self::Answer => "answer",
        })
    }
}

/// What SES said instead of yes. `Display` and `Debug` hold the status and the error's name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    status: Option<u16>,
    name: String,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: Option<u16>, name: String, message: String) -> Self {
        Self { status, name, message }
    }

    /// The HTTP status; `None` for one entry of a bulk call, which has a name alone.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The error's name without its namespace, as `MessageRejected`; empty where the answer names none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text. May hold addresses.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.name.as_str()) {
            (Some(status), "") => write!(f, "{status}"),
            (Some(status), name) => write!(f, "{status} {name}"),
            (None, name) => f.write_str(name),
        }
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({self})")
    }
}

/// Why a call did not end as hoped. `Display` holds no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A complete status line that says no.
    #[error("SES answered {0}")]
    Refused(Refusal),
    /// All connections of the pool stayed busy for the time given.
    #[error("no connection became free within {} ms", .0.as_millis())]
    Busy(Duration),
    /// The client has been closed by its owner.
    #[error("the client is closed")]
    ClientClosed,
    /// Nobody could say who asks.
    #[error("no credentials could be had")]
    Credentials(#[source] CredentialsError),
    /// The host's name has no address, or the resolver does not answer.
    #[error("the endpoint's name could not be resolved")]
    Resolve(#[source] io::Error),
    /// No TCP connection came about.
    #[error("the endpoint could not be reached")]
    Connect(#[source] io::Error),
    /// No TLS session came about, a certificate that is not good included.
    #[error("TLS with the endpoint failed")]
    Tls(#[source] io::Error),
    /// The connection broke while we wrote.
    #[error("the connection broke while writing")]
    Write(#[source] io::Error),
    /// The connection broke while we waited for the answer.
    #[error("the connection broke while reading")]
    Read(#[source] io::Error),
    /// The server ended the connection in an orderly way without a complete answer.
    #[error("the server closed the connection")]
    Closed,
    /// Time ran out; the time that the whole call was given.
    #[error("time ran out after {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// What came back is no answer of SES; the text says what is wrong with it.
    #[error("the server did not keep to the protocol: {0}")]
    Protocol(&'static str),
}

impl Failure {
    /// What SES said, where that is the failure.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        if let Self::Refused(refusal) = self { Some(refusal) } else { None }
    }
}

/// A failure, and the phase it happened in.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) phase: Phase,
    pub(crate) why: Failure,
}

impl Broken {
    pub(crate) fn at(phase: Phase) -> impl Fn(Failure) -> Self {
        move |why| Self { phase, why }
    }
}
