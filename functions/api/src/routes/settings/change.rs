//! Reading a change of the settings: any of the keys, each a number, a boolean or a length of time.

use fanmail_domain::length;
use fanmail_domain::settings::{Finding, range};
use fanmail_domain::{Settings, SlidingWindow};
use serde_json::Value;

use crate::response::ApiError;

/// listmonk's window, where one is turned on that was never described: 10,000 messages within an hour.
pub(super) const LISTMONKS_WINDOW: SlidingWindow = SlidingWindow { rate: 10_000, duration_s: 3_600 };

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Change {
    concurrency: Option<u32>,
    message_rate: Option<u32>,
    batch_size: Option<u32>,
    max_conns: Option<u32>,
    max_send_errors: Option<u32>,
    provider_rate: Option<u32>,
    window: Option<bool>,
    window_duration_s: Option<u32>,
    window_rate: Option<u32>,
}

impl Change {
    /// Reads an object of keys. Everything that is wrong with it is said at once.
    pub(super) fn parse(body: &Value) -> Result<Self, ApiError> {
        let keys = body.as_object().ok_or_else(|| ApiError::bad("settings are an object of keys"))?;
        let (mut change, mut wrong) = (Self::default(), Vec::new());
        for (key, value) in keys {
            if let Err(sentence) = change.take(key, value) {
                wrong.push(sentence);
            }
        }
        if wrong.is_empty() { Ok(change) } else { Err(ApiError::bad(&wrong.join("; "))) }
    }

    fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let name = key.strip_prefix("app.").unwrap_or_default();
        let slot = match name {
            "concurrency" => &mut self.concurrency,
            "message_rate" => &mut self.message_rate,
            "batch_size" => &mut self.batch_size,
            "max_conns" => &mut self.max_conns,
            "max_send_errors" => &mut self.max_send_errors,
            "provider_rate" => &mut self.provider_rate,
            "message_sliding_window_rate" => &mut self.window_rate,
            "message_sliding_window_duration" => {
                let text = value.as_str().and_then(length::seconds);
                let wrong = || format!("{key} is {value}, but has to be a length of time: \"1h\" or \"90s\"");
                self.window_duration_s = Some(text.ok_or_else(wrong)?);
                return Ok(());
            }
            "message_sliding_window" => {
                let wrong = || format!("{key} is {value}, but has to be true or false");
                self.window = Some(value.as_bool().ok_or_else(wrong)?);
                return Ok(());
            }
            _ => return Err(format!("there is no setting {key}")),
        };
        let (min, max) = range(name);
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let wrong = || format!("{key} is {value}, but has to be a whole number from {min} to {max}");
        *slot = Some(number.ok_or_else(wrong)?);
        Ok(())
    }

    /// The settings after the change. A provider's rate of 0 is one that is not known.
    pub(super) fn applied_to(&self, stand: Settings) -> Settings {
        let provider_rate = self.provider_rate.map_or(stand.provider_rate, |rate| (rate > 0).then_some(rate));
        Settings {
            concurrency: self.concurrency.unwrap_or(stand.concurrency),
            message_rate: self.message_rate.unwrap_or(stand.message_rate),
            batch_size: self.batch_size.unwrap_or(stand.batch_size),
            max_conns: self.max_conns.unwrap_or(stand.max_conns),
            max_send_errors: self.max_send_errors.unwrap_or(stand.max_send_errors),
            sliding_window: self.window(stand.sliding_window),
            provider_rate,
        }
    }

    fn window(&self, stands: Option<SlidingWindow>) -> Option<SlidingWindow> {
        let before = stands.unwrap_or(LISTMONKS_WINDOW);
        self.window.unwrap_or_else(|| stands.is_some()).then(|| SlidingWindow {
            rate: self.window_rate.unwrap_or(before.rate),
            duration_s: self.window_duration_s.unwrap_or(before.duration_s),
        })
    }

    pub(super) fn names_concurrency(&self) -> bool {
        self.concurrency.is_some()
    }

    /// What was given and is not kept: a window's description, while the window is off.
    pub(super) fn lost(&self, after: &Settings) -> Option<Finding> {
        let off = after.sliding_window.is_none();
        let rate = self.window_rate.is_some_and(|rate| rate != LISTMONKS_WINDOW.rate);
        let duration = self.window_duration_s.is_some_and(|s| s != LISTMONKS_WINDOW.duration_s);
        (off && (rate || duration)).then(|| Finding {
            key: "message_sliding_window",
            message: "the sliding window is off, and its rate and duration are not kept: turn it on with \
                      them"
                .to_owned(),
            numbers: Vec::new(),
            passes: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sentence(body: &Value) -> String {
        match Change::parse(body) {
            Err(ApiError::Refused(400, sentence)) => sentence,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn what_is_no_whole_number_is_refused_with_a_sentence() {
        for value in [json!(-1), json!(1.5), json!("10"), json!("NaN"), json!(null), json!(true), json!(1e10)]
        {
            assert_eq!(
                sentence(&json!({ "app.message_rate": value })),
                format!("app.message_rate is {value}, but has to be a whole number from 1 to 100000")
            );
        }
        for value in [json!("one hour"), json!(60), json!("-1h"), json!("")] {
            let said = sentence(&json!({ "app.message_sliding_window_duration": value }));
            assert!(said.contains("has to be a length of time"), "{said}");
        }
        assert!(sentence(&json!({ "app.message_sliding_window": "yes" })).contains("true or false"));
        assert_eq!(sentence(&json!([1])), "settings are an object of keys");
    }

    #[test]
    fn every_unknown_key_is_named() {
        let said = sentence(&json!({ "app.mesage_rate": 1, "batch_size": 2, "app.": 3, "app.max_conns": 4 }));
        assert_eq!(
            said,
            "there is no setting app.; there is no setting app.mesage_rate; there is no setting batch_size"
        );
    }

    #[test]
    fn what_is_left_out_stays() {
        let stand = Settings {
            sliding_window: Some(SlidingWindow { rate: 500, duration_s: 60 }),
            provider_rate: Some(1_000),
            ..Settings::default()
        };
        let after = |body: Value| Change::parse(&body).unwrap().applied_to(stand);
        assert_eq!(after(json!({})), stand);
        assert_eq!(after(json!({ "app.batch_size": 7 })), Settings { batch_size: 7, ..stand });
        assert_eq!(after(json!({ "app.provider_rate": 0 })).provider_rate, None);
        assert_eq!(after(json!({ "app.message_sliding_window": false })).sliding_window, None);
        let longer = after(json!({ "app.message_sliding_window_duration": "2m" })).sliding_window;
        assert_eq!(longer, Some(SlidingWindow { rate: 500, duration_s: 120 }));
    }

    #[test]
    fn a_window_is_turned_on_with_what_is_said_of_it() {
        let on = |body: Value| Change::parse(&body).unwrap().applied_to(Settings::default()).sliding_window;
        assert_eq!(on(json!({ "app.message_sliding_window": true })), Some(LISTMONKS_WINDOW));
        let described = json!({ "app.message_sliding_window": true, "app.message_sliding_window_rate": 5 });
        assert_eq!(on(described), Some(SlidingWindow { rate: 5, ..LISTMONKS_WINDOW }));
        let off = Change::parse(&json!({ "app.message_sliding_window_rate": 5 })).unwrap();
        let after = off.applied_to(Settings::default());
        assert_eq!((after.sliding_window, off.lost(&after).is_some()), (None, true));
    }
}
