//! The host with real processes: `host-test-function`, built on the real `lambda_runtime`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod concurrency;
mod dead_letters;
mod event_source;
mod failures;
mod fairness;
mod gateway;
mod invoke;
mod lambda_api;
mod lifecycle;
mod schedule;
mod stage;
mod usage;
