//! A small SMTP client that says exactly what became of a message.
//!
//! The protocol (RFC 5321), one recipient per transaction:
//!
//! ```text
//! connect -> 220 greeting -> EHLO (HELO) -> AUTH      once per connection, STARTTLS and a second EHLO before AUTH
//! [RSET] -> MAIL -> RCPT -> DATA -> body and dot      once per message
//! ```
//!
//! In lockstep, or pipelined within and across messages where the server offers it.
//!
//! What a sender of bulk mail must know afterwards is not "did it fail" but *may the server have it?*
//! Up to the last byte of the terminator (`CRLF . CRLF`) the answer is a sure no; from there to
//! the server's complete reply nobody but the server knows. [`Outcome`] keeps the two apart:
//!
//! - [`Outcome::Accepted`]: the server took it.
//! - [`Outcome::Rejected`]: surely not taken, and the same message will be refused again.
//! - [`Outcome::Deferred`]: surely not taken; [`Scope`] says whose trouble it is.
//! - [`Outcome::Misconfigured`]: surely not taken; somebody must change the settings.
//! - [`Outcome::Unknown`]: the server may have it. Never sent again by this crate.
//!
//! The table behind it is [`classify()`]. A connection whose replies could get out of step (time-out,
//! dropped future, garbage, 421) is closed and never used again.
//!
//! Where to start: [`ServerConfig`] -> [`Pool`], [`Message`] -> [`Pool::send`]; for several servers [`Servers`].
//!
//! Texts of replies may echo addresses, so no `Display` or `Debug` of this crate prints them;
//! [`Reply::text`] does, and so does the [`Transcript`] of a session that was only tried ([`try_send`]).

mod auth;
mod budget;
mod capabilities;
mod classify;
mod commands;
mod config;
mod dot;
mod driver;
mod envelope;
mod failure;
mod message;
mod order;
mod outcome;
mod pipeline;
mod pool;
mod probe;
mod queue;
mod reply;
mod servers;
mod session;
mod stats;
mod stream;
mod timeouts;
mod tls;
mod transaction;
mod transcript;
mod url;
mod verdicts;
mod wire;

pub use capabilities::{Capabilities, Mechanisms};
pub use classify::{Verdict, classify};
pub use config::{Credentials, Mechanism, ServerConfig, Tls};
pub use envelope::{AddressError, Envelope};
pub use failure::Failure;
pub use message::Message;
pub use outcome::{Outcome, Phase, Scope};
pub use pool::Pool;
pub use probe::ProbeError;
pub use reply::{Enhanced, Reply, ReplyError};
pub use servers::{Balance, BreakerSettings, DomainLimits, Server, ServerStatus, Servers};
pub use session::{ConnectError, Connection};
pub use stats::{PoolCounts, PoolStats};
pub use timeouts::Timeouts;
pub use tls::{Roots, RootsError};
pub use transcript::{Transcript, try_send};
pub use url::UrlError;
