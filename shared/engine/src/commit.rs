//! Writing until there is an answer.
//!
//! A write that names what it read can be repeated safely: if the first try took place and only its answer
//! was lost, the repeat is rejected by the very thing that was meant, and that counts as applied. So a port
//! that fails is asked again, with growing pauses, until the invocation's deadline. The same holds for reads
//! and for idempotent puts ([`retry`]).

use std::future::Future;
use std::time::Duration;

use fanmail_domain::Timestamp;

use crate::ports::{Clock, Conditional, PortError};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a conditional write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a refused write changed nothing"]
pub enum Committed<T> {
    /// It stands, by this try or an earlier one of ours.
    Stands,
    /// Something else stands: somebody was faster.
    Refused(Option<T>),
}

impl<T> Committed<T> {
    /// Whether the write stands.
    pub fn stands(&self) -> bool {
        matches!(self, Self::Stands)
    }
}

/// Carries out `write`, which is to store `meant`, until it is answered or the time is up.
///
/// # Errors
///
/// The last [`PortError`] once `until` has passed; whether the write took place is not known then.
pub async fn commit<T, W, F>(
    clock: &impl Clock,
    until: Timestamp,
    meant: &T,
    write: W,
) -> Result<Committed<T>, PortError>
where
    T: PartialEq,
    W: Fn() -> F,
    F: Future<Output = Result<Conditional<T>, PortError>>,
{
    Ok(match retry(clock, until, write).await? {
        Conditional::Applied => Committed::Stands,
        Conditional::Rejected(Some(current)) if current == *meant => Committed::Stands,
        Conditional::Rejected(current) => Committed::Refused(current),
    })
}

/// Asks `ask` until it is answered or the time is up. For what may safely be asked twice.
///
/// # Errors
///
/// The last [`PortError`] once `until` has passed.
pub async fn retry<T, A, F>(clock: &impl Clock, until: Timestamp, ask: A) -> Result<T, PortError>
where
    A: Fn() -> F,
    F: Future<Output = Result<T, PortError>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if clock.now().after(pause) >= until {
            return Err(error);
        }
        tracing::warn!(operation = error.operation, error = %error.source, "asking again");
        sleep(clock, pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn sleep(clock: &impl Clock, duration: Duration) {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    clock.sleep_until_ns(clock.monotonic_ns().saturating_add(nanos)).await;
}
