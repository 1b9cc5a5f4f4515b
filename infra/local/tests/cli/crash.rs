//! The whole program is killed in mid-campaign, and the same command is given again.

use fanmail_inbox::{Action, Phase, Rule, Script};
use rustix::process::Signal;

use crate::scene::{LONG, Scene, relay, send};

const PEOPLE: usize = 300;
/// Senders, and the most messages of one window at this rate and as many connections as there are by default.
const SENDERS: u64 = 2;
const WINDOW: u64 = 18;

#[tokio::test]
async fn after_a_crash_nobody_is_lost_and_nobody_gets_it_twice() {
    let slow = Script::of([Rule::new(Action::Accept).delayed(Phase::Dot, 60)]);
    let (scene, (relay, url)) = (Scene::new(PEOPLE), relay(slow).await);
    let args = ["--smtp", &url, "--rate", "100", "--data-dir", "data", "--report", "report.json"];
    let running = scene.start(&send(&args));
    relay.wait_for(|now| now.accepted >= 60, LONG).await.unwrap();

    running.signal(Signal::KILL);
    drop(running);
    // The functions notice by themselves that their host is gone.
    scene.processes_end().await;
    assert!(relay.accepted() < PEOPLE as u64, "it was not in mid-campaign");
    let _ = scene.send(&args).await;

    let (report, now) = (scene.json("report.json"), relay.snapshot());
    let count = |state: &str| report[state].as_u64().unwrap();
    assert_eq!((&report["status"], now.with_several), (&"finished".into(), 0), "{report}");
    assert_eq!(count("accepted") + count("in_doubt"), PEOPLE as u64, "{report}");
    assert!(count("in_doubt") <= SENDERS * WINDOW, "{report}");
    assert!((count("accepted")..=PEOPLE as u64).contains(&now.accepted), "{now:?} {report}");
    assert_eq!(scene.processes(), [0; 0]);
}

#[tokio::test]
async fn a_data_folder_belongs_to_one_process_at_a_time() {
    let (scene, (relay, url)) = (Scene::new(60), relay(Script::default()).await);
    let args = ["--smtp", &url, "--rate", "10", "--data-dir", "data"];
    let first = scene.start(&send(&args));
    relay.wait_for(|now| now.accepted >= 1, LONG).await.unwrap();

    let second = scene.send(&args).await.exits(2);
    let up = scene.run(&["up", "--port", "0", "--data-dir", "data"]).await.exits(2);

    let sentence = "data is in use by another fanmail: wait until it has ended, or choose another --data-dir";
    assert_eq!(
        (second.stderr, up.stderr),
        (format!("fanmail: {sentence}\n"), format!("fanmail: {sentence}\n"))
    );
    first.end().await.exits(0);
    assert_eq!((relay.accepted(), relay.recipients().len()), (60, 60));
    scene.is_quiet().await;
}
