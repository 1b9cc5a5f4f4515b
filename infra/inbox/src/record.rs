//! What the inbox tells afterwards.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// One accepted copy: one message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Number of the message, from 1, in the order of acceptance. Never used again, not even after `clear`.
    /// A message for several recipients has one number and several deliveries.
    pub seq: u64,
    /// The recipient as given in RCPT.
    pub recipient: String,
    /// The sender as given in MAIL; empty for the null sender.
    pub sender: String,
    /// Wall clock at acceptance, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// Monotonic time at acceptance since the inbox was started; in JSON `elapsed_us`, in microseconds.
    #[serde(rename = "elapsed_us", serialize_with = "as_micros")]
    pub elapsed: Duration,
    /// Number of the connection it came through, from 1.
    pub connection: u64,
    /// Size of the message in octets, after dot-unstuffing.
    pub size: u64,
    /// Value of the Message-ID header, without surrounding white space.
    pub message_id: Option<String>,
    /// The headers that the configuration names, in message order: name as configured, unfolded value.
    pub headers: Vec<(String, String)>,
}

/// The counts at one moment, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Accepted copies, one for each message and recipient.
    pub accepted: u64,
    /// Accepted messages.
    pub messages: u64,
    /// Different recipients, without regard to case.
    pub recipients: u64,
    /// Recipients with more than one copy.
    pub with_several: u64,
    /// Octets accepted.
    pub bytes: u64,
    /// Connections since the start.
    pub connections: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Most connections open at once.
    pub max_open_connections: u64,
    /// Transactions held now.
    pub held: u64,
}

fn as_micros<S: Serializer>(elapsed: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
}
