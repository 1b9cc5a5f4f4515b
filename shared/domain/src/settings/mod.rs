//! Settings, their ranges, and how they have to fit together.
//!
//! Settings are judged as a whole before anything changes ([`Settings::review`]): each alone ([`ranges`]), then
//! against each other ([`relations`]). An error refuses them all; a warning says what they cost and stops
//! nothing. Every finding has the numbers that it comes from and a value that would pass.

mod ranges;
mod relations;
mod review;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use ranges::{MAX_BATCH_SIZE, MAX_CONCURRENCY, MAX_CONNS, MAX_MESSAGE_RATE, SettingError, range};
pub use relations::largest_batch;
pub use review::{Finding, Review};

/// What governs the sending of campaigns. The names are listmonk's, without their `app.` prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Senders at work at once: the reserved concurrency of the sender function.
    pub concurrency: u32,
    /// Messages per second of one sender.
    pub message_rate: u32,
    /// Recipients in one batch.
    pub batch_size: u32,
    /// Connections that one sender keeps open to the provider, each with one message under way.
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
        let settings = self.merged(patch);
        ranges::check("message_rate", settings.message_rate)?;
        ranges::check("batch_size", settings.batch_size)?;
        ranges::check("max_conns", settings.max_conns)?;
        Ok(settings)
    }

    fn merged(self, patch: SettingsPatch) -> Self {
        Self {
            message_rate: patch.message_rate.unwrap_or(self.message_rate),
            batch_size: patch.batch_size.unwrap_or(self.batch_size),
            max_conns: patch.max_conns.unwrap_or(self.max_conns),
            max_send_errors: patch.max_send_errors.unwrap_or(self.max_send_errors),
            ..self
        }
    }
}
