//! The settings item: one for the whole system. Where there is none, the defaults stand.

use fanmail_domain::{Settings, SlidingWindow};

use crate::attributes::{Builder, Item, Reader, number};
use crate::error::DecodeError;
use crate::keys;

/// Name of the attribute that holds the revision.
pub(crate) const REV: &str = "rev";

pub(crate) fn encode(settings: &Settings, rev: u32) -> Item {
    Builder::new(keys::settings())
        .with(REV, number(rev))
        .with("concurrency", number(settings.concurrency))
        .with("message_rate", number(settings.message_rate))
        .with("batch_size", number(settings.batch_size))
        .with("max_conns", number(settings.max_conns))
        .with("max_send_errors", number(settings.max_send_errors))
        .with_some("window_rate", settings.sliding_window.map(|window| number(window.rate)))
        .with_some("window_s", settings.sliding_window.map(|window| number(window.duration_s)))
        .with_some("provider_rate", settings.provider_rate.map(number))
        .build()
}

/// The settings and their revision.
pub(crate) fn decode(item: &Item) -> Result<(Settings, u32), DecodeError> {
    let reader = Reader(item);
    let window = match reader.optional_number("window_rate")? {
        Some(rate) => Some(SlidingWindow { rate, duration_s: reader.number("window_s")? }),
        None => None,
    };
    let settings = Settings {
        concurrency: reader.number("concurrency")?,
        message_rate: reader.number("message_rate")?,
        batch_size: reader.number("batch_size")?,
        max_conns: reader.number("max_conns")?,
        max_send_errors: reader.number("max_send_errors")?,
        sliding_window: window,
        provider_rate: reader.optional_number("provider_rate")?,
    };
    Ok((settings, reader.number(REV)?))
}
