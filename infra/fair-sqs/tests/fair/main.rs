//! Fair queues through the real SDK, over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "tests; `allow-unwrap-in-tests` leaves out their helpers, and not every file has one"
)]

mod order;
mod queue_life;
mod stand;
mod visibility;
