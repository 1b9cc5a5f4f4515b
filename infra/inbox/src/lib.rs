//! An SMTP server that catches mail, keeps count and can be told to misbehave.
//!
//! The inbox is the witness of the tests ("who got what and when, how many times") and the sink of the
//! benchmarks. It knows nothing of campaigns. What it accepted is the truth at the provider, whatever the
//! client was told: a message is recorded *before* its reply is written, so a reply that was lost, dropped or
//! held does not change the count.
//!
//! * [`Inbox`]: start, ask, wait, stop.
//! * [`Script`]: how to misbehave, from Rust or as JSON, changed while running.
//! * [`Delivery`], [`Snapshot`]: what is known afterwards.
//!
//! Absent on purpose: TLS, BINARYMIME, relaying, and any memory of an earlier run.

mod clock;
mod config;
mod director;
mod hold;
mod http;
mod inbox;
mod record;
mod script;
mod server;
mod shared;
mod smtp;
mod spool;
mod store;

pub use config::{Auth, Capabilities, Credentials, InboxConfig};
pub use hold::Held;
pub use inbox::{Inbox, StartError};
pub use record::{Delivery, Snapshot};
pub use script::{Action, Delay, HangUp, Matcher, Phase, Rule, Script, ScriptError, Throttle, Who};
