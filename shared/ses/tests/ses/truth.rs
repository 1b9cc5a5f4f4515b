//! Many calls at once over a bad network: what the client says never contradicts what the server saw.

use std::collections::HashMap;

use fanmail_ses::stub::{Act, Seen, Stub, When};
use fanmail_ses::{Client, SesConfig};
use tokio::task::JoinSet;

use crate::support::{config, email, word};

const CALLS: usize = 600;

fn acts() -> Vec<Act> {
    let bad = [
        Act::AcceptThenClose,
        Act::AcceptThenTalk,
        Act::Refuse(429, "TooManyRequestsException", ""),
        Act::Refuse(400, "MessageRejected", ""),
        Act::Refuse(500, "InternalFailure", ""),
        Act::Refuse(503, "", ""),
        Act::Raw(Vec::new()),
        Act::Cut(9),
        Act::Cut(30),
        Act::WrongLength,
        Act::Close(When::Before),
        Act::Close(When::Amid),
        Act::Close(When::After),
        Act::Reset(When::Before),
        Act::Reset(When::Amid),
        Act::Reset(When::After),
    ];
    // Seven is prime to the number of acts, so each meets fresh and kept connections and every neighbour.
    (0..CALLS)
        .map(|call| if call % 3 == 0 { Act::Accept } else { bad[call * 7 % bad.len()].clone() })
        .collect()
}

/// Which call a request belongs to, by its tag.
fn position(seen: &Seen) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&seen.body).ok()?;
    body["EmailTags"][0]["Value"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_contradicts_the_server() {
    let stub = Stub::start().unwrap();
    stub.script(acts());
    let client = Client::new(SesConfig { max_conns: 8, ..config(stub.url()) }).unwrap();
    let mut calls = JoinSet::new();
    for call in 0..CALLS {
        let client = client.clone();
        calls.spawn(async move {
            let position = call.to_string();
            let message = vec![b'x'; 7000];
            let answer = client.send_email(&email(&message, &[("position", &position)])).await;
            (position, word(&answer))
        });
    }
    let answers: Vec<_> = calls.join_all().await;

    let mut requests: HashMap<String, Vec<Seen>> = HashMap::new();
    for seen in stub.seen().into_iter().filter(|seen| seen.complete) {
        requests.entry(position(&seen).unwrap()).or_default().push(seen);
    }
    let mut words: HashMap<_, usize> = HashMap::new();
    for (position, word) in answers {
        let came = requests.remove(&position).unwrap_or_default();
        assert!(came.len() <= 1, "{position} came {} times", came.len());
        let status = came.first().and_then(|seen| seen.status);
        match word {
            "accepted" => assert_eq!(status, Some(200), "{position}"),
            "rejected" | "provider" => {
                assert!(
                    came.is_empty() || status.is_some_and(|status| (400..500).contains(&status)),
                    "{position}"
                );
            }
            "unknown" => assert!(!matches!(status, Some(400..500)), "{position} {status:?}"),
            other => panic!("{other} was not in the script"),
        }
        *words.entry(word).or_default() += 1;
    }
    assert!(["accepted", "rejected", "provider", "unknown"].iter().all(|word| words[word] > 20), "{words:?}");
}
