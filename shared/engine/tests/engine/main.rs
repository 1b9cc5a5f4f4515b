//! The use cases over simulated ports: one file per kind of trouble.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy's own exception does not cover")]
#![allow(clippy::allow_attributes, reason = "see above")]

mod alarm;
mod audience;
mod cancel;
mod control;
mod dry_render;
mod edit;
mod errors;
mod faults;
mod feedback;
mod find;
mod pause;
mod poison;
mod provider;
mod queue;
mod resolve;
mod retry;
mod schedule;
mod settle;
mod stale;
mod start;
mod support;
mod sweep;
mod throttle;
mod under_way;
mod window;
