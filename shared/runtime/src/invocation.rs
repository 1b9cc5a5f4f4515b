//! Who an invocation is, and how long it may go on.

use std::time::Duration;

use fanmail_domain::{Holder, Timestamp};
use fanmail_engine::Invocation;
use lambda_runtime::Context;
use sha2::{Digest, Sha256};

/// What most functions keep in reserve before their deadline: time for what was begun to end and be written.
pub const RESERVE: Duration = Duration::from_secs(5);

/// The engine's view of a Lambda invocation that begins nothing new in the last `reserve` before its
/// deadline. A function with a short time-out keeps two thirds of it for work all the same.
#[must_use]
pub fn from_context(context: &Context, now: Timestamp, reserve: Duration) -> Invocation {
    let deadline = Timestamp(context.deadline);
    let reserve = reserve.min(deadline.since(now) / 3);
    Invocation { holder: holder(&context.request_id), stop_at: deadline.before(reserve), deadline }
}

/// The request id as a number: 64 bits of its SHA-256.
fn holder(request_id: &str) -> Holder {
    let digest = Sha256::digest(request_id.as_bytes());
    Holder(digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(deadline: u64, request_id: &str) -> Context {
        let mut context = Context::default();
        context.deadline = deadline;
        context.request_id = request_id.to_owned();
        context
    }

    #[test]
    fn the_reserve_is_five_seconds_or_a_third() {
        let long = from_context(&context(60_000, "a"), Timestamp(0), RESERVE);
        let short = from_context(&context(6_000, "a"), Timestamp(0), RESERVE);
        assert_eq!((long.stop_at, short.stop_at), (Timestamp(55_000), Timestamp(4_000)));
    }

    #[test]
    fn every_request_is_another_holder() {
        let holder = |id| from_context(&context(1, id), Timestamp(0), RESERVE).holder;
        assert_eq!(holder("a"), holder("a"));
        assert_ne!(holder("a"), holder("b"));
    }
}
