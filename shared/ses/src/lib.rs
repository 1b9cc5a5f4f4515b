//! A small client of Amazon SES (API version 2) that says exactly what became of a message.
//!
//! One call is one HTTP/1.1 request, in phases:
//!
//! ```text
//! wait for a slot -> credentials, signature -> idle connection, or connect (TCP, TLS) -> request | answer
//! ```
//!
//! What a sender of bulk mail must know afterwards is not "did it fail" but *may SES have it?* SES knows no
//! idempotency token, so a repeat that is not sure may deliver twice. The rule, in one place ([`Phase`]):
//!
//! - Until the last byte of the request has been handed to the kernel, SES surely did not take it: no request
//!   is acted upon before it is complete.
//! - From there until a status line is read, nobody but SES knows.
//! - Then the table of [`classify()`] decides. A 5xx stays *unknown*: it may come from a proxy in between, or
//!   from SES after it took the message.
//!
//! [`Answer`] keeps these apart. Nothing is sent again behind the caller's back, with one exception that cannot
//! deliver twice: a request that broke on a *kept* connection before its last byte was written goes out on a
//! fresh one, once. Kept connections are looked at before use (`recv` with `MSG_PEEK`, no round trip), so that
//! one which the server closed while this process was frozen costs nothing at all.
//!
//! Where to start: [`SesConfig`] -> [`Client`], [`Email`] -> [`Client::send_email`]. [`Bulk`] is the call for up
//! to fifty messages from one template; its module says which templates qualify. [`Client::account`] tells
//! the quota and the send rate.
//!
//! SES's texts may echo addresses, so no `Display` or `Debug` of this crate prints them; [`Refusal::message`] does.

mod account;
mod answer;
mod bulk;
mod classify;
mod client;
mod config;
mod connection;
mod email;
mod endpoint;
mod failure;
mod json;
mod pool;
mod response;
mod sign;
mod stream;
#[cfg(feature = "stub")]
pub mod stub;
mod template;

pub use account::{Account, Enforcement};
pub use answer::{Answer, Scope};
pub use bulk::{Bulk, BulkEntry, MAX_ENTRIES};
pub use classify::{Ending, Verdict, classify, classify_entry};
pub use client::Client;
pub use config::{ConfigError, Roots, SesConfig};
pub use email::Email;
pub use failure::{Failure, Phase, Refusal};
pub use pool::PoolCounts;
pub use template::{InlineTemplate, NotExpressible, Piece};
