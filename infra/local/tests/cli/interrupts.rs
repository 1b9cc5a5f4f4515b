//! Ctrl-C: once in order, twice at once.

use std::time::{Duration, Instant};

use fanmail_inbox::{Action, Inbox, Phase, Rule, Script};
use rustix::process::Signal;

use crate::scene::{LONG, Running, Scene, relay, send};

/// Every message takes its time, so that a signal finds some under way.
fn slow() -> Script {
    Script::of([Rule::new(Action::Accept).delayed(Phase::Dot, 60)])
}

/// Starts a campaign, and answers when the relay has taken some of it.
async fn begun(scene: &Scene, relay: &Inbox, more: &[&str]) -> Running {
    let running = scene.start(&send(more));
    relay.wait_for(|now| now.accepted >= 40, LONG).await.unwrap();
    running
}

/// Everybody got it, and nobody twice.
fn once_each(relay: &Inbox, people: usize) {
    let now = relay.snapshot();
    assert_eq!((relay.recipients().len(), now.accepted, now.with_several), (people, people as u64, 0));
}

#[tokio::test]
async fn ctrl_c_pauses_and_the_next_run_goes_on() {
    let (scene, (relay, url)) = (Scene::new(400), relay(slow()).await);
    let args = ["--smtp", &url, "--rate", "100", "--report", "report.json"];
    let running = begun(&scene, &relay, &args).await;

    running.ctrl_c();
    let done = running.end().await.exits(1);

    assert!(done.stdout.starts_with("Campaign 1 \"mail\": paused (user)\n"), "{done:#?}");
    let report = scene.json("report.json");
    let accepted = report["accepted"].as_u64().unwrap();
    assert_eq!((accepted, &report["in_doubt"]), (relay.accepted(), &0.into()), "{report}");
    assert!((1..400).contains(&accepted), "it was not in mid-campaign: {report}");
    assert!(scene.processes().is_empty(), "processes are left");
    let folder = done.after("To go on: the same command with --data-dir ");

    let since = Instant::now();
    let done = scene.send(&[&args[..], &["--data-dir", folder]].concat()).await.exits(0);

    once_each(&relay, 400);
    assert_eq!((done.row("accepted"), scene.json("report.json")["in_doubt"].as_u64()), ("400", Some(0)));
    assert!(since.elapsed() < Duration::from_secs(45), "a batch was left leased: {:?}", since.elapsed());
}

#[tokio::test]
async fn a_service_manager_pauses_too() {
    let (scene, (relay, url)) = (Scene::new(200), relay(slow()).await);
    let args = ["--smtp", &url, "--rate", "60", "--data-dir", "data"];
    let running = begun(&scene, &relay, &args).await;

    running.signal(Signal::TERM);
    let done = running.end().await.exits(1);

    assert_eq!((done.row("in doubt"), done.after("To go on: ")), ("0", "the same command once more"));
    scene.send(&args).await.exits(0);
    once_each(&relay, 200);
    scene.is_quiet().await;
}

#[tokio::test]
async fn a_second_ctrl_c_ends_at_once() {
    let hold = Script::of([Rule::new(Action::HoldBeforeAccept)]);
    let (scene, (relay, url)) = (Scene::new(100), relay(hold).await);
    let mut running = scene.start(&send(&["--smtp", &url, "--rate", "100"]));
    relay.held(4, LONG).await.unwrap();

    running.ctrl_c();
    wait_for_line(&mut running, "pausing: ").await;
    let since = Instant::now();
    running.ctrl_c();
    let done = running.end().await.exits(1);

    assert!(since.elapsed() < Duration::from_secs(8), "it took {:?}", since.elapsed());
    assert!(scene.processes().is_empty(), "processes are left");
    let folder = done.after("to go on: the same command with --data-dir ");
    assert!(std::path::Path::new(folder).join("VERSION").exists(), "{done:#?}");
}

#[tokio::test]
async fn ctrl_c_before_the_start_leaves_nothing() {
    let scene = Scene::new(60_000);
    let mut running = scene.start(&send(&[]));
    wait_for_line(&mut running, "importing the list").await;

    running.ctrl_c();
    let done = running.end().await.exits(1);

    assert!(
        done.stderr.ends_with("fanmail: stopped before the campaign was started: nothing was sent\n"),
        "{done:#?}"
    );
    assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
    scene.is_quiet().await;
}

/// Reads the standard error up to a line that begins so.
async fn wait_for_line(running: &mut Running, start: &str) {
    use tokio::io::AsyncReadExt;

    let stderr = running.child().stderr.as_mut().unwrap();
    let (mut text, mut byte) = (String::new(), [0]);
    let read = async {
        while !text.lines().any(|line| line.starts_with(start)) {
            assert_ne!(stderr.read(&mut byte).await.unwrap(), 0, "it ended: {text}");
            // Only beginnings are compared, and they are ASCII.
            text.push(char::from(byte[0]));
        }
    };
    tokio::time::timeout(LONG, read).await.expect("the line does not come");
}
