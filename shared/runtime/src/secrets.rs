//! Reading secrets from where their references lead.
//!
//! A variable of the environment is read from this process. A parameter is asked of Systems Manager (`GetParameter`,
//! decrypted), a secret of Secrets Manager (`GetSecretValue`, the current version), each by a request of our own
//! ([`crate::signed`]).
//!
//! What was read is kept for [`FRESH_FOR`], so that a rotated secret is in use everywhere after that time. Where the
//! service does not answer, the last value goes on for [`LAST_FOR`]: a service that is away for an hour stops no
//! campaign, and a secret that was taken away is not used for days. A failure is not repeated before [`QUIET_FOR`] is
//! over, however many ask. One caller asks at a time, and the others take what came of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fanmail_domain::SecretRef;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Chain;
use crate::signed::{Ask, AskError, Service};
use crate::vars::Vars;

#[cfg(test)]
mod tests;

/// How long a value is used without asking again.
pub const FRESH_FOR: Duration = Duration::from_secs(300);
/// How long a value is used when asking again fails.
pub const LAST_FOR: Duration = Duration::from_secs(3_600);
/// How long a failure stands.
pub const QUIET_FOR: Duration = Duration::from_secs(10);

/// Reads secrets. Clones share what was read; `Debug` shows none of it.
#[derive(Clone)]
pub struct Secrets(Arc<Reader>);

struct Reader {
    variables: HashMap<String, String>,
    parameters: Option<Service>,
    secrets: Option<Service>,
    ages: Ages,
    kept: Mutex<HashMap<SecretRef, Kept>>,
}

/// [`FRESH_FOR`], [`LAST_FOR`] and [`QUIET_FOR`], which tests cannot wait for.
#[derive(Clone, Copy)]
struct Ages {
    fresh: Duration,
    last: Duration,
    quiet: Duration,
}

/// What came of asking.
#[derive(Default)]
struct Kept {
    value: Option<(String, Instant)>,
    failure: Option<(SecretError, Instant)>,
}

/// Why a secret cannot be read. Never repeats one.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// No such variable, or an empty one.
    #[error("the environment has no variable {0}")]
    Variable(String),
    /// Nobody can be asked.
    #[error("could not ask for {0}: the environment has no AWS Region or no credentials")]
    Nobody(SecretRef),
    /// The service refused, or did not answer.
    #[error("could not read {place}")]
    Asked {
        /// The reference.
        place: SecretRef,
        /// What it said.
        #[source]
        source: Arc<AskError>,
    },
    /// It answered, but not with a text: a secret may be bytes.
    #[error("{0} holds no text")]
    NoText(SecretRef),
}

impl Secrets {
    /// What this process can read.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(std::env::vars())
    }

    /// With these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::aging(variables, Ages { fresh: FRESH_FOR, last: LAST_FOR, quiet: QUIET_FOR })
    }

    fn aging(variables: impl IntoIterator<Item = (String, String)>, ages: Ages) -> Self {
        let variables: HashMap<_, _> = variables.into_iter().collect();
        let vars = Vars::new(variables.clone());
        Self(Arc::new(Reader {
            parameters: Service::from_vars(&vars, "ssm", "SSM"),
            secrets: Service::from_vars(&vars, "secretsmanager", "SECRETS_MANAGER"),
            variables,
            ages,
            kept: Mutex::default(),
        }))
    }

    /// The secret that is there.
    ///
    /// # Errors
    ///
    /// [`SecretError`], which names the place.
    pub async fn read(&self, place: &SecretRef) -> Result<String, SecretError> {
        if let SecretRef::Env(name) = place {
            let found = self.0.variables.get(name).filter(|value| !value.is_empty());
            return found.cloned().ok_or_else(|| SecretError::Variable(name.clone()));
        }
        let (mut all, ages) = (self.0.kept.lock().await, self.0.ages);
        let kept = all.entry(place.clone()).or_default();
        match (kept.value_within(ages.fresh), kept.failure_within(ages.quiet)) {
            (Some(value), _) => return Ok(value),
            (None, Some(failure)) => return kept.value_within(ages.last).ok_or(failure),
            (None, None) => {}
        }
        match self.ask(place).await {
            Ok(value) => {
                *kept = Kept { value: Some((value.clone(), Instant::now())), failure: None };
                Ok(value)
            }
            Err(error) => {
                kept.failure = Some((error.clone(), Instant::now()));
                let last = kept.value_within(ages.last);
                if last.is_some() {
                    tracing::warn!(error = %Chain(&error), "going on with the last value of {place}");
                }
                last.ok_or(error)
            }
        }
    }

    /// A required variable that holds a value, or the reference of the secret that is the value. `None` where it is
    /// not there, cannot be read or is not understood by `parse`; [`Vars::finish`] tells.
    pub async fn required<T, E: fmt::Display>(
        &self,
        vars: &mut Vars,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = vars.required(name);
        let value = match reference(&text) {
            _ if text.is_empty() => return None,
            None => Ok(text),
            Some(Ok(place)) => self.read(&place).await.map_err(|error| Chain(&error).to_string()),
            Some(Err(wrong)) => Err(wrong),
        };
        let parsed = value.and_then(|value| parse(&value).map_err(|error| error.to_string()));
        parsed.map_err(|error| vars.refuse(name, error)).ok()
    }

    async fn ask(&self, place: &SecretRef) -> Result<String, SecretError> {
        let (service, target, body, keys): (_, _, _, &[&str]) = match place {
            SecretRef::Env(name) => return Err(SecretError::Variable(name.clone())),
            SecretRef::Ssm(name) => {
                let body = json!({ "Name": name, "WithDecryption": true });
                (&self.0.parameters, "AmazonSSM.GetParameter", body, &["Parameter", "Value"])
            }
            SecretRef::SecretsManager(name) => {
                let body = json!({ "SecretId": name });
                (&self.0.secrets, "secretsmanager.GetSecretValue", body, &["SecretString"])
            }
        };
        let service = service.as_ref().ok_or_else(|| SecretError::Nobody(place.clone()))?;
        let ask = Ask { method: "POST", path: "/", target: Some(target), body: &body.to_string() };
        let answer = service.ask(ask).await.map_err(Arc::new);
        let answer = answer.map_err(|source| SecretError::Asked { place: place.clone(), source })?;
        let json: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let value = keys.iter().fold(&json, |found, key| &found[*key]).as_str();
        value.map(str::to_owned).ok_or_else(|| SecretError::NoText(place.clone()))
    }
}

impl Kept {
    fn value_within(&self, age: Duration) -> Option<String> {
        self.value.as_ref().filter(|(_, at)| at.elapsed() < age).map(|(value, _)| value.clone())
    }

    fn failure_within(&self, age: Duration) -> Option<SecretError> {
        self.failure.as_ref().filter(|(_, at)| at.elapsed() < age).map(|(error, _)| error.clone())
    }
}

/// What a text refers to, if it begins as references do.
fn reference(text: &str) -> Option<Result<SecretRef, String>> {
    let refers = ["env:", "ssm:", "secretsmanager:"].iter().any(|place| text.starts_with(place));
    refers.then(|| SecretRef::parse(text).map_err(|error| error.to_string()))
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}
