//! The use cases over simulated ports: one file per kind of trouble.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod audience;
mod control;
mod faults;
mod find;
mod poison;
mod provider;
mod queue;
mod retry;
mod settle;
mod start;
