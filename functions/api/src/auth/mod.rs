//! Who asks: API tokens, as in listmonk.
//!
//! A caller names itself and shows its token ([`header`]). What is missing, not understood, unknown or wrong is answered
//! with 403 and listmonk's `{"message": …}`, because that is what listmonk answers and its clients look for. Nothing
//! tells an unknown name from a wrong token.
//!
//! Tokens are few, so all of them are read at once, strongly consistent, and kept in the process:
//!
//! - What was read serves for [`MAX_AGE`] at most, so a token that was taken back opens nothing a minute later. Where the
//!   tokens cannot be read anew then, nobody is let in.
//! - What is not among them may be newer than they are: they are read again, but not sooner than [`LOOK_AGAIN`] after the
//!   last try. So a flood of wrong tokens costs each process one read a second, and a request that has no token, or
//!   something that cannot be one, costs none.

mod header;

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fanmail_domain::{ApiToken, Timestamp, TokenName};
use fanmail_engine::ports::PortError;
use fanmail_runtime::vars::Vars;
use fanmail_store::{Store, StoredToken};

use crate::response::ApiError;

/// The longest that tokens are believed after they were read: a minute.
const MAX_AGE: Duration = Duration::from_secs(60);
/// The shortest time between two readings of the tokens because of one that is not among them.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Who asks where nobody has to say: as the journal has it.
const ANYBODY: &str = "user";

/// Whether the API asks for tokens: `FANMAIL_API_AUTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It does.
    Tokens,
    /// It does not: for a stack that listens on 127.0.0.1 only.
    Open,
}

/// How long tokens are believed: `FANMAIL_TOKEN_CACHE_S`, 1 to 60.
#[derive(Debug, Clone, Copy)]
struct Age(Duration);

/// The door of the API.
#[derive(Debug)]
pub(crate) struct Auth {
    mode: Mode,
    max_age: Duration,
    known: Mutex<Known>,
}

/// The tokens as they were read last.
#[derive(Debug, Default)]
struct Known {
    tokens: Vec<StoredToken>,
    /// When the reading began that answered with them.
    read_at: Option<Timestamp>,
    /// When the last reading began, whether it was answered or not.
    tried_at: Option<Timestamp>,
}

impl Auth {
    /// As `FANMAIL_API_AUTH` says: `tokens`, which it is without the variable, or `open`.
    pub(crate) fn from_vars(vars: &mut Vars) -> Self {
        let mode = vars.or("FANMAIL_API_AUTH", Mode::Tokens);
        let Age(max_age) = vars.or("FANMAIL_TOKEN_CACHE_S", Age(MAX_AGE));
        Self { mode, max_age, known: Mutex::default() }
    }

    /// Who asks, by the `Authorization` header of the request, which is empty if there is none.
    pub(crate) async fn caller(
        &self,
        store: &Store,
        now: Timestamp,
        authorization: &str,
    ) -> Result<String, ApiError> {
        if self.mode == Mode::Open {
            return Ok(ANYBODY.to_owned());
        }
        let (name, token) = header::credentials(authorization)?;
        if !self.known().is_younger(now, self.max_age) {
            self.read(store, now).await?;
        }
        if self.known().is_worth_another_look(&name, &token, now) {
            self.read(store, now).await?;
        }
        if self.known().has(&name, &token) { Ok(name.to_string()) } else { Err(refused()) }
    }

    async fn read(&self, store: &Store, now: Timestamp) -> Result<(), PortError> {
        self.known().tried_at = Some(now);
        let tokens = store.tokens().await?;
        *self.known() = Known { tokens, read_at: Some(now), tried_at: Some(now) };
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whoever panicked did so between whole assignments.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_younger(&self, now: Timestamp, age: Duration) -> bool {
        since(self.read_at, now, age)
    }

    fn is_worth_another_look(&self, name: &TokenName, token: &ApiToken, now: Timestamp) -> bool {
        !self.has(name, token) && !since(self.tried_at, now, LOOK_AGAIN)
    }

    fn has(&self, name: &TokenName, token: &ApiToken) -> bool {
        self.tokens.iter().any(|known| known.name == *name && known.hash.matches(token))
    }
}

/// Whether `then` was less than `age` before `now`. A clock that was put back makes nothing younger.
fn since(then: Option<Timestamp>, now: Timestamp, age: Duration) -> bool {
    then.is_some_and(|then| then <= now && now < then.after(age))
}

fn refused() -> ApiError {
    ApiError::Refused(403, "invalid API credentials".to_owned())
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tokens" => Ok(Self::Tokens),
            "open" => Ok(Self::Open),
            _ => Err("it is neither tokens nor open"),
        }
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = text.parse().ok().filter(|seconds| (1..=MAX_AGE.as_secs()).contains(seconds));
        let seconds =
            seconds.ok_or_else(|| format!("it is no number of seconds from 1 to {}", MAX_AGE.as_secs()))?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}
