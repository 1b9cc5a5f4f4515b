//! `soak`: a short one with a fixed seed, and what is wrong with its arguments.

use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::scene::{LONG, Scene};

#[tokio::test]
async fn a_soak_strikes_loses_nobody_repeats_nobody_and_says_so() {
    let scene = Scene::new(0);
    let args = ["soak", "--minutes", "0.2", "--recipients", "300", "--seed", "37", "--report", "report.json"];
    let done = scene.run(&args).await.exits(0);

    let report = scene.json("report.json");
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("no {name} in {report}"));
    assert_eq!((&report["held"], count("seed"), count("recipients")), (&true.into(), 37, 300), "{report}");
    assert_eq!(["losses", "duplicates", "strays"].map(count), [0; 3], "{report}");
    assert!(count("kills") >= 1 && count("freezes") >= 1 && count("retunings") >= 2, "{report}");
    assert_eq!(count("accepted") + count("in_doubt"), 300 * count("campaigns"), "{report}");
    assert!(count("in_doubt") <= count("most_in_doubt"), "{report}");
    assert_eq!((&report["counters_hold"], &report["problems"]), (&true.into(), &serde_json::json!([])));

    assert!(done.stdout.starts_with("Soak with seed 37: every promise held\n"), "{}", done.stdout);
    assert_eq!((done.row("losses"), done.row("duplicates")), ("0", "0"));
    assert!(done.stderr.contains(" of 300, "), "no line of progress: {}", done.stderr);
    scene.is_quiet().await;
}

#[tokio::test]
async fn ctrl_c_ends_the_trouble_early_and_audits_what_is() {
    let scene = Scene::new(0);
    let args = ["soak", "--minutes", "60", "--recipients", "40", "--seed", "1", "--report", "report.json"];
    let (since, mut running) = (Instant::now(), scene.start(&args));
    // Kept until the end: who writes to a pipe that nobody reads dies of it.
    let mut lines = BufReader::new(running.child().stderr.take().unwrap()).lines();
    while let Some(line) = timeout(LONG, lines.next_line()).await.unwrap().unwrap() {
        if line.contains("campaign 1:") {
            break;
        }
    }

    running.ctrl_c();
    let done = running.end().await.exits(0);

    let report = scene.json("report.json");
    assert!(done.stdout.contains("every promise held"), "{}", done.stdout);
    assert!(report["campaigns"].as_u64() >= Some(1), "{report}");
    assert!(since.elapsed() < Duration::from_secs(60), "it took {:?}", since.elapsed());
    scene.is_quiet().await;
}

#[tokio::test]
async fn a_soak_that_cannot_be_is_not_begun() {
    let scene = Scene::new(0);
    let before = scene.names();
    for (more, word) in [
        (["--minutes", "0"], "above 0"),
        (["--minutes", "NaN"], "above 0"),
        (["--recipients", "0"], "1..=1000000"),
        (["--seed", "x"], "invalid digit"),
        (["--report", "none/report.json"], "cannot write none/report.json"),
    ] {
        let args = ["soak", more[0], more[1]];
        let done = scene.run(&args).await.exits(2);
        assert!(done.stderr.contains(word), "{more:?}: {}", done.stderr);
    }
    assert_eq!(scene.names(), before, "something was made");
    scene.is_quiet().await;
}
