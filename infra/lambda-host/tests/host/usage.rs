//! CPU time and memory of processes, the ended ones included.

use fanmail_lambda_host::ProcessUsage;
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn cpu_time_and_peak_memory_are_counted_while_a_process_lives() {
    let stage = Stage::with_function(|_| {});
    let pid = stage.pid().await;
    stage.invoke(json!({ "do": "burn", "ms": 200 })).await.unwrap();
    stage.invoke(json!({ "do": "grow", "mb": 64 })).await.unwrap();

    let usage = stage.host.usage("f");
    let process = ProcessUsage::of(pid);

    assert_eq!(usage.processes, 1);
    assert!(100_000 < usage.cpu_us, "{usage:?}");
    assert!(64 * 1024 < usage.max_peak_rss_kib, "{usage:?}");
    assert_eq!((process.cpu_us, process.peak_rss_kib), (usage.cpu_us, usage.max_peak_rss_kib));
}

#[tokio::test]
async fn usage_of_ended_processes_is_kept() {
    let stage = Stage::with_function(|_| {});
    stage.invoke(json!({ "do": "grow", "mb": 64 })).await.unwrap();
    stage.invoke(json!({ "do": "burn", "ms": 200 })).await.unwrap();
    stage.invoke(json!({ "do": "crash" })).await.unwrap_err();
    assert!(stage.host.processes("f").is_empty());

    let ended = stage.host.usage("f");
    stage.pid().await;
    let both = stage.host.usage("f");

    assert_eq!((ended.processes, both.processes), (1, 2));
    assert!(100_000 < ended.cpu_us && ended.cpu_us <= both.cpu_us, "{ended:?} {both:?}");
    assert!(64 * 1024 < ended.max_peak_rss_kib, "{ended:?}");
    assert_eq!(ended.max_peak_rss_kib, both.max_peak_rss_kib);
}

#[tokio::test]
async fn the_last_work_of_a_crashed_process_is_counted() {
    let stage = Stage::with_function(|_| {});
    stage.pid().await;
    let before = stage.host.usage("f").cpu_us;

    stage.invoke(json!({ "do": "burn_and_crash", "ms": 200 })).await.unwrap_err();

    let after = stage.host.usage("f").cpu_us;
    assert!(before + 100_000 < after, "{before} {after}");
}
