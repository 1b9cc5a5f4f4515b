//! What each setting may be, alone.

use super::Settings;

/// The most senders: the event source's own limit (AWS, "Configuring scaling behavior for SQS event source
/// mappings", maximum concurrency).
pub const MAX_CONCURRENCY: u32 = 1_000;
/// The most recipients of a batch whose item stays under 1 KB, and so costs one write unit per write.
pub const MAX_BATCH_SIZE: u32 = 100;
/// One process cannot send faster; a larger number is a slip of the keyboard.
pub const MAX_MESSAGE_RATE: u32 = 100_000;
/// More connections than file descriptors of a function allow with ease.
pub const MAX_CONNS: u32 = 500;
/// A shorter window is a rate. Below ten seconds the slack costs more than a few per cent of the throughput.
const MIN_WINDOW_S: u32 = 1;
/// A week.
const MAX_WINDOW_S: u32 = 7 * 24 * 3_600;

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

/// The least and the most that a setting may be, by its name.
#[must_use]
pub fn range(name: &str) -> (u32, u32) {
    match name {
        "concurrency" => (1, MAX_CONCURRENCY),
        "message_rate" => (1, MAX_MESSAGE_RATE),
        "batch_size" => (1, MAX_BATCH_SIZE),
        "max_conns" => (1, MAX_CONNS),
        "message_sliding_window_duration" => (MIN_WINDOW_S, MAX_WINDOW_S),
        "message_sliding_window_rate" => (1, u32::MAX),
        _ => (0, u32::MAX),
    }
}

/// Refuses a value that is out of its range.
pub(super) fn check(name: &'static str, value: u32) -> Result<(), SettingError> {
    let (min, max) = range(name);
    if (min..=max).contains(&value) { Ok(()) } else { Err(SettingError { name, value, min, max }) }
}

/// Every setting that is out of its range.
pub(super) fn all(settings: &Settings) -> Vec<SettingError> {
    let window = settings.sliding_window;
    let values = [
        Some(("concurrency", settings.concurrency)),
        Some(("message_rate", settings.message_rate)),
        Some(("batch_size", settings.batch_size)),
        Some(("max_conns", settings.max_conns)),
        window.map(|window| ("message_sliding_window_duration", window.duration_s)),
        window.map(|window| ("message_sliding_window_rate", window.rate)),
    ];
    values.into_iter().flatten().filter_map(|(name, value)| check(name, value).err()).collect()
}
