//! The client against a scripted server, which knows the truth.
#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

mod auth;
mod cancellation;
mod chunks;
mod content;
mod conversation;
mod failures;
mod limits;
mod out_of_step;
mod pipelining;
mod pool;
mod random;
mod script;
mod server;
mod servers;
mod sessions;
mod time_outs;
mod tls;
mod tls_front;
mod transcripts;

use std::time::Duration;

use fanmail_smtp::{Envelope, Message, Outcome, Pool, ServerConfig, Timeouts};

use server::Server;

pub(crate) const MESSAGE: &[u8] = b"Subject: hello\r\n\r\nhello\r\n";

/// Larger than what the kernel buffers between two sockets, so that its last byte cannot be written before the server reads.
pub(crate) fn huge_message() -> Vec<u8> {
    b"0123456789012345678901234567890123456789012345678901234567890\r\n".repeat(300_000)
}

/// Time-outs that a working test never meets.
pub(crate) const PATIENT: Timeouts = Timeouts {
    wait: Duration::from_secs(10),
    connect: Duration::from_secs(10),
    greeting: Duration::from_secs(10),
    command: Duration::from_secs(10),
    data_initiation: Duration::from_secs(10),
    data_block: Duration::from_secs(10),
    end_of_data: Duration::from_secs(10),
    message: None,
};

/// One that a test waits for.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) fn config(server: &Server) -> ServerConfig {
    ServerConfig { timeouts: PATIENT, ..ServerConfig::new("127.0.0.1", server.port) }
}

pub(crate) fn pool(server: &Server) -> Pool {
    Pool::new(config(server))
}

pub(crate) fn envelope() -> Envelope {
    Envelope::new("shop@sender.test", "fan@rcpt.test").unwrap()
}

pub(crate) fn message(text: &[u8]) -> Message {
    Message::new(envelope(), text.into())
}

pub(crate) async fn send(pool: &Pool) -> Outcome {
    pool.send(message(MESSAGE).into()).await
}

pub(crate) fn is_accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted { .. })
}
