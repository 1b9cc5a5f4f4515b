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
    /// How long it took.
    pub timing: Timing,
    /// What it cost.
    pub cost: Cost,
    /// Messages in the inbox and the people they went to, where the inbox was the provider.
    pub caught: Option<(u64, u64)>,
    /// What else is to be said, a sentence each.
    pub notes: Vec<String>,
    /// What could not be done after the campaign had ended, a sentence each.
    pub failures: Vec<String>,
}

/// How long it took, and how many people came to their end in that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From the start of the campaign to its end; of one that went on, from then.
    pub elapsed: Duration,
    /// Recipients that came to an end in that time.
    pub ended: u64,
}

impl Timing {
    /// That of a campaign that a run `found` in one state and left in another, `elapsed` later.
    pub(super) fn of(left: &View, found: &View, elapsed: Duration) -> Self {
        if matches!(found.status.as_str(), "draft" | "finished") {
            return Self { elapsed: left.lasted().unwrap_or(elapsed), ended: left.ended() };
        }
        Self { elapsed, ended: left.ended().saturating_sub(found.ended()) }
    }

    fn rate(self) -> u64 {
        let ms = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        self.ended.saturating_mul(1_000) / ms
    }
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
    #[serde(flatten)]
    cost: &'a Cost,
}

impl Summary {
    /// Whether everybody got it, or was left out on purpose.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let campaign = &self.campaign;
        let everybody = campaign.count("failed") == 0 && campaign.count("in_doubt") == 0;
        campaign.status == "finished" && everybody && self.failures.is_empty()
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
            seconds: self.timing.elapsed.as_secs_f64(),
            cost: &self.cost,
        }
    }

    fn effort(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rate) = (self.timing.elapsed.as_secs_f64(), thousands(self.timing.rate()));
        writeln!(f, "\n  time           {seconds:.1} s, {rate} recipients/s")?;
        let per = |amount: f64| amount / (self.campaign.audience.max(1) as f64);
        let (write, read) = (per(self.cost.write_units), per(self.cost.read_units));
        let requests = per(self.cost.sqs_requests as f64);
        writeln!(f, "  DynamoDB       {write:.3} write units and {read:.3} read units per recipient")?;
        writeln!(f, "  SQS            {requests:.3} requests per recipient")
    }

    fn states(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = if self.campaign.audience_sealed { "audience" } else { "audience so far" };
        row(f, label, self.campaign.audience)?;
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
        writeln!(f, "Campaign {} \"{}\": {}{reason}\n", campaign.id, campaign.name, campaign.status)?;
        self.states(f)?;
        self.effort(f)?;
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
        self.notes.iter().chain(&self.failures).try_for_each(|note| writeln!(f, "\n{note}"))
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, count: u64) -> fmt::Result {
    writeln!(f, "  {label:15} {:>10}", thousands(count))
}

/// A number with its thousands set apart.
pub(crate) fn thousands(number: u64) -> String {
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
