//! Points in time as people write them: RFC 3339 with its offset.

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
}
