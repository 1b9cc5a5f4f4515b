//! What may not be in the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::{enveloped, invoke, one_in_doubt, recorded};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Bodies that a reader may want to complain of with what is in them.
fn broken() -> Vec<String> {
    let bounce = recorded("bounce-permanent-general");
    let whole = bounce.replace(
        "\"destination\": [\n      \"recipient@example.com\"\n    ]",
        "\"destination\": \"recipient@example.com\"",
    );
    assert_ne!(whole, bounce);
    let kind = bounce.replace("\"eventType\": \"Bounce\"", "\"eventType\": [\"recipient@example.com\"]");
    let foreign = bounce.replace("\"eventType\": \"Bounce\"", "\"eventType\": \"recipient@example.com\"");
    vec!["\"recipient@example.com\"".into(), enveloped(&whole), whole, kind, foreign, bounce[..900].into()]
}

#[tokio::test]
async fn nobody_is_in_the_log_whatever_comes() {
    // With a single subscriber `tracing` asks the thread that comes to a line first whether anybody wants it, and
    // keeps the answer for all: that thread may be another test's.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let (world, _) = one_in_doubt().await;
    let (folder, mut bodies) = (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events"), broken());
    let files = std::fs::read_dir(folder).unwrap();
    bodies.extend(files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()));
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    let (back, _) = invoke(&world, &bodies).await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!((back.len(), log.lines().filter(|line| line.contains("WARN")).count()), (5, 5 + 4), "{log}");
    for personal in ["@", "recipient", "Ann", "203.0.113", "SubscribeURL", "Token", "https"] {
        assert!(!log.contains(personal), "{personal} is in the log: {log}");
    }
}
