//! Fan-out alone: from the order to start a campaign until its audience is sealed.
//!
//! 1. A stack in memory, with the real `start` processes over the embedded engines. No sender runs: its reserved
//!    concurrency is zero.
//! 2. People are put onto a list straight in the DynamoDB engine ([`seed`]): only what fan-out reads, their
//!    memberships. Through the store's import a million of them would take longer than everything else.
//! 3. A campaign is made and started over the HTTP API. The clock runs from the order until the campaign says that
//!    its audience is sealed; every batch is in the ledger then, and its task on the queue.

pub mod run;
pub mod seed;

pub use run::{FanOutFigures, run};
