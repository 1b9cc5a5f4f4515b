//! `SendBulkEmail`: up to fifty messages from one template in one call (API v2 reference, `SendBulkEmail`).
//!
//! For a campaign whose content is an [`InlineTemplate`] (see its module for what qualifies): without
//! attachments, and with every recipient's values at hand. SES makes the MIME then, with a Message-ID and a Date of
//! its own; headers such as `List-Unsubscribe` are given per entry. A call of fifty entries costs the client
//! little more than a call of one.
//!
//! A call is taken or refused as a whole, or each entry by itself: then each has a status of its own, and
//! [`classify_entry`] is the table.

use std::fmt;

use serde::Deserialize;

use crate::answer::Answer;
use crate::classify::{Verdict, classify_entry};
use crate::failure::{Failure, Refusal};
use crate::json;
use crate::template::{self, InlineTemplate, NotExpressible};

/// "You can send to up to 50 destinations per call" (API v1 reference, `SendBulkTemplatedEmail`; v2 names no number).
pub const MAX_ENTRIES: usize = 50;

/// Custom headers of one message (API v2 reference, `BulkEmailEntry`).
const MAX_HEADERS: usize = 15;

/// Largest `ReplacementTemplateData` (API v2 reference, `ReplacementTemplate`).
const MAX_VALUES_BYTES: usize = 262_144;

/// One recipient. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct BulkEntry<'a> {
    /// To whom.
    pub to: &'a str,
    /// The template's values, escaped for where they stand.
    pub values: &'a [&'a str],
    /// Headers of this message; at most 15.
    pub headers: &'a [(&'a str, &'a str)],
    /// As in [`Email::tags`](crate::Email::tags).
    pub tags: &'a [(&'a str, &'a str)],
}

/// One call.
pub struct Bulk<'a> {
    template: &'a InlineTemplate,
    configuration_set: Option<&'a str>,
    from: &'a str,
    /// The entries, written down.
    entries: Vec<Vec<u8>>,
}

impl<'a> Bulk<'a> {
    /// A call without entries.
    #[must_use]
    pub fn new(template: &'a InlineTemplate, from: &'a str, configuration_set: Option<&'a str>) -> Self {
        Self { template, configuration_set, from, entries: Vec::new() }
    }

    /// Adds one entry.
    ///
    /// # Errors
    ///
    /// [`NotExpressible`] if the call is full or the values are not the template's. A value that is missing would not
    /// be refused by SES but lead to a message that is taken and never sent (event "Rendering Failure").
    pub fn push(&mut self, entry: &BulkEntry<'_>) -> Result<(), NotExpressible> {
        let (wanted, given) = (self.template.values(), entry.values.len());
        if self.entries.len() == MAX_ENTRIES {
            return Err(NotExpressible::Full);
        }
        if wanted != given {
            return Err(NotExpressible::Values { wanted, given });
        }
        if entry.headers.len() > MAX_HEADERS {
            return Err(NotExpressible::Headers);
        }
        let values = template::values(entry.values);
        if values.len() > MAX_VALUES_BYTES {
            return Err(NotExpressible::ValuesTooLarge);
        }
        self.entries.push(written(entry, &values));
        Ok(())
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// It has no entries; SES refuses such a call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let size: usize = self.entries.iter().map(|entry| entry.len() + 1).sum();
        let mut out = Vec::with_capacity(size + 8192);
        out.extend_from_slice(b"{\"FromEmailAddress\":");
        json::string(&mut out, self.from);
        out.extend_from_slice(b",\"DefaultContent\":{\"Template\":{\"TemplateContent\":");
        self.template.write(&mut out);
        out.extend_from_slice(b",\"TemplateData\":\"{}\"}},\"BulkEmailEntries\":");
        json::array(&mut out, &self.entries, |out, entry| out.extend_from_slice(entry));
        if let Some(name) = self.configuration_set {
            out.extend_from_slice(b",\"ConfigurationSetName\":");
            json::string(&mut out, name);
        }
        out.push(b'}');
        out
    }
}

impl fmt::Debug for Bulk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bulk({} entries)", self.entries.len())
    }
}

impl fmt::Debug for BulkEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BulkEntry")
    }
}

