//! The keys that messages are signed with, by their names.
//!
//! `FANMAIL_DKIM` names them, separated by commas: `selector._domainkey.domain=PLACE`, where the left side is the
//! name that the public half is published under (RFC 6376 section 3.6.2.1) and `PLACE` a reference to the private half.

use std::str::FromStr;

use fanmail_domain::SecretRef;
use fanmail_domain::servers::SecretRefError;
use fanmail_mailer::{Dkim, DkimKey};
use fanmail_runtime::{Error, Secrets};

/// Where the keys are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DkimKeys(Vec<KeyRef>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyRef {
    domain: String,
    selector: String,
    place: SecretRef,
}

/// Why a text names no keys. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DkimKeysError {
    #[error("a DKIM key is named selector._domainkey.domain=PLACE; several are separated by commas")]
    Form,
    #[error("{0}")]
    Place(#[source] SecretRefError),
}

impl FromStr for DkimKeys {
    type Err = DkimKeysError;

    fn from_str(text: &str) -> Result<Self, DkimKeysError> {
        text.split(',').map(|key| key.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for KeyRef {
    type Err = DkimKeysError;

    fn from_str(text: &str) -> Result<Self, DkimKeysError> {
        let (name, place) = text.split_once('=').ok_or(DkimKeysError::Form)?;
        let (selector, domain) = name.split_once("._domainkey.").ok_or(DkimKeysError::Form)?;
        let place = SecretRef::parse(place).map_err(DkimKeysError::Place)?;
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), place })
    }
}

impl DkimKeys {
    /// Reads the keys; `None` if none are named. A key that cannot be read ends the start: mail must not leave
    /// unsigned because a secret was away.
    pub(crate) async fn read(&self, secrets: &Secrets) -> Result<Option<Dkim>, Error> {
        let mut keys = Vec::with_capacity(self.0.len());
        for KeyRef { domain, selector, place } in &self.0 {
            let pem = secrets.read(place).await?;
            keys.push(DkimKey { domain: domain.clone(), selector: selector.clone(), pem });
        }
        Ok(if keys.is_empty() { None } else { Some(Dkim::new(keys)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_by_where_they_are_published() {
        let text = "s1._domainkey.acme.example=env:KEY, s2._domainkey.acme.example=ssm:/dkim";
        let keys: DkimKeys = text.parse().unwrap();
        let names: Vec<_> = keys.0.iter().map(|key| (&*key.selector, &*key.domain)).collect();
        assert_eq!(names, [("s1", "acme.example"), ("s2", "acme.example")]);
        assert_eq!(keys.0[1].place, SecretRef::Ssm("/dkim".into()));
        for wrong in ["", "s1.acme.example=env:KEY", "s1._domainkey.acme.example", "s._domainkey.a=geheim"] {
            let error = wrong.parse::<DkimKeys>().unwrap_err();
            assert!(!error.to_string().contains("geheim"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_key_that_is_not_there_ends_the_start() {
        let keys: DkimKeys = "s1._domainkey.acme.example=env:KEY".parse().unwrap();
        assert!(keys.read(&Secrets::new([])).await.is_err());
        let nonsense = Secrets::new([("KEY".to_owned(), "no key".to_owned())]);
        assert!(keys.read(&nonsense).await.is_err());
        assert!(DkimKeys::default().read(&nonsense).await.unwrap().is_none());
    }
}
