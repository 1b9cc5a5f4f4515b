//! The bill, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::lines::{Deployment, Line, lines, total};
use super::monthly::{MonthlyLine, monthly};
use super::prices::Prices;
use super::{Bill, CostError};

/// A priced bill.
#[derive(Debug, Clone)]
pub struct Report {
    audience: u64,
    lines: Vec<Line>,
    monthly: Vec<MonthlyLine>,
    provider: f64,
    prices: Prices,
    deployment: Deployment,
}

impl Report {
    /// Prices `bill`.
    ///
    /// # Errors
    ///
    /// [`CostError::NoPrice`] if the table lacks a price.
    pub fn new(bill: &Bill, prices: Prices, deployment: Deployment, alarms: u32) -> Result<Self, CostError> {
        Ok(Self {
            audience: bill.audience,
            lines: lines(bill, &prices, &deployment)?,
            monthly: monthly(&prices, alarms)?,
            provider: prices.of("ses_message", 1e6)?,
            prices,
            deployment,
        })
    }

    /// The same as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "benchmark": "cost",
            "audience": self.audience,
            "memory_mb": self.deployment.memory_mb,
            "usd_per_million": total(&self.lines),
            "lines": self.lines,
            "ses_usd_per_million": self.provider,
            "monthly_usd": self.monthly_usd(),
            "monthly": self.monthly,
        })
    }

    fn monthly_usd(&self) -> f64 {
        self.monthly.iter().map(|line| line.usd).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Prices { currency, region, .. } = &self.prices;
        let Self { audience, deployment: Deployment { memory_mb, .. }, .. } = self;
        writeln!(
            f,
            "A campaign of {audience} recipients, prices of {region}, functions of {memory_mb} MB\n"
        )?;
        writeln!(f, "{:<32}{:>16}{:>16}", "", "used", format!("{currency}/million"))?;
        for Line { name, amount, usd_per_million } in &self.lines {
            writeln!(f, "{name:<32}{amount:>16.0}{usd_per_million:>16.4}")?;
        }
        writeln!(f, "{:<48}{:>16.4}", "together, for a million recipients", total(&self.lines))?;
        writeln!(f, "{:<48}{:>16.2}\n", "Amazon SES, for a million messages", self.provider)?;
        writeln!(f, "{:<48}{:>16}", "each month, campaign or not", currency)?;
        for MonthlyLine { name, amount, usd } in &self.monthly {
            writeln!(f, "{name:<32}{amount:>16.0}{usd:>16.2}")?;
        }
        writeln!(f, "{:<48}{:>16.2}\n\n{}", "together", self.monthly_usd(), self.prices.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::lines::tests::{DEPLOYMENT, bill};
    use crate::cost::prices::TABLE;

    #[test]
    fn the_table_and_the_json_end_with_the_same_sum() {
        let report = Report::new(&bill(), Prices::read(TABLE).unwrap(), DEPLOYMENT, 20).unwrap();
        let usd = report.json()["usd_per_million"].as_f64().unwrap();
        let text = report.to_string();
        let sum = text.lines().find(|line| line.starts_with("together, for a million")).unwrap();
        assert!(sum.ends_with(&format!(" {usd:.4}")), "{text}");
        let lines = report.json()["lines"].as_array().unwrap().len();
        assert_eq!(text.lines().filter(|line| line.starts_with("DynamoDB")).count(), 2);
        assert_eq!(lines, 8);
    }
}
