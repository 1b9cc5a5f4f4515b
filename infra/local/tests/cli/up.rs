//! `fanmail up`: the stack with its HTTP API, until it is told to stop.

use std::time::Duration;

use bytes::Bytes;
use fanmail::send::{ApiClient, ClientError};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::scene::{LONG, Running, Scene};

/// A stack that is up.
pub(crate) struct Up {
    running: Running,
    pub(crate) api_url: String,
    pub(crate) lambda_url: String,
    pub(crate) inbox_url: String,
    /// How to make a token, where the API asks for one.
    pub(crate) tokens: String,
    pub(crate) api: ApiClient,
}

impl Up {
    /// Starts it on a free port.
    pub(crate) async fn start(scene: &Scene, more: &[&str]) -> Self {
        let mut running = scene.start(&[&["up", "--port", "0"], more].concat());
        let mut lines = BufReader::new(running.child().stdout.take().unwrap()).lines();
        let (mut api_url, mut lambda_url, mut inbox_url) = (String::new(), String::new(), String::new());
        let mut tokens = String::new();
        while let Some(line) = timeout(LONG, lines.next_line()).await.unwrap().unwrap() {
            match line.split_once("  ").map(|(name, rest)| (name, rest.trim())) {
                Some(("HTTP API", url)) => api_url = url.trim_end_matches("/api").to_owned(),
                Some(("Lambda API", url)) => url.clone_into(&mut lambda_url),
                Some(("Inbox", url)) => inbox_url = url.trim_end_matches('/').to_owned(),
                Some(("Tokens", command)) => command.clone_into(&mut tokens),
                _ if line.starts_with("Ctrl-C") => break,
                _ => {}
            }
        }
        assert!(api_url.starts_with("http://127.0.0.1:"), "it did not come up");
        let api = ApiClient::new(api_url.clone());
        Self { running, api_url, lambda_url, inbox_url, tokens, api }
    }

    /// Ctrl-C, and the end.
    pub(crate) async fn stop(self, scene: &Scene) {
        self.running.ctrl_c();
        self.running.end().await.exits(0);
        scene.is_quiet().await;
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.api.get(path).await.unwrap()
    }

    /// Makes a list with so many people on it, and a campaign to it. Answers the campaign's path.
    pub(crate) async fn campaign(&self, people: usize, settings: Value) -> String {
        let list: Value = self.api.send("POST", "/api/lists", &json!({ "name": "friends" })).await.unwrap();
        let rows: String = (0..people).map(|n| format!("p{n}@example.org,Person {n}\n")).collect();
        let imported = self.import(&list["id"], &format!("email,name\n{rows}")).await.unwrap();
        assert_eq!(imported["imported"], people);
        let body = campaign(&list["id"], settings);
        let created: Value = self.api.send("POST", "/api/campaigns", &body).await.unwrap();
        format!("/api/campaigns/{}", created["id"])
    }

    /// listmonk's import request.
    pub(crate) async fn import(&self, list: &Value, csv: &str) -> Result<Value, ClientError> {
        let params = json!({ "mode": "subscribe", "subscription_status": "confirmed", "lists": [list] });
        let part = "--x\r\nContent-Disposition: form-data; name=";
        let body = format!(
            "{part}\"params\"\r\n\r\n{params}\r\n{part}\"file\"; filename=\"a.csv\"\r\n\r\n{csv}\r\n--x--\r\n"
        );
        let kind = "multipart/form-data; boundary=x";
        self.api.request("POST", "/api/import/subscribers", kind, Bytes::from(body)).await
    }

    pub(crate) async fn set_status(&self, campaign: &str, status: &str) -> Result<Value, ClientError> {
        self.api.send("PUT", &format!("{campaign}/status"), &json!({ "status": status })).await
    }

    /// Waits until a campaign is as wanted.
    pub(crate) async fn wait_for(&self, campaign: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let reached = async {
            loop {
                last = self.get(campaign).await;
                if wanted(&last) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let reached = timeout(LONG, reached).await;
        assert!(reached.is_ok(), "the campaign stays {last:#}");
        last
    }
}

/// A campaign as listmonk's API takes it.
pub(crate) fn campaign(list: &Value, settings: Value) -> Value {
    json!({
        "name": "News", "subject": "Hello {{ subscriber.first_name }}", "from_email": "Acme <news@acme.example>",
        "lists": [list], "type": "regular", "content_type": "html", "settings": settings,
        "body": "<p>Dear {{ subscriber.name }}</p><a href=\"{{ unsubscribe_url }}\">no more</a>",
    })
}

/// One request as a browser makes it: status and body.
pub(crate) async fn http(method: &str, url: &str, body: &str) -> (u16, String) {
    http_with(method, url, "", body).await
}

/// The same with more header lines.
pub(crate) async fn http_with(method: &str, url: &str, headers: &str, body: &str) -> (u16, String) {
    let (addr, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let length = body.len();
    let kind = "application/x-www-form-urlencoded";
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n{headers}");
    let request = format!("{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(LONG, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
