//! What a campaign costs on AWS: counted units times a price table, line by line.
//!
//! The counts are a report's ([`Bill`]): `fanmail send --report FILE`, or `fanmail-bench campaign --json FILE`. They
//! are what the engines and the Lambda host of this machine counted as AWS would bill it. Durations are this
//! machine's: with a rate limit, as on AWS, they follow from the rate, not from the machine; without one they say
//! nothing. Prices are in `infra/prices.json`, with a source and a date each.
//!
//! [`bill`] reads reports, [`prices`] the table; [`lines`] is the arithmetic, [`monthly`] what is paid without a
//! campaign.

pub mod bill;
pub mod lines;
pub mod monthly;
pub mod prices;
mod report;

pub use bill::Bill;
pub use report::Report;

/// Why a cost could not be told.
#[derive(Debug, thiserror::Error)]
pub enum CostError {
    /// A file that is not what it should be.
    #[error("{0}")]
    Json(&'static str, #[source] serde_json::Error),
    /// The table lacks a price.
    #[error("the price table has no price {0}")]
    NoPrice(&'static str),
    /// A report without the figures: of an older version, or of a campaign of nobody.
    #[error("the report {0}")]
    Unfit(&'static str),
}
