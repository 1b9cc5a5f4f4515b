//! Configuration from the environment: all of it read at the start, all errors reported at once.

use std::collections::HashMap;
use std::fmt::Display;
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
}
