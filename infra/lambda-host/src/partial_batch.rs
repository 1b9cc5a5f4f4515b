//! Which messages of a batch a function has dealt with, by its answer ([rules]).
//!
//! The whole batch succeeded if the answer is null, or an object whose `batchItemFailures` is absent, null or
//! empty. It failed as a whole if the answer is anything else, or names an id that is empty, null, misspelt or
//! not in the batch. Otherwise exactly the named messages failed.
//!
//! [rules]: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

use std::collections::HashSet;

use serde_json::Value;

/// What the answer says about a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every message but these was dealt with.
    AllBut(HashSet<String>),
    /// No message counts as dealt with: the answer breaks the rules.
    NoneAtAll,
}

/// Reads a function's answer to a batch with the message ids `batch`.
pub(crate) fn verdict(answer: &[u8], batch: &HashSet<&str>) -> Verdict {
    let failures = match serde_json::from_slice(answer) {
        Ok(Value::Null) => return Verdict::AllBut(HashSet::new()),
        Ok(Value::Object(mut answer)) => answer.remove("batchItemFailures").unwrap_or_default(),
        Ok(_) | Err(_) => return Verdict::NoneAtAll,
    };
    let named = if failures.is_null() {
        Some(HashSet::new())
    } else {
        failures
            .as_array()
            .and_then(|failures| failures.iter().map(|failure| identifier(failure, batch)).collect())
    };
    named.map_or(Verdict::NoneAtAll, Verdict::AllBut)
}

fn identifier(failure: &Value, batch: &HashSet<&str>) -> Option<String> {
    let id = failure.get("itemIdentifier")?.as_str()?;
    batch.contains(id).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_the_documented_rules() {
        let batch = HashSet::from(["a", "b"]);
        let all_but = |ids: &[&str]| Verdict::AllBut(ids.iter().map(|id| (*id).to_owned()).collect());
        for (answer, expected) in [
            ("null", all_but(&[])),
            ("{}", all_but(&[])),
            (r#"{"batchItemFailures":null}"#, all_but(&[])),
            (r#"{"batchItemFailures":[]}"#, all_but(&[])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, all_but(&["b"])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#, Verdict::NoneAtAll),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, Verdict::NoneAtAll),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, Verdict::NoneAtAll),
            (r#"{"batchItemFailures":[{"itemIdentifer":"a"}]}"#, Verdict::NoneAtAll),
            (r#"{"batchItemFailures":"a"}"#, Verdict::NoneAtAll),
            (r#""done""#, Verdict::NoneAtAll),
            ("{", Verdict::NoneAtAll),
            ("", Verdict::NoneAtAll),
        ] {
            assert_eq!(verdict(answer.as_bytes(), &batch), expected, "{answer}");
        }
    }
}
