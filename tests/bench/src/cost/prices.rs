//! The price table.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::CostError;

/// The table of the repository, with the source and the date of each price.
pub const TABLE: &str = include_str!("../../../../infra/prices.json");

/// What things cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// In what money.
    pub currency: String,
    /// Where.
    pub region: String,
    /// What is to be known about all of them.
    pub note: String,
    prices: BTreeMap<String, Price>,
}

/// What one thing costs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Money for `per` units.
    pub usd: f64,
    /// How many units that buys.
    pub per: f64,
    /// What a unit is.
    pub unit: String,
    /// Where the price was read.
    pub source: String,
    /// When: year and month.
    pub as_of: String,
}

impl Prices {
    /// Reads a table in the form of [`TABLE`].
    ///
    /// # Errors
    ///
    /// [`CostError::Json`] if it has another form.
    pub fn read(table: &str) -> Result<Self, CostError> {
        serde_json::from_str(table).map_err(|error| CostError::Json("the price table cannot be read", error))
    }

    /// What `amount` units of `name` cost.
    ///
    /// # Errors
    ///
    /// [`CostError::NoPrice`] if the table does not say.
    pub fn of(&self, name: &'static str, amount: f64) -> Result<f64, CostError> {
        let price = self.prices.get(name).ok_or(CostError::NoPrice(name))?;
        Ok(amount * price.usd / price.per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_price_of_the_table_has_a_source_and_a_date() {
        let table = Prices::read(TABLE).unwrap();
        assert_eq!(table.currency, "USD");
        for (name, price) in &table.prices {
            assert!(price.usd > 0.0 && price.per >= 1.0 && !price.unit.is_empty(), "{name}");
            assert!(price.source.len() > 10 && price.as_of.len() == "2026-11".len(), "{name}");
        }
    }

    #[test]
    fn an_amount_is_priced_by_the_unit() {
        let table = Prices::read(TABLE).unwrap();
        assert!((table.of("sqs_request", 2_500_000.0).unwrap() - 1.0).abs() < 1e-9);
        assert!(matches!(table.of("gold", 1.0), Err(CostError::NoPrice("gold"))));
    }
}
