//! The account as it was a while ago, asked for by one caller at a time.
//!
//! The first who finds no answer, or one that is too old, asks; the others wait and take what comes. A question
//! that fails leaves the old answer standing, and is not repeated before [`AFTER_FAILURE`] is over.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::account::Account;
use crate::failure::Failure;

/// SES takes one question per second from the whole account; after a failure nobody needs the answer soon.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The last answer, and when to ask again.
#[derive(Debug, Default)]
pub(crate) struct AccountCache {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    account: Option<Account>,
    ask_again: Option<Instant>,
}

impl AccountCache {
    /// The account, asked for if it was not within `age`; `None` if nobody has ever answered.
    pub(crate) async fn get(
        &self,
        age: Duration,
        ask: impl Future<Output = Result<Account, Failure>>,
    ) -> Option<Account> {
        let mut known = self.known.lock().await;
        if known.ask_again.is_none_or(|due| due <= Instant::now()) {
            let answer = ask.await;
            let pause = if answer.is_ok() { age } else { age.min(AFTER_FAILURE) };
            known.ask_again = Some(Instant::now() + pause);
            known.account = answer.ok().or(known.account);
        }
        known.account
    }
}
