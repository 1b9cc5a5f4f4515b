//! Where a secret is, never what it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a secret or parameter: AWS allows 512 and 2,048 characters.
const MAX_NAME: usize = 512;

/// The place that a secret is read from when it is needed.
///
/// `env:NAME` is an environment variable of the function, `ssm:/name` a parameter of the Systems Manager
/// Parameter Store, `secretsmanager:name` a secret of AWS Secrets Manager. Holds no secret, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SecretRef {
    /// An environment variable of the function that sends.
    Env(String),
    /// A parameter of the Systems Manager Parameter Store.
    Ssm(String),
    /// A secret of AWS Secrets Manager.
    SecretsManager(String),
}

/// Why a text is no reference. Does not repeat the text: people put passwords there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretRefError {
    /// No place that is known.
    #[error(
        "a secret is named and never given: env:NAME for a variable of the sender's environment, ssm:/name for a \
         parameter, secretsmanager:name for a secret"
    )]
    Place,
    /// An empty or impossible name.
    #[error("the name of a secret is 1 to {MAX_NAME} letters, digits and any of /_+=.@:-")]
    Name,
}

impl SecretRef {
    /// Reads a reference.
    ///
    /// # Errors
    ///
    /// [`SecretRefError`], which never repeats the text.
    pub fn parse(text: &str) -> Result<Self, SecretRefError> {
        let (place, name) = text.split_once(':').ok_or(SecretRefError::Place)?;
        let make = match place {
            "env" => Self::Env,
            "ssm" => Self::Ssm,
            "secretsmanager" => Self::SecretsManager,
            _ => return Err(SecretRefError::Place),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@:-".contains(c);
        let good = (1..=MAX_NAME).contains(&name.len()) && name.chars().all(allowed);
        if good { Ok(make(name.to_owned())) } else { Err(SecretRefError::Name) }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Ssm(name) => write!(f, "ssm:{name}"),
            Self::SecretsManager(name) => write!(f, "secretsmanager:{name}"),
        }
    }
}

impl TryFrom<String> for SecretRef {
    type Error = SecretRefError;

    fn try_from(text: String) -> Result<Self, SecretRefError> {
        Self::parse(&text)
    }
}

impl From<SecretRef> for String {
    fn from(reference: SecretRef) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_read_back_as_written() {
        for text in ["env:RELAY_PASSWORD", "ssm:/fanmail/relay", "secretsmanager:prod/relay-1"] {
            assert_eq!(SecretRef::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_password_in_the_place_of_a_reference_is_refused_and_not_repeated() {
        for (text, error) in [
            ("geheim", SecretRefError::Place),
            ("pass:geheim", SecretRefError::Place),
            ("", SecretRefError::Place),
            ("env:", SecretRefError::Name),
            ("env:geheim und mehr", SecretRefError::Name),
        ] {
            assert_eq!(SecretRef::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("geheim"));
        }
    }
}
