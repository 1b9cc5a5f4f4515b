//! What a campaign carries besides its texts, as requests say it.

use std::collections::BTreeMap;

use fanmail_domain::{Attachment, Extras, Header};
use serde::Deserialize;

/// listmonk's `headers`, a list of objects from names to values, and fanmail's own `transactional` and `attachments`.
/// What is absent stays.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GivenExtras {
    transactional: Option<bool>,
    headers: Option<Vec<BTreeMap<String, String>>>,
    attachments: Option<Vec<Attachment>>,
}

impl GivenExtras {
    /// What stands, with what was given.
    pub(super) fn applied_to(&self, stands: &Extras) -> Extras {
        Extras {
            transactional: self.transactional.unwrap_or(stands.transactional),
            headers: self.headers.as_deref().map_or_else(|| stands.headers.clone(), headers),
            attachments: self.attachments.clone().unwrap_or_else(|| stands.attachments.clone()),
        }
    }
}

fn headers(given: &[BTreeMap<String, String>]) -> Vec<Header> {
    let fields = given.iter().flatten();
    fields.map(|(name, value)| Header { name: name.clone(), value: value.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays_and_headers_are_listmonks() {
        let given = |json| serde_json::from_str::<GivenExtras>(json).unwrap();
        let header = Header { name: "X-A".into(), value: "b".into() };
        let stands = Extras { transactional: true, headers: vec![header], attachments: Vec::new() };
        assert_eq!(given("{}").applied_to(&stands), stands);
        assert_eq!(
            given(r#"{"headers":[{"X-A":"b"}]}"#).applied_to(&Extras::default()).headers,
            stands.headers
        );
        assert_eq!(given(r#"{"headers":[]}"#).applied_to(&stands).headers, []);
        assert!(!given(r#"{"transactional":false}"#).applied_to(&stands).transactional);
    }
}
