//! The mailer from outside: content and recipients in, messages out, read by another library.

mod headers;
mod messages;
mod smtp;
mod support;
mod welcome;
