//! What went wrong, before anybody judges what it means for the message.

use std::io;
use std::time::Duration;

use crate::auth;
use crate::capabilities::Mechanisms;
use crate::config::Mechanism;
use crate::reply::{Reply, ReplyError};

/// Why a step did not end as hoped. `Display` holds no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A complete reply that says no, or that does not belong here.
    #[error("the server answered {0}")]
    Reply(Reply),
    /// The host's name has no address, or the resolver does not answer.
    #[error("the server's name could not be resolved")]
    Resolve(#[source] io::Error),
    /// No TCP connection came about.
    #[error("the server could not be reached")]
    Connect(#[source] io::Error),
    /// The connection broke while we waited for a reply.
    #[error("the connection broke while reading")]
    Read(#[source] io::Error),
    /// The connection broke while we wrote.
    #[error("the connection broke while writing")]
    Write(#[source] io::Error),
    /// The server ended the connection in an orderly way without a complete reply.
    #[error("the server closed the connection")]
    Closed,
    /// The step took longer than its time-out, which is given.
    #[error("time ran out after {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The server sent something that is no SMTP reply.
    #[error("the server did not keep to SMTP")]
    Protocol(#[source] ReplyError),
    /// All connections of the pool stayed busy for the time given.
    #[error("no connection of the pool became free within {} ms", .0.as_millis())]
    PoolBusy(Duration),
    /// The pool has been closed by its owner.
    #[error("the pool is closed")]
    PoolClosed,
    /// A rate or another limit of ours left no room within the time given.
    #[error("the limits set here left no room within {} ms", .0.as_millis())]
    Paced(Duration),
    /// This connection was closed after an earlier failure.
    #[error("the connection is no longer usable")]
    Unusable,
    /// The message is larger than the server takes (RFC 1870); nothing was sent.
    #[error("the message has {size} octets and the server takes {limit}")]
    TooLarge {
        /// Octets of the message with CRLF line ends.
        size: u64,
        /// What the server named in its SIZE.
        limit: u64,
    },
    /// The message cannot travel without an extension that the server lacks; nothing was sent.
    #[error("the message needs {0}, which the server does not offer")]
    NeedsExtension(&'static str),
    /// The TLS handshake failed: the certificate is not good, or the server does not speak TLS as we do.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// STARTTLS is required and not offered; nothing was sent.
    #[error("the server does not offer STARTTLS, which is required")]
    NoTls,
    /// There are credentials, but the server does not offer the AUTH mechanism asked for, or none this crate speaks.
    #[error("{}", auth::not_offered(*wanted, *offered))]
    NoMechanism {
        /// What the settings ask for.
        wanted: Mechanism,
        /// What the server offers; `None` if it does not offer AUTH.
        offered: Option<Mechanisms>,
    },
    /// A setting contains a character that SMTP cannot carry.
    #[error("the {0} contains a control character or is empty")]
    Setting(&'static str),
}

impl Failure {
    /// The server's reply, where that is the failure.
    pub fn reply(&self) -> Option<&Reply> {
        if let Self::Reply(reply) = self { Some(reply) } else { None }
    }
}

/// An I/O error is cloned by its code, or by its kind and text where it has none.
impl Clone for Failure {
    fn clone(&self) -> Self {
        match self {
            Self::Reply(reply) => Self::Reply(reply.clone()),
            Self::Resolve(err) => Self::Resolve(copy(err)),
            Self::Connect(err) => Self::Connect(copy(err)),
            Self::Read(err) => Self::Read(copy(err)),
            Self::Write(err) => Self::Write(copy(err)),
            Self::Closed => Self::Closed,
            Self::TimedOut(limit) => Self::TimedOut(*limit),
            Self::Protocol(err) => Self::Protocol(*err),
            Self::PoolBusy(limit) => Self::PoolBusy(*limit),
            Self::PoolClosed => Self::PoolClosed,
            Self::Paced(limit) => Self::Paced(*limit),
            Self::Unusable => Self::Unusable,
            Self::TooLarge { size, limit } => Self::TooLarge { size: *size, limit: *limit },
            Self::NeedsExtension(name) => Self::NeedsExtension(name),
            Self::Tls(err) => Self::Tls(copy(err)),
            Self::NoTls => Self::NoTls,
            Self::NoMechanism { wanted, offered } => Self::NoMechanism { wanted: *wanted, offered: *offered },
            Self::Setting(name) => Self::Setting(name),
        }
    }
}

fn copy(err: &io::Error) -> io::Error {
    match err.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(err.kind(), err.to_string()),
    }
}
