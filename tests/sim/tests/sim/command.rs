//! The command as people use it.

use std::process::{Command, Output};

fn fanmail_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fanmail-sim")).args(arguments).output().expect("the test has it built")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_replay_prints_the_same_bytes_every_time() {
    let replay = || fanmail_sim(&["--seed", "9"]);
    let first = replay();
    assert!(said(&first).contains("is asked for Start"), "{}", said(&first));
    assert_eq!(first.stdout, replay().stdout);
}

#[test]
fn a_broken_promise_is_an_exit_status_and_a_command_that_replays_it() {
    let found = fanmail_sim(&["--seeds", "10", "--sabotage", "uncounted-batches"]);
    assert_eq!(found.status.code(), Some(1));
    let text = said(&found);
    let replay = text.lines().find_map(|line| line.trim().strip_prefix("replay: ")).expect(&text);
    let arguments: Vec<&str> = replay.split_whitespace().skip_while(|word| *word != "--seed").collect();
    let again = fanmail_sim(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("BROKEN I6 counters are a recount"), "{}", said(&again));
}

#[test]
fn kept_promises_are_a_summary_and_success() {
    let kept = fanmail_sim(&["--seeds", "20", "--from", "100", "--except", "pause-holds"]);
    assert_eq!(kept.status.code(), Some(0), "{}", said(&kept));
    for line in ["20 worlds", "accepted by the provider", "0 broke: I1 nobody gets it twice"] {
        assert!(said(&kept).contains(line), "{line} is missing in {}", said(&kept));
    }
}
