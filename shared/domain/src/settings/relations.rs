//! How settings have to fit together.
//!
//! Two relations fail: a batch that cannot end within one sender's working time, and senders that together are
//! faster than the provider allows. The others cost something and are said.

use std::time::Duration;

use super::{Finding, MAX_BATCH_SIZE, Settings, SlidingWindow};

/// The largest batch that one sender can end within its working time; at least 1.
#[must_use]
pub fn largest_batch(message_rate: u32, works: Duration) -> u32 {
    let fits = u64::from(message_rate).saturating_mul(works.as_secs());
    u32::try_from(fits).unwrap_or(MAX_BATCH_SIZE).clamp(1, MAX_BATCH_SIZE)
}

/// Relations that do not hold, where one sender works for `works` at a time.
pub(super) fn errors(settings: &Settings, works: Duration) -> impl Iterator<Item = Finding> {
    [batch_outlasts_sender(settings, works), senders_above_provider(settings)].into_iter().flatten()
}

/// What costs something and stops nothing.
pub(super) fn warnings(settings: &Settings) -> impl Iterator<Item = Finding> {
    let window = settings.sliding_window.map(|window| in_window(settings, window));
    [batch_below_all_senders(settings), batch_below_one_second(settings)]
        .into_iter()
        .flatten()
        .chain(window.into_iter().flatten())
}

/// What one window costs these settings.
pub(super) fn in_window(settings: &Settings, window: SlidingWindow) -> impl Iterator<Item = Finding> + use<> {
    [window_below_senders(settings, window), window_below_batch(settings, window)].into_iter().flatten()
}

fn batch_outlasts_sender(settings: &Settings, works: Duration) -> Option<Finding> {
    let (batch_size, message_rate) = (settings.batch_size, settings.message_rate);
    let fits = largest_batch(message_rate, works);
    let (takes_s, works_s) = (batch_size.div_ceil(message_rate.max(1)), works.as_secs());
    (batch_size > fits).then(|| Finding {
        key: "batch_size",
        message: format!(
            "a batch of {batch_size} at {message_rate} per second takes {takes_s} s, and a sender works for \
             {works_s} s at a time: the batch size can be {fits} at the most"
        ),
        numbers: vec![
            ("batch_size", batch_size.into()),
            ("message_rate", message_rate.into()),
            ("takes_s", takes_s.into()),
            ("works_s", works_s),
        ],
        passes: Some(fits.into()),
    })
}

fn senders_above_provider(settings: &Settings) -> Option<Finding> {
    let provider = settings.provider_rate?;
    let (concurrency, message_rate) = (settings.concurrency, settings.message_rate);
    let all = together(settings);
    let (key, passes) = match provider / concurrency.max(1) {
        0 => ("concurrency", (u64::from(provider) / u64::from(message_rate.max(1))).max(1)),
        each => ("message_rate", each.into()),
    };
    (all > u64::from(provider)).then(|| Finding {
        key,
        message: format!(
            "{concurrency} senders of {message_rate} per second are {all} per second, and the provider allows \
             {provider}: {key} can be {passes} at the most"
        ),
        numbers: vec![
            ("concurrency", concurrency.into()),
            ("message_rate", message_rate.into()),
            ("together", all),
            ("provider_rate", provider.into()),
        ],
        passes: Some(passes),
    })
}

fn batch_below_all_senders(settings: &Settings) -> Option<Finding> {
    let (all, size) = (together(settings), settings.batch_size);
    let enough = all.min(MAX_BATCH_SIZE.into());
    (u64::from(size) < enough).then(|| Finding {
        key: "batch_size",
        message: format!(
            "batches of {size} are small for {all} messages per second: each costs its own requests, so fewer \
             and larger ones are cheaper, up to {enough}"
        ),
        numbers: vec![("batch_size", size.into()), ("together", all)],
        passes: Some(enough),
    })
}

fn batch_below_one_second(settings: &Settings) -> Option<Finding> {
    let (rate, size) = (settings.message_rate, settings.batch_size);
    let enough = rate.min(MAX_BATCH_SIZE);
    (size < enough).then(|| Finding {
        key: "batch_size",
        message: format!(
            "a batch of {size} is less than one second of work for a sender of {rate} per second, and it waits \
             for the next one in between: {enough} keep it busy for longer"
        ),
        numbers: vec![("batch_size", size.into()), ("message_rate", rate.into())],
        passes: Some(enough.into()),
    })
}

fn window_below_senders(settings: &Settings, window: SlidingWindow) -> Option<Finding> {
    let (rate, duration_s) = (u64::from(window.rate), window.duration_s);
    let wanted = together(settings).saturating_mul(duration_s.into());
    (wanted > rate).then(|| Finding {
        key: "message_sliding_window_rate",
        message: format!(
            "the senders could send {wanted} in {duration_s} s, and the window lets {rate} through: it holds \
             them back"
        ),
        numbers: vec![
            ("together", together(settings)),
            ("duration_s", duration_s.into()),
            ("wanted", wanted),
            ("window_rate", rate),
        ],
        passes: u32::try_from(wanted).ok().map(u64::from),
    })
}

fn window_below_batch(settings: &Settings, window: SlidingWindow) -> Option<Finding> {
    let (rate, size) = (window.rate, settings.batch_size);
    (rate < size).then(|| Finding {
        key: "batch_size",
        message: format!(
            "the window lets {rate} through, less than one batch of {size}: every batch waits in its middle; \
             batches of {rate} do not"
        ),
        numbers: vec![("batch_size", size.into()), ("window_rate", rate.into())],
        passes: Some(rate.max(1).into()),
    })
}

/// Messages per second of all senders.
fn together(settings: &Settings) -> u64 {
    u64::from(settings.concurrency) * u64::from(settings.message_rate)
}
