//! The mailer alone, against every yardstick, in one run.
//!
//! ```text
//! this process      starts the others, waits, asks the server what came, compares, reports
//!   server          the counting sink (SMTP) or stub (SES)      on a core of its own, where there are two
//!   client          one contestant at a time                    on the other
//! ```
//!
//! Each contestant is a process: what it used is read when it has ended, its start and the templates' compilation
//! included. The contestants of a row take turns, so that a change of the machine's load meets all of them. A run
//! is whole if the server's count equals the client's, messages and recipients ([`tally`]); one that is not fails
//! the command.
//!
//! Absent on purpose: thresholds, as in the rest of this crate. The table prints what issues asked for beside what
//! was measured.

pub mod bench;
pub mod cores;
pub mod lettre_client;
pub mod ours;
pub mod part;
pub mod people;
pub mod process;
pub mod ready;
pub mod render;
pub mod report;
pub mod rows;
pub mod sample;
pub mod ses_ours;
pub mod ses_sdk;
pub mod ses_stub;
pub mod sink;
pub mod tally;

use std::io;
use std::net::SocketAddr;

/// What a client is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Where the server is.
    pub server: SocketAddr,
    /// Messages to send.
    pub messages: usize,
    /// Connections to send them over.
    pub connections: usize,
    /// Messages under way at a time, for clients that tell them from connections.
    pub in_flight: usize,
}

/// Why the mailer could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The system refused something.
    #[error("{what}")]
    Io {
        /// The operation.
        what: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// One of the processes ended with another status than 0.
    #[error("{0} failed: {1}")]
    Ended(&'static str, std::process::ExitStatus),
    /// One of the processes said something else than it should.
    #[error("{0} did not say what it did")]
    Answer(&'static str, #[source] serde_json::Error),
    /// A yardstick gave up.
    #[error("the yardstick failed")]
    Yardstick(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is to be sent could not be made.
    #[error("could not make {0}")]
    Premise(&'static str),
}

impl MailerError {
    fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
