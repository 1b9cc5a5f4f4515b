//! Virtual time: nanoseconds on the world's one true clock.

use fanmail_domain::Timestamp;

/// One millisecond.
pub const MILLI: u64 = 1_000_000;
/// One second.
pub const SECOND: u64 = 1_000_000_000;
/// When every world begins: late enough that a clock which is slow does not reach below zero.
pub const BEGIN_NS: u64 = 1_000_000 * SECOND;

/// A moment as a perfect clock would show it.
#[must_use]
pub fn stamp(at_ns: u64) -> Timestamp {
    Timestamp(at_ns / MILLI)
}
