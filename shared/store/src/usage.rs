//! What the store's requests consumed, as DynamoDB itself reports it.
//!
//! Every request asks for its consumed capacity. Units are kept in thousandths, because an eventually
//! consistent read costs half a unit.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Capacity and requests since the store was made or [`crate::Store::take_usage`] was called.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Write units, transactional ones as reported: two for each kilobyte.
    ///
    /// DynamoDB bills a write whose condition failed, but does not report it. It is counted as one unit, in
    /// a transaction as two for each action: the least that is billed.
    pub write_units: f64,
    /// Read units: one for 4 KB read strongly, half of that eventually.
    pub read_units: f64,
    /// Requests sent, repeats by the SDK not counted.
    pub requests: u64,
}

/// The running counters behind [`Usage`].
#[derive(Debug, Default)]
pub(crate) struct Meter {
    write_milliunits: AtomicU64,
    read_milliunits: AtomicU64,
    requests: AtomicU64,
}

const MILLI: f64 = 1_000.0;

impl Meter {
    pub(crate) fn asked(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read<'a>(&self, reports: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let units: f64 = reports.into_iter().filter_map(ConsumedCapacity::capacity_units).sum();
        self.read_milliunits.fetch_add(milliunits(units), Ordering::Relaxed);
    }

    /// A repeat of a transaction that was carried out before is reported as reads.
    pub(crate) fn wrote<'a>(&self, reports: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        for report in reports {
            let read = report.read_capacity_units().unwrap_or_default();
            let total = report.capacity_units().unwrap_or_default();
            let written = report.write_capacity_units().unwrap_or(total - read);
            self.read_milliunits.fetch_add(milliunits(read), Ordering::Relaxed);
            self.write_milliunits.fetch_add(milliunits(written), Ordering::Relaxed);
        }
    }

    /// A write that was refused, at its least price.
    pub(crate) fn refused(&self, units: usize) {
        self.write_milliunits.fetch_add(1_000 * units as u64, Ordering::Relaxed);
    }

    pub(crate) fn usage(&self) -> Usage {
        usage(
            self.write_milliunits.load(Ordering::Relaxed),
            self.read_milliunits.load(Ordering::Relaxed),
            self.requests.load(Ordering::Relaxed),
        )
    }

    pub(crate) fn take(&self) -> Usage {
        usage(
            self.write_milliunits.swap(0, Ordering::Relaxed),
            self.read_milliunits.swap(0, Ordering::Relaxed),
            self.requests.swap(0, Ordering::Relaxed),
        )
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "capacities are small, not negative and multiples of one half"
)]
fn milliunits(units: f64) -> u64 {
    (units * MILLI).round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 thousandths of a unit")]
fn usage(write_milliunits: u64, read_milliunits: u64, requests: u64) -> Usage {
    Usage {
        write_units: write_milliunits as f64 / MILLI,
        read_units: read_milliunits as f64 / MILLI,
        requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_units_add_up_and_repeats_of_transactions_count_as_reads() {
        let meter = Meter::default();
        let half = ConsumedCapacity::builder().capacity_units(0.5).build();
        meter.read([&half, &half, &half]);
        meter.wrote([&ConsumedCapacity::builder().capacity_units(4.0).write_capacity_units(4.0).build()]);
        meter.wrote([&ConsumedCapacity::builder().capacity_units(2.0).read_capacity_units(2.0).build()]);
        meter.wrote([&ConsumedCapacity::builder().capacity_units(1.0).build()]);
        meter.refused(2);
        let seen = meter.take();
        assert_eq!((seen.write_units, seen.read_units), (7.0, 3.5));
        assert_eq!(meter.usage(), Usage::default());
    }
}
