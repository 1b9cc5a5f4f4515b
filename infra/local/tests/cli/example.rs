//! The example, cut to what an unoptimised program sends in seconds. CI sends all of it.

use std::collections::HashSet;

use crate::scene::{Scene, send};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// What the issue lists, and `pending`.
const REPORT: [&str; 14] = [
    "accepted",
    "audience",
    "failed",
    "functions",
    "in_doubt",
    "log_bytes",
    "pending",
    "read_units",
    "reasons",
    "seconds",
    "skipped",
    "sqs_requests",
    "status",
    "write_units",
];

/// A scene with the example's template, and of its list the first rows that can be used and two that cannot.
fn scene(people: usize) -> Scene {
    let scene = Scene::new(0);
    let list = std::fs::read_to_string(format!("{EXAMPLES}/subscribers.csv")).unwrap();
    let mut rows: Vec<&str> = list.split_inclusive('\n').take(people + 1).collect();
    rows.insert(3, "nobody,No One,{}\n");
    rows.insert(7, "b@example.org,Broken,{\n");
    scene.write("list.csv", rows.concat());
    std::fs::copy(format!("{EXAMPLES}/welcome.html"), scene.path("mail.html")).unwrap();
    scene
}

/// The recipients of the messages in a mailbox file.
fn recipients(mbox: &str) -> Vec<&str> {
    let messages = mbox.split("From MAILER-DAEMON ").skip(1);
    messages
        .map(|message| {
            let header = message.lines().find_map(|line| line.strip_prefix("X-Fanmail-Recipient: "));
            header.expect("a message does not name its recipient")
        })
        .collect()
}

#[tokio::test]
async fn the_example_reaches_every_valid_person_once() {
    let scene = scene(600);

    let done = scene.send(&["--report", "report.json"]).await.exits(0);

    let report = scene.json("report.json");
    let keys: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, REPORT);
    let audience = report["audience"].as_u64().unwrap();
    assert!((590..=600).contains(&audience), "{report}");
    assert_eq!((&report["accepted"], &report["status"]), (&audience.into(), &"finished".into()));
    for none in ["failed", "skipped", "in_doubt", "pending"] {
        assert_eq!(report[none], 0, "{none}: {report}");
    }
    assert!(report["seconds"].as_f64().unwrap() > 0.0 && report["sqs_requests"].as_u64().unwrap() > 0);
    assert!(report["write_units"].as_f64().unwrap() / 600.0 < 0.15 + 20.0 / 600.0, "{report}");

    assert_eq!(
        (done.row("audience"), done.row("accepted")),
        (&*audience.to_string(), &*audience.to_string())
    );
    assert_eq!((done.row("failed"), done.row("in doubt"), done.row("skipped")), ("0", "0", "0"));
    assert!(done.row("list file").ends_with(" of 602 rows could be used"), "{done:#?}");
    assert_eq!(done.row("inbox"), format!("{audience} messages for {audience} people"));
    assert!(done.row("time").ends_with(" recipients/s") && done.row("DynamoDB").contains("write units"));

    let mbox = scene.read("fanmail-out/mail.mbox");
    let to = recipients(&mbox);
    let distinct: HashSet<_> = to.iter().collect();
    assert_eq!((to.len() as u64, distinct.len() as u64), (audience, audience));
    assert_eq!(scene.names(), ["fanmail-out", "list.csv", "mail.html", "report.json", "tmp"]);
    scene.is_quiet().await;
}

#[tokio::test]
async fn rows_that_cannot_be_used_are_named_by_line_and_reason() {
    let scene = scene(20);

    let done = scene.send(&["--out", "results"]).await.exits(0);

    let rejected = scene.read("results/rejected.csv");
    let rows: Vec<_> = rejected.lines().collect();
    assert_eq!(rows[0], "line,reason,email,name,attributes");
    assert!(rows[1].starts_with("4,") && rows[1].ends_with(",nobody,No One,{}"), "{rejected}");
    assert!(rows[2].starts_with("8,") && rows[2].contains("attributes is not valid JSON"), "{rejected}");
    assert_eq!(rows.len(), 3);
    assert!(done.stdout.contains("2 rejected, with line and reason in results/rejected.csv"), "{done:#?}");
}

#[tokio::test]
async fn a_run_on_a_finished_campaign_sends_nothing_again() {
    let scene = Scene::new(30);
    let again = ["--data-dir", "data", "--report", "report.json"];
    scene.send(&again).await.exits(0);
    let first = scene.json("report.json");

    let done = scene.send(&again).await.exits(0);

    assert!(done.stdout.contains("This campaign had finished before: nothing was sent now."), "{done:#?}");
    assert_eq!((done.row("accepted"), done.row("inbox")), ("30", "0 messages for 0 people"));
    let second = scene.json("report.json");
    assert_eq!((&second["accepted"], &second["seconds"]), (&first["accepted"], &first["seconds"]));
    assert_eq!(recipients(&scene.read("data/mail.mbox")).len(), 30, "the mail of the first run is gone");
    scene.is_quiet().await;
}

#[tokio::test]
async fn without_a_terminal_progress_is_a_line_now_and_then() {
    let scene = Scene::new(200);

    let done = scene.run(&send(&["--rate", "20", "--batch-size", "20"])).await.exits(0);

    let lines: Vec<_> = done.stderr.lines().collect();
    assert_eq!(lines[0], "importing the list …");
    assert!(lines.iter().any(|line| line.contains("/s, ") && line.contains(" left: ")), "{lines:#?}");
    assert!((2..=10).contains(&lines.len()) && !done.stderr.contains('\u{1b}'), "{lines:#?}");
}
