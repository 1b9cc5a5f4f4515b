//! The queues against an embedded engine that speaks SQS's protocol, and against one that fails as told.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; `allow-unwrap-in-tests` leaves out their helpers, and not every file has one"
)]

mod harness;
mod partial_failures;
mod tasks;
