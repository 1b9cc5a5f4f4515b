//! The mailer from outside: content and recipients in, messages out, read by another library.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test] functions")]

mod dkim;
mod headers;
mod messages;
mod preview;
mod python;
mod ses;
mod smtp;
mod support;
mod welcome;
