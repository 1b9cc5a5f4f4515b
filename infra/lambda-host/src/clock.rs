//! The time of day, read in one place, and the three spellings AWS uses for it.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Milliseconds since 1970-01-01 UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "the host stamps real deadlines and events; nothing is replayed"
)]
pub(crate) fn epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A moment in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Utc {
    /// The moment `epoch_ms` milliseconds after 1970-01-01.
    ///
    /// The date is found by Howard Hinnant's `civil_from_days`, which counts years from March so that the leap
    /// day comes last.
    pub(crate) fn at(epoch_ms: u64) -> Self {
        let seconds = epoch_ms / 1000;
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
            second_of_day: seconds % 86_400,
        }
    }

    /// `2026-10-09`, with `separator` between the parts.
    pub(crate) fn date(self, separator: char) -> String {
        let Self { year, month, day, .. } = self;
        format!("{year:04}{separator}{month:02}{separator}{day:02}")
    }

    /// `2026-10-09T13:55:36Z`, as in EventBridge events.
    pub(crate) fn rfc3339(self) -> String {
        format!("{}T{}Z", self.date('-'), self.time())
    }

    /// `09/Oct/2026:13:55:36 +0000`, as in API Gateway's request context.
    pub(crate) fn common_log(self) -> String {
        let month =
            usize::try_from(self.month - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"Jan");
        format!("{:02}/{month}/{:04}:{} +0000", self.day, self.year, self.time())
    }

    fn time(self) -> String {
        let second = self.second_of_day;
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::Utc;

    #[test]
    fn known_moments_are_spelled_right() {
        for (epoch_s, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::at(epoch_s * 1000).rfc3339(), expected);
        }
        assert_eq!(Utc::at(1_709_251_199_000).common_log(), "29/Feb/2024:23:59:59 +0000");
    }
}
