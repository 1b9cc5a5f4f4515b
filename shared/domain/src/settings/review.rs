//! Judging settings as a whole.

use std::time::Duration;

use super::{SettingError, Settings, SettingsPatch, ranges, relations};

/// Something about settings that is to be said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Finding {
    /// The setting that mends it.
    pub key: &'static str,
    /// A sentence with the numbers in it.
    pub message: String,
    /// The numbers, by name.
    pub numbers: Vec<(&'static str, u64)>,
    /// A value of `key` that would pass, if there is one.
    pub passes: Option<u64>,
}

/// What is to be said about settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// With these they cannot be used.
    pub errors: Vec<Finding>,
    /// What they cost, and stops nothing.
    pub warnings: Vec<Finding>,
}

impl Settings {
    /// Judges these settings, where one sender works for `works` at a time.
    #[must_use]
    pub fn review(&self, works: Duration) -> Review {
        let mut errors: Vec<Finding> = ranges::all(self).into_iter().map(Finding::from).collect();
        // Values out of their range make no sense against each other.
        if errors.is_empty() {
            errors.extend(relations::errors(self, works));
        }
        let warnings = if errors.is_empty() { relations::warnings(self).collect() } else { Vec::new() };
        Review { errors, warnings }
    }

    /// Judges these settings with a campaign's overrides.
    #[must_use]
    pub fn review_with(self, patch: SettingsPatch, works: Duration) -> Review {
        let all = self.merged(patch);
        let mut review = all.review(works);
        if let Some(window) = patch.sliding_window {
            let alone = Self { sliding_window: Some(window), ..Self::default() };
            review.errors.extend(ranges::all(&alone).into_iter().map(Finding::from));
            review.warnings.extend(relations::in_window(&all, window));
        }
        review
    }
}

impl From<SettingError> for Finding {
    fn from(error: SettingError) -> Self {
        let SettingError { name, value, min, max } = error;
        let numbers = [("value", value), ("min", min), ("max", max)];
        Self {
            key: name,
            message: error.to_string(),
            numbers: numbers.map(|(name, number)| (name, number.into())).into(),
            passes: Some(value.clamp(min, max).into()),
        }
    }
}
