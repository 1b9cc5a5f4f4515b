//! The last table, and the same figures as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::campaign::View;
use super::import::Imported;
use super::usage::Cost;

/// How a `send` ended.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The campaign.
    pub campaign: View,
    /// What became of the list file's rows.
    pub imported: Imported,
    /// From the start of the campaign to its end.
    pub elapsed: Duration,
    /// What it cost.
    pub cost: Cost,
    /// Messages in the inbox and the people they went to, where the inbox was the provider.
    pub caught: Option<(u64, u64)>,
    /// What else is to be said, a sentence each.
    pub notes: Vec<String>,
}

/// The figures as `--report` writes them.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    status: &'a str,
    audience: u64,
    accepted: u64,
    failed: u64,
    skipped: u64,
    in_doubt: u64,
    pending: u64,
    reasons: &'a BTreeMap<String, u64>,
    seconds: f64,
    write_units: f64,
    read_units: f64,
    sqs_requests: u64,
}

impl Summary {
    /// Whether everybody got it, or was left out on purpose.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let campaign = &self.campaign;
        campaign.status == "finished" && campaign.count("failed") == 0 && campaign.count("in_doubt") == 0
    }

    /// The figures.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        let count = |state| self.campaign.count(state);
        Report {
            status: &self.campaign.status,
            audience: self.campaign.audience,
            accepted: count("accepted"),
            failed: count("failed"),
            skipped: count("skipped"),
            in_doubt: count("in_doubt"),
            pending: count("pending"),
            reasons: &self.campaign.reasons,
            seconds: self.elapsed.as_secs_f64(),
            write_units: self.cost.write_units,
            read_units: self.cost.read_units,
            sqs_requests: self.cost.sqs_requests,
        }
    }

    fn states(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "audience", self.campaign.audience)?;
        for (state, label) in
            [("accepted", "accepted"), ("failed", "failed"), ("skipped", "skipped"), ("in_doubt", "in doubt")]
        {
            row(f, label, self.campaign.count(state))?;
            for (reason, count) in &self.campaign.reasons {
                match reason.split_once(':') {
                    Some((of, reason)) if of == state => row(f, &format!("  {reason}"), *count)?,
                    _ => {}
                }
            }
        }
        match self.campaign.count("pending") {
            0 => Ok(()),
            pending => row(f, "not yet", pending),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let campaign = &self.campaign;
        let reason = campaign.status_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let seconds = self.elapsed.as_secs_f64();
        let rate = campaign.ended() as f64 / seconds.max(0.001);
        writeln!(f, "Campaign {} \"{}\": {}{reason}\n", campaign.id, campaign.name, campaign.status)?;
        self.states(f)?;
        writeln!(f, "\n  time           {seconds:.1} s, {} recipients/s", thousands(rate as u64))?;
        let per = |amount: f64| amount / (campaign.audience.max(1) as f64);
        let (write, read) = (per(self.cost.write_units), per(self.cost.read_units));
        let requests = per(self.cost.sqs_requests as f64);
        writeln!(f, "  DynamoDB       {write:.3} write units and {read:.3} read units per recipient")?;
        writeln!(f, "  SQS            {requests:.3} requests per recipient")?;
        let imported = &self.imported;
        let (valid, rows) = (thousands(imported.valid as u64), thousands(imported.rows as u64));
        writeln!(f, "  list file      {valid} of {rows} rows could be used")?;
        if let Some((count, path)) = &imported.rejected {
            writeln!(f, "                 {count} rejected, with line and reason in {}", path.display())?;
        }
        if let Some((messages, people)) = self.caught {
            let (messages, people) = (thousands(messages), thousands(people));
            writeln!(f, "  inbox          {messages} messages for {people} people")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, count: u64) -> fmt::Result {
    writeln!(f, "  {label:14} {:>11}", thousands(count))
}

/// A number with its thousands set apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1_000, 5_601, 1_234_567].map(thousands),
            ["0", "999", "1,000", "5,601", "1,234,567"]
        );
    }
}