fn written(entry: &BulkEntry<'_>, values: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() + 512);
    out.extend_from_slice(b"{\"Destination\":{\"ToAddresses\":[");
    json::string(&mut out, entry.to);
    out.extend_from_slice(b"]},\"ReplacementTags\":");
    json::pairs(&mut out, entry.tags.iter().copied());
    out.extend_from_slice(
        b",\"ReplacementEmailContent\":{\"ReplacementTemplate\":{\"ReplacementTemplateData\":",
    );
    // JSON in a string of JSON. It was made from strings, so it is UTF-8.
    json::string(&mut out, &String::from_utf8_lossy(values));
    out.extend_from_slice(b"}},\"ReplacementHeaders\":");
    json::pairs(&mut out, entry.headers.iter().copied());
    out.push(b'}');
    out
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    bulk_email_entry_results: Vec<EntryResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryResult {
    #[serde(default)]
    status: String,
    error: Option<String>,
    message_id: Option<String>,
}

/// One answer for each entry. SES names them in their order; whoever is not named is in doubt.
pub(crate) fn answers(body: &[u8], entries: usize) -> Result<Vec<Answer>, Answer> {
    let unnamed = || Answer::Unknown { why: Failure::Protocol("it names no result") };
    let results: Results = serde_json::from_slice(body).map_err(|_| unnamed())?;
    let mut answers: Vec<_> = results.bulk_email_entry_results.into_iter().map(answer).collect();
    answers.resize_with(entries, unnamed);
    Ok(answers)
}

fn answer(result: EntryResult) -> Answer {
    match classify_entry(&result.status) {
        Verdict::Accepted => Answer::Accepted { message_id: result.message_id },
        verdict @ (Verdict::Rejected | Verdict::Deferred(_) | Verdict::Unknown) => {
            let refusal = Refusal::new(None, result.status, result.error.unwrap_or_default());
            Answer::judged(verdict, Failure::Refused(refusal))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::template::Piece;

    fn template() -> InlineTemplate {
        let html = [Piece::Literal("<b>"), Piece::Value(0), Piece::Literal("</b>")];
        InlineTemplate::new(&[Piece::Value(1)], &[Piece::Literal("x")], &html).unwrap()
    }

    #[test]
    fn the_body_is_that_of_the_reference() {
        let template = template();
        let mut bulk = Bulk::new(&template, "news@acme.test", Some("fanmail"));
        let headers = [("List-Unsubscribe", "<https://acme.test/u/1>")];
        let values = ["O&#x27;Hara \"q\"", "Hi\n{{v0}}"];
        bulk.push(&BulkEntry { to: "a@b.test", values: &values, headers: &headers, tags: &[("lane", "0")] })
            .unwrap();

        let body: Value = serde_json::from_slice(&bulk.body()).unwrap();

        let content = json!({ "Subject": "{{v1}}", "Text": "x", "Html": "<b>{{v0}}</b>" });
        let entry = &body["BulkEmailEntries"][0];
        assert_eq!(
            body["DefaultContent"]["Template"],
            json!({ "TemplateContent": content, "TemplateData": "{}" })
        );
        assert_eq!(body["ConfigurationSetName"], "fanmail");
        assert_eq!(entry["Destination"]["ToAddresses"], json!(["a@b.test"]));
        assert_eq!(entry["ReplacementTags"], json!([{ "Name": "lane", "Value": "0" }]));
        assert_eq!(entry["ReplacementHeaders"][0]["Name"], "List-Unsubscribe");
        let data = &entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"];
        let data: Value = serde_json::from_str(data.as_str().unwrap()).unwrap();
        assert_eq!(data, json!({ "v0": values[0], "v1": values[1] }));
    }

    #[test]
    fn an_entry_has_the_values_of_its_template() {
        let template = template();
        let mut bulk = Bulk::new(&template, "news@acme.test", None);
        fn entry<'a>(values: &'a [&'a str]) -> BulkEntry<'a> {
            BulkEntry { to: "a@b.test", values, headers: &[], tags: &[] }
        }
        assert_eq!(bulk.push(&entry(&["a"])), Err(NotExpressible::Values { wanted: 2, given: 1 }));
        let long = "x".repeat(MAX_VALUES_BYTES);
        assert_eq!(bulk.push(&entry(&[&long, ""])), Err(NotExpressible::ValuesTooLarge));
        let headers = [("X-A", "b"); MAX_HEADERS + 1];
        let overloaded = BulkEntry { headers: &headers, ..entry(&["a", "b"]) };
        assert_eq!(bulk.push(&overloaded), Err(NotExpressible::Headers));
        assert!(bulk.is_empty());
        for _ in 0..MAX_ENTRIES {
            bulk.push(&entry(&["a", "b"])).unwrap();
        }
        assert_eq!(bulk.push(&entry(&["a", "b"])), Err(NotExpressible::Full));
    }

    #[test]
    fn whoever_is_not_named_is_in_doubt() {
        let body = br#"{"BulkEmailEntryResults":[{"Status":"SUCCESS","MessageId":"m"},{"Status":"ACCOUNT_THROTTLED","Error":"e"}]}"#;
        let answers = answers(body, 3).unwrap();
        assert!(matches!(&answers[0], Answer::Accepted { message_id: Some(id) } if id == "m"));
        assert!(matches!(answers[1], Answer::Deferred { .. }));
        assert!(matches!(answers[2], Answer::Unknown { .. }));
        assert_eq!(answers.len(), 3);
        assert!(matches!(super::answers(b"{}", 3), Err(Answer::Unknown { .. })));
    }
}
