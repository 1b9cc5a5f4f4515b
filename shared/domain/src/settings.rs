//! Settings, their ranges, and how they have to fit together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What governs the sending of campaigns. The names are listmonk's, without their `app.` prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Senders at work at once: the reserved concurrency of the sender function.
    pub concurrency: u32,
    /// Messages per second of one sender.
    pub message_rate: u32,
    /// Recipients in one batch.
    pub batch_size: u32,
    /// Connections that one sender keeps open to the provider, and so its messages in flight.
    pub max_conns: u32,
    /// Failed recipients at which a campaign is paused; 0 for never.
    pub max_send_errors: u32,
    /// One limit for the whole system, over a window that slides.
    pub sliding_window: Option<SlidingWindow>,
    /// Messages per second that the provider allows, where that is known.
    pub provider_rate: Option<u32>,
}

/// A limit on messages within any interval of a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidingWindow {
    /// Messages within one window.
    pub rate: u32,
    /// The window's length in seconds.
    pub duration_s: u32,
}

/// What a campaign overrides; what is `None` stays as it is in [`Settings`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// See [`Settings::message_rate`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_rate: Option<u32>,
    /// See [`Settings::batch_size`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    /// See [`Settings::max_conns`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_conns: Option<u32>,
    /// See [`Settings::max_send_errors`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_send_errors: Option<u32>,
    /// A window of the campaign's own, within that of the whole system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<SlidingWindow>,
}

/// A setting that cannot be used, with the values that can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is {value}, but has to be from {min} to {max}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// What was given.
    pub value: u32,
    /// The least that is allowed.
    pub min: u32,
    /// The most that is allowed.
    pub max: u32,
}

/// The most recipients of a batch whose item stays under 1 KB, and so costs one write unit per write.
pub const MAX_BATCH_SIZE: u32 = 100;
/// One process cannot send faster; a larger number is a slip of the keyboard.
pub const MAX_MESSAGE_RATE: u32 = 100_000;
/// More connections than file descriptors of a function allow with ease.
pub const MAX_CONNS: u32 = 500;

impl Default for Settings {
    /// As listmonk has it: 10 senders of 10 messages per second, a pause after 1,000 failures and no window;
    /// in batches of 100 over 8 connections.
    fn default() -> Self {
        Self {
            concurrency: 10,
            message_rate: 10,
            batch_size: MAX_BATCH_SIZE,
            max_conns: 8,
            max_send_errors: 1_000,
            sliding_window: None,
            provider_rate: None,
        }
    }
}

impl Settings {
    /// These settings with a campaign's overrides.
    ///
    /// # Errors
    ///
    /// [`SettingError`] for the first value that is out of range.
    pub fn with(self, patch: SettingsPatch) -> Result<Self, SettingError> {
        let settings = Self {
            message_rate: patch.message_rate.unwrap_or(self.message_rate),
            batch_size: patch.batch_size.unwrap_or(self.batch_size),
            max_conns: patch.max_conns.unwrap_or(self.max_conns),
            max_send_errors: patch.max_send_errors.unwrap_or(self.max_send_errors),
            ..self
        };
        check("message_rate", settings.message_rate, MAX_MESSAGE_RATE)?;
        check("batch_size", settings.batch_size, MAX_BATCH_SIZE)?;
        check("max_conns", settings.max_conns, MAX_CONNS)?;
        Ok(settings)
    }
}

/// Settings that do not go well together. Nothing breaks; the words say what it costs and what would fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A sender cannot finish a batch within one invocation.
    #[error(
        "a batch of {batch_size} at {message_rate} per second takes {takes_s} s, and a sender works for {works_s} s at a time: every batch is handed on in the middle; a batch size of at most {fits} avoids that"
    )]
    BatchOutlastsSender {
        /// The batch size that was chosen.
        batch_size: u32,
        /// The rate that was chosen.
        message_rate: u32,
        /// How long a batch takes, in seconds.
        takes_s: u64,
        /// How long a sender works, in seconds.
        works_s: u64,
        /// The largest batch size that fits.
        fits: u32,
    },
}

impl Settings {
    /// Relations between these settings that do not hold, where one sender works for `works` at a time.
    #[must_use]
    pub fn mismatches(&self, works: Duration) -> Vec<Mismatch> {
        let (rate, works_s) = (u64::from(self.message_rate), works.as_secs());
        let takes_s = u64::from(self.batch_size).div_ceil(rate.max(1));
        let fits = u32::try_from(rate.saturating_mul(works_s)).unwrap_or(MAX_BATCH_SIZE);
        let mut found = Vec::new();
        if takes_s > works_s {
            found.push(Mismatch::BatchOutlastsSender {
                batch_size: self.batch_size,
                message_rate: self.message_rate,
                takes_s,
                works_s,
                fits: fits.clamp(1, MAX_BATCH_SIZE),
            });
        }
        found
    }
}

fn check(name: &'static str, value: u32, max: u32) -> Result<(), SettingError> {
    if (1..=max).contains(&value) { Ok(()) } else { Err(SettingError { name, value, min: 1, max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_replace_only_what_they_name() {
        let patch = SettingsPatch { message_rate: Some(50), ..SettingsPatch::default() };
        let settings = Settings::default().with(patch).unwrap();
        assert_eq!(settings, Settings { message_rate: 50, ..Settings::default() });
    }

    #[test]
    fn values_out_of_range_are_named_with_the_range() {
        let refused = |patch| Settings::default().with(patch).unwrap_err().to_string();
        let none = SettingsPatch::default();
        assert_eq!(
            refused(SettingsPatch { message_rate: Some(0), ..none }),
            "message_rate is 0, but has to be from 1 to 100000"
        );
        assert_eq!(
            refused(SettingsPatch { batch_size: Some(101), ..none }),
            "batch_size is 101, but has to be from 1 to 100"
        );
        assert_eq!(
            refused(SettingsPatch { max_conns: Some(501), ..none }),
            "max_conns is 501, but has to be from 1 to 500"
        );
    }

    #[test]
    fn a_batch_that_outlasts_its_sender_is_named_with_the_size_that_fits() {
        let settings =
            |message_rate, batch_size| Settings { message_rate, batch_size, ..Settings::default() };
        let works = Duration::from_secs(42);
        assert_eq!(settings(3, 100).mismatches(works), []);
        assert_eq!(
            settings(1, 100).mismatches(works)[0].to_string(),
            "a batch of 100 at 1 per second takes 100 s, and a sender works for 42 s at a time: every batch is \
             handed on in the middle; a batch size of at most 42 avoids that"
        );
        assert_eq!(settings(1, 42).mismatches(works), []);
    }

    #[test]
    fn a_patch_with_an_unknown_name_is_refused() {
        assert!(serde_json::from_str::<SettingsPatch>(r#"{"message_rat": 5}"#).is_err());
    }
}
