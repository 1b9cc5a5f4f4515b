//! Points in time as header lines have them (RFC 5322, 3.3).

use fanmail_domain::Timestamp;

use crate::header::number;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Appends `at` in UTC, to the second: `Tue, 30 Jun 2026 08:05:06 +0000`.
pub(crate) fn date(at: Timestamp, out: &mut Vec<u8>) {
    let seconds = at.0 / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let weekday = DAYS[usize::try_from(days % 7).unwrap_or_default()];
    out.extend_from_slice(weekday.as_bytes());
    out.extend_from_slice(b", ");
    two_digits(day, b" ", out);
    out.extend_from_slice(MONTHS[month].as_bytes());
    out.push(b' ');
    number(year, out);
    out.push(b' ');
    two_digits(second / 3600, b":", out);
    two_digits(second / 60 % 60, b":", out);
    two_digits(second % 60, b" +0000", out);
}

/// Appends a number below 100, and what comes behind it.
fn two_digits(number: u64, behind: &[u8], out: &mut Vec<u8>) {
    let digit = |digit: u64| b"0123456789"[usize::try_from(digit % 10).unwrap_or_default()];
    out.extend([digit(number / 10), digit(number)]);
    out.extend_from_slice(behind);
}

/// Year, month from 0 and day from 1 of a day after 1 January 1970: Howard Hinnant's `civil_from_days`, for which
/// years begin in March.
fn civil(days: u64) -> (u64, usize, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = usize::try_from((from_march + 2) % 12).unwrap_or_default();
    (era * 400 + year_of_era + u64::from(month < 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 +0000"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 +0000"),
            (1_782_806_706, "Tue, 30 Jun 2026 08:05:06 +0000"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 +0000"),
        ] {
            let mut out = Vec::new();
            date(Timestamp(seconds * 1000 + 999), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
