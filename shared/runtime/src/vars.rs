//! Configuration from the environment: all of it read at the start, all errors reported at once.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment does not fit: {}", .0.join("; "))]
pub struct VarsError(Vec<String>);

/// A reader of variables that remembers what was wrong.
#[derive(Debug)]
pub struct Vars {
    found: HashMap<String, String>,
    errors: Vec<String>,
}

impl Vars {
    /// The variables of this process.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(std::env::vars())
    }

    /// These variables.
    pub fn new(found: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { found: found.into_iter().collect(), errors: Vec::new() }
    }

    /// A text that must be there and not empty. An empty text where it is not; [`Vars::finish`] tells.
    pub fn required(&mut self, name: &str) -> String {
        let value = self.optional(name);
        if value.is_none() {
            self.errors.push(format!("{name} is not set"));
        }
        value.unwrap_or_default()
    }

    /// A text that may be there.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        self.found.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Where a service is, if not where it usually is: what its own variable says (`id` is `DYNAMODB`, `SQS`, …),
    /// or the one for all services ("Service-specific endpoints", AWS SDKs and tools reference guide).
    #[must_use]
    pub fn endpoint(&self, id: &str) -> Option<String> {
        self.optional(&format!("AWS_ENDPOINT_URL_{id}")).or_else(|| self.optional("AWS_ENDPOINT_URL"))
    }

    /// Remembers that a variable is wrong. The error must not repeat the value.
    pub fn refuse(&mut self, name: &str, error: impl Display) {
        self.errors.push(format!("{name}: {error}"));
    }

    /// Texts that go together: all of them, or `None` where none is there; [`Vars::finish`] tells which ones
    /// are missing.
    pub fn all_or_none<const N: usize>(&mut self, names: [&str; N]) -> Option<[String; N]> {
        let found = names.map(|name| self.optional(name));
        if found.iter().all(Option::is_none) {
            return None;
        }
        for (name, _) in names.iter().zip(&found).filter(|(_, found)| found.is_none()) {
            self.errors.push(format!("{name} is not set; it goes with {}", others(&names, name)));
        }
        found.iter().all(Option::is_some).then(|| found.map(Option::unwrap_or_default))
    }

    /// A whole number with a default.
    pub fn whole(&mut self, name: &str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(text) = self.optional(name) else { return default };
        if let Some(number) = text.parse().ok().filter(|number| range.contains(number)) {
            return number;
        }
        self.errors.push(format!("{name} is a whole number from {} to {}", range.start(), range.end()));
        default
    }

    /// A value that must be there and be understood by `parse`. `None` where not; [`Vars::finish`] tells.
    pub fn required_with<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.required(name);
        if value.is_empty() {
            return None;
        }
        // The value may be a secret: the error says what is wrong with it, and does not repeat it.
        parse(&value).map_err(|error| self.errors.push(format!("{name}: {error}"))).ok()
    }

    /// A value with a default.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        let Some(text) = self.optional(name) else { return default };
        match text.parse() {
            Ok(value) => value,
            Err(error) => {
                self.errors.push(format!("{name}: {error}"));
                default
            }
        }
    }

    /// Ends the reading with a value of [`Vars::required_with`].
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that was wrong, the value's absence among it.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, VarsError> {
        match value {
            Some(value) => self.finish().map(|()| value),
            None => Err(VarsError(self.errors)),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// [`VarsError`] with everything that was wrong.
    pub fn finish(self) -> Result<(), VarsError> {
        if self.errors.is_empty() { Ok(()) } else { Err(VarsError(self.errors)) }
    }
}

/// The other names, as people list them.
fn others(names: &[&str], name: &str) -> String {
    let others: Vec<&str> = names.iter().filter(|other| **other != name).copied().collect();
    others.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        Vars::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn every_error_is_reported_at_once_and_no_value_is_repeated() {
        let mut vars = vars(&[("PORT", "secret"), ("EMPTY", "")]);
        assert_eq!(vars.required("TABLE"), "");
        assert_eq!(vars.required("EMPTY"), "");
        assert_eq!(vars.or("PORT", 25_u16), 25);
        let error = vars.finish().unwrap_err().to_string();
        assert_eq!(
            error,
            "the environment does not fit: TABLE is not set; EMPTY is not set; PORT: invalid digit found in string"
        );
    }

    #[test]
    fn what_fits_is_no_error() {
        let mut vars = vars(&[("PORT", "2525"), ("TABLE", "t")]);
        assert_eq!((vars.required("TABLE"), vars.or("PORT", 25_u16)), ("t".into(), 2525));
        assert_eq!(vars.required_with("PORT", str::parse::<u16>), Some(2525));
        assert_eq!(vars.finish(), Ok(()));
    }

    #[test]
    fn a_number_is_named_with_its_range() {
        let mut vars = vars(&[("CONNS", "0"), ("WORKS", "soon"), ("STALLED", "60")]);
        let read = ["CONNS", "WORKS", "STALLED", "OTHER"].map(|name| vars.whole(name, 8, 1..=100));
        assert_eq!(read, [8, 8, 60, 8]);
        let error = vars.finish().unwrap_err().to_string();
        assert!(
            error.ends_with("CONNS is a whole number from 1 to 100; WORKS is a whole number from 1 to 100")
        );
    }

    #[test]
    fn what_goes_together_is_there_or_missed() {
        let mut vars = vars(&[("A", "1"), ("B", "2")]);
        assert_eq!(vars.all_or_none(["A", "B"]), Some(["1".to_owned(), "2".to_owned()]));
        assert_eq!(vars.all_or_none(["C", "D"]), None);
        assert_eq!(vars.all_or_none(["A", "B", "C"]), None);
        let error = vars.finish().unwrap_err().to_string();
        assert_eq!(error, "the environment does not fit: C is not set; it goes with A, B");
    }

    #[test]
    fn a_services_own_endpoint_wins() {
        let vars = vars(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SQS", "http://own")]);
        assert_eq!(vars.endpoint("SQS").as_deref(), Some("http://own"));
        assert_eq!(vars.endpoint("SSM").as_deref(), Some("http://all"));
    }
}
