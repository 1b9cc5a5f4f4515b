//! The client from outside, against a server that plays SES and knows the truth.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test] functions")]

mod bulk;
mod connections;
mod outcomes;
mod support;
mod tls;
mod truth;
