//! Points in time and lengths of time as people write them: RFC 3339 with its offset, and `1h`, `90s`.

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use fanmail_domain::{Schedule, Timestamp};

use crate::response::ApiError;

/// How long after its time a campaign may still be started by itself, unless the request says otherwise.
const NOT_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// The point in time that `text` is; `name` is what it is for.
pub(crate) fn instant(name: &str, text: &str) -> Result<Timestamp, ApiError> {
    let text = text.trim();
    let read = |text: &str| DateTime::from_str(text, Format::DateTimeWithOffset).ok();
    let millis = read(text).map(|at| u64::try_from(at.to_millis().unwrap_or_default()).unwrap_or_default());
    millis.map(Timestamp).ok_or_else(|| {
        let wrong = if read(&format!("{text}Z")).is_some() { "has no offset from UTC" } else { "is no time" };
        let example = "write it as 2030-01-31T09:00:00+01:00 or 2030-01-31T08:00:00Z (RFC 3339)";
        ApiError::bad(&format!("{name} {wrong}: {example}"))
    })
}

/// A point in time that has to lie ahead.
pub(crate) fn ahead(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    match instant(name, text)? {
        at if at > now => Ok(at),
        _ => Err(ApiError::bad(&format!("{name} is in the past: it has to lie ahead"))),
    }
}

/// A schedule whose time lies ahead, or is that of `known`.
pub(crate) fn schedule(
    send_at: &str,
    not_after: Option<&str>,
    known: Option<Schedule>,
    now: Timestamp,
) -> Result<Schedule, ApiError> {
    let send_at = match instant("send_at", send_at)? {
        at if known.is_some_and(|known| known.send_at == at) => at,
        _ => ahead("send_at", send_at, now)?,
    };
    let not_after = match not_after {
        Some(text) => instant("not_after", text)?,
        None => send_at.after(NOT_AFTER),
    };
    if not_after < send_at {
        return Err(ApiError::bad("not_after is before send_at: the campaign could never start"));
    }
    Ok(Schedule { send_at, not_after })
}

/// A length of time in seconds from `1h30m`, `90s` and the like.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let (mut rest, mut sum, mut last) = (text.trim(), 0_u32, u32::MAX);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit_at = rest.find(|it: char| !it.is_ascii_digit())?;
        let (digits, tail) = rest.split_at(unit_at);
        let unit = match tail.chars().next()? {
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        // Each unit once, the largest first.
        if unit >= last {
            return None;
        }
        sum = sum.checked_add(digits.parse::<u32>().ok()?.checked_mul(unit)?)?;
        (rest, last) = (tail.get(1..)?, unit);
    }
    Some(sum)
}

/// The same, written in one unit: the largest that it is a whole number of.
pub(crate) fn written(seconds: u32) -> String {
    match seconds {
        s if s > 0 && s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        s if s > 0 && s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence<T: std::fmt::Debug>(refused: Result<T, ApiError>) -> String {
        match refused {
            Err(ApiError::Refused(400, sentence)) => sentence,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_time_needs_its_offset() {
        let utc = instant("until", "2020-09-13T12:26:40Z").unwrap();
        assert_eq!(utc, Timestamp(1_600_000_000_000));
        assert_eq!(instant("until", " 2020-09-13T14:26:40.000+02:00 ").unwrap(), utc);
        assert_eq!(instant("until", "2020-09-13T08:56:40-03:30").unwrap(), utc);
        let without = sentence(instant("until", "2020-09-13T12:26:40"));
        assert!(without.starts_with("until has no offset from UTC: write it as 2030-"), "{without}");
        for wrong in
            ["", "tomorrow", "2020-09-13", "2020-13-13T12:26:40Z", "1600000000", "2020-09-13 12:26:40Z"]
        {
            assert!(sentence(instant("until", wrong)).starts_with("until is no time"), "{wrong}");
        }
    }

    #[test]
    fn a_schedule_lies_ahead_and_ends_a_day_later() {
        let now = Timestamp(1_600_000_000_000);
        let at = |text, not_after, known| schedule(text, not_after, known, now);
        let one = at("2020-09-13T12:26:41Z", None, None).unwrap();
        assert_eq!((one.send_at, one.not_after), (Timestamp(now.0 + 1_000), Timestamp(now.0 + 86_401_000)));
        let past = "2020-09-13T12:26:40Z";
        assert!(sentence(at(past, None, None)).contains("in the past"));
        let known = Schedule { send_at: now, not_after: now };
        assert_eq!(at(past, Some(past), Some(known)).unwrap(), known);
        let never = at("2020-09-13T12:26:42Z", Some("2020-09-13T12:26:41Z"), None);
        assert!(sentence(never).contains("could never start"));
    }

    #[test]
    fn lengths_of_time_are_read_and_written() {
        for (text, seconds_) in
            [("1h", 3_600), ("90s", 90), ("1h30m", 5_400), ("1h0m5s", 3_605), ("168h", 604_800), ("0s", 0)]
        {
            assert_eq!(seconds(text), Some(seconds_), "{text}");
        }
        for text in ["", "1", "h", "-1h", "1.5h", "1d", "1m1h", "1s1s", "99999999h", "ähm"] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!([3_600, 5_400, 90, 604_800, 0].map(written), ["1h", "90m", "90s", "168h", "0s"]);
    }
}
