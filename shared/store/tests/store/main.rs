//! The store against an embedded engine that speaks DynamoDB's protocol: the real SDK, over HTTP. The same tests run
//! against DynamoDB Local, where it can be had.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; `allow-unwrap-in-tests` leaves out their helpers, and not every file has one"
)]

mod admin;
mod audience;
mod campaigns;
mod collisions;
mod dynamodb_local;
mod fixtures;
mod harness;
mod import;
mod ledger;
mod neighbours;
mod races;
mod schema;
mod stub;
mod tokens;
mod wrappers;
