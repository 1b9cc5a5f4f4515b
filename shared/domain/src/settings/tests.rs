//! Ranges and relations, as tables.

use std::time::Duration;

use super::*;

const WORKS: Duration = Duration::from_secs(42);

fn settings(concurrency: u32, message_rate: u32, batch_size: u32) -> Settings {
    Settings { concurrency, message_rate, batch_size, ..Settings::default() }
}

fn said(findings: &[Finding]) -> Vec<(&'static str, Option<u64>)> {
    findings.iter().map(|finding| (finding.key, finding.passes)).collect()
}

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
fn a_patch_with_an_unknown_name_is_refused() {
    assert!(serde_json::from_str::<SettingsPatch>(r#"{"message_rat": 5}"#).is_err());
}

#[test]
fn the_defaults_have_no_fault_and_cost_nothing() {
    assert_eq!(Settings::default().review(WORKS), Review::default());
}

#[test]
fn every_range_has_two_ends_that_pass_and_neighbours_that_do_not() {
    let window = |rate, duration_s| Settings {
        sliding_window: Some(SlidingWindow { rate, duration_s }),
        ..Settings::default()
    };
    let wide = |settings: Settings| Settings { batch_size: settings.batch_size.min(1), ..settings };
    for fits in [
        settings(1, 10, 100),
        settings(1_000, 10, 100),
        wide(settings(1, 1, 1)),
        settings(1, 100_000, 100),
        Settings { max_conns: 1, ..Settings::default() },
        Settings { max_conns: 500, ..Settings::default() },
        window(1, 1),
        window(u32::MAX, 604_800),
    ] {
        assert_eq!(fits.review(WORKS).errors, [], "{fits:?}");
    }
    for (wrong, key, passes) in [
        (settings(0, 10, 100), "concurrency", 1),
        (settings(1_001, 10, 100), "concurrency", 1_000),
        (settings(1, 0, 1), "message_rate", 1),
        (settings(1, 100_001, 100), "message_rate", 100_000),
        (settings(1, 10, 0), "batch_size", 1),
        (settings(1, 10, 101), "batch_size", 100),
        (Settings { max_conns: 0, ..Settings::default() }, "max_conns", 1),
        (Settings { max_conns: 501, ..Settings::default() }, "max_conns", 500),
        (window(0, 60), "message_sliding_window_rate", 1),
        (window(10, 0), "message_sliding_window_duration", 1),
        (window(10, 604_801), "message_sliding_window_duration", 604_800),
    ] {
        assert_eq!(said(&wrong.review(WORKS).errors), [(key, Some(passes))], "{wrong:?}");
    }
}

#[test]
fn a_batch_has_to_end_within_its_senders_time() {
    assert_eq!(settings(2, 3, 100).review(WORKS).errors, []);
    let refused = settings(2, 1, 100).review(WORKS).errors;
    assert_eq!(
        refused[0].to_string(),
        "a batch of 100 at 1 per second takes 100 s, and a sender works for 42 s at a time: the batch size can \
         be 42 at the most"
    );
    assert_eq!(
        refused[0].numbers,
        [("batch_size", 100), ("message_rate", 1), ("takes_s", 100), ("works_s", 42)]
    );
    assert_eq!(settings(2, 1, 43).review(WORKS).errors.len(), 1);
    assert_eq!(settings(2, 1, 42).review(WORKS).errors, []);
    // No sender works for less than what one message takes.
    assert_eq!((largest_batch(1, Duration::ZERO), largest_batch(u32::MAX, WORKS)), (1, 100));
}

#[test]
fn all_senders_together_stay_below_the_provider() {
    let with = |provider, settings| Settings { provider_rate: Some(provider), ..settings };
    let review = |settings: Settings| said(&settings.review(WORKS).errors);
    assert_eq!(review(with(100, settings(10, 10, 100))), []);
    assert_eq!(review(with(99, settings(10, 10, 100))), [("message_rate", Some(9))]);
    // Fewer messages per second than senders: only fewer senders help.
    assert_eq!(review(with(7, settings(10, 3, 100))), [("concurrency", Some(2))]);
    assert_eq!(
        with(99, settings(10, 10, 100)).review(WORKS).errors[0].to_string(),
        "10 senders of 10 per second are 100 per second, and the provider allows 99: message_rate can be 9 at \
         the most"
    );
}

#[test]
fn the_value_that_would_pass_passes() {
    for concurrency in [1, 3, 10, 1_000] {
        for rate in [1, 2, 7, 50, 100_000] {
            for provider in [1, 5, 99, 1_000_000] {
                let mut all = Settings { provider_rate: Some(provider), ..settings(concurrency, rate, 100) };
                for _ in 0..4 {
                    let review = all.review(WORKS);
                    for finding in review.errors {
                        let value = u32::try_from(finding.passes.unwrap()).unwrap();
                        match finding.key {
                            "batch_size" => all.batch_size = value,
                            "message_rate" => all.message_rate = value,
                            _ => all.concurrency = value,
                        }
                    }
                }
                assert_eq!(all.review(WORKS).errors, [], "{concurrency} {rate} {provider}: {all:?}");
            }
        }
    }
}

#[test]
fn what_only_costs_is_a_warning() {
    let window = |rate, duration_s, settings| Settings {
        sliding_window: Some(SlidingWindow { rate, duration_s }),
        ..settings
    };
    let (batch, rate) = ("batch_size", "message_sliding_window_rate");
    for (settings, warnings) in [
        (settings(2, 10, 20), vec![]),
        (settings(2, 10, 19), vec![(batch, Some(20))]),
        (settings(2, 10, 9), vec![(batch, Some(20)), (batch, Some(10))]),
        (settings(100, 1_000, 99), vec![(batch, Some(100)), (batch, Some(100))]),
        (settings(100, 1_000, 100), vec![]),
        (window(1_200, 60, settings(2, 10, 100)), vec![]),
        (window(1_199, 60, settings(2, 10, 100)), vec![(rate, Some(1_200))]),
        (window(50, 60, settings(2, 10, 100)), vec![(rate, Some(1_200)), (batch, Some(50))]),
    ] {
        let review = settings.review(WORKS);
        assert_eq!((said(&review.warnings), review.errors), (warnings, vec![]), "{settings:?}");
    }
}

#[test]
fn overrides_are_judged_with_the_settings_that_stand() {
    let none = SettingsPatch::default();
    let stand = Settings { provider_rate: Some(100), ..Settings::default() };
    let review = |patch| said(&stand.review_with(patch, WORKS).errors);
    assert_eq!(review(SettingsPatch { message_rate: Some(10), ..none }), []);
    assert_eq!(review(SettingsPatch { message_rate: Some(11), ..none }), [("message_rate", Some(10))]);
    assert_eq!(review(SettingsPatch { message_rate: Some(2), ..none }), [("batch_size", Some(84))]);
    let own =
        |rate, duration_s| SettingsPatch { sliding_window: Some(SlidingWindow { rate, duration_s }), ..none };
    assert_eq!(review(own(5, 60)), []);
    assert_eq!(review(own(5, 0)), [("message_sliding_window_duration", Some(1))]);
    assert_eq!(stand.review_with(own(5, 60), WORKS).warnings.len(), 2);
}
