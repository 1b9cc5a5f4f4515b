//! Requests against an embedded engine that speaks DynamoDB's protocol: the whole function but its runtime.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; `allow-unwrap-in-tests` leaves out their helpers"
)]

mod audit;
mod auth;
mod concurrency;
mod control;
mod gone;
mod journal;
mod ledger;
mod recipients;
mod rehearse;
mod schedules;
mod servers;
mod settings;
mod world;
