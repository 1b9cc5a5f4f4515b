//! What was used, as reports have it.

use fanmail::send::Cost;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::CostError;
use crate::figures::Measured;

/// What a campaign used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// Recipients of the campaign.
    pub audience: u64,
    /// From its start to its end.
    pub seconds: f64,
    /// Everything that is billed.
    #[serde(flatten)]
    pub cost: Cost,
}

impl Bill {
    /// Reads one from a report of `fanmail send`, or from the last run of a report of `fanmail-bench campaign`.
    ///
    /// # Errors
    ///
    /// [`CostError`] if it is neither, or counts no invocations.
    pub fn read(report: &[u8]) -> Result<Self, CostError> {
        let not = |error| CostError::Json("the report cannot be read", error);
        let mut report: Value = serde_json::from_slice(report).map_err(not)?;
        let last = report.get_mut("runs").and_then(Value::as_array_mut).and_then(Vec::pop);
        let found = match last {
            Some(mut run) => run["bill"].take(),
            None => report,
        };
        let bill: Self = serde_json::from_value(found).map_err(not)?;
        if bill.audience == 0 {
            return Err(CostError::Unfit("is of a campaign of nobody"));
        }
        if bill.cost.functions.is_empty() {
            return Err(CostError::Unfit("counts no invocations: it was made by an older version"));
        }
        Ok(bill)
    }

    /// Invocations of all functions.
    #[must_use]
    pub fn invocations(&self) -> u64 {
        self.cost.functions.values().map(|function| function.invocations).sum()
    }

    /// Billed milliseconds of all functions.
    #[must_use]
    pub fn billed_ms(&self) -> u64 {
        self.cost.functions.values().map(|function| function.billed_ms).sum()
    }
}

impl From<&Measured> for Bill {
    fn from(measured: &Measured) -> Self {
        Self {
            audience: measured.recipients,
            seconds: measured.finished_after.as_secs_f64(),
            cost: measured.cost.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::measured;

    #[test]
    fn both_kinds_of_reports_are_read() {
        let sent = r#"{"status":"finished","audience":5,"accepted":5,"seconds":2.5,"write_units":10,
            "read_units":3.5,"sqs_requests":7,"log_bytes":90,"functions":{"sender":{"invocations":2,"billed_ms":30}}}"#;
        let bill = Bill::read(sent.as_bytes()).unwrap();
        assert_eq!((bill.audience, bill.invocations(), bill.billed_ms()), (5, 2, 30));
        assert_eq!((bill.cost.read_units, bill.cost.log_bytes), (3.5, 90));

        let last = Bill::from(&measured());
        let first = Bill { audience: 1, ..last.clone() };
        let benched = serde_json::json!({ "runs": [{ "bill": first }, { "bill": last }] });
        assert_eq!(Bill::read(benched.to_string().as_bytes()).unwrap(), last);
    }

    #[test]
    fn a_report_without_counts_is_refused() {
        let old = r#"{"audience":5,"seconds":1,"write_units":1,"read_units":1,"sqs_requests":1}"#;
        let error = Bill::read(old.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "the report counts no invocations: it was made by an older version");
        assert!(Bill::read(old.replace('5', "0").as_bytes()).is_err());
        assert!(Bill::read(b"{}").is_err() && Bill::read(b"no JSON").is_err());
    }
}
