//! A service for tests: answers as it is told, in order, and remembers what it was asked.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for a slow machine: whoever asks has asked before the answers are looked at.
const PATIENCE: Duration = Duration::from_secs(10);

/// One request as it came.
#[derive(Debug)]
pub struct Asked {
    /// Method, path and version.
    pub line: String,
    /// Names and values, in lower case and as sent.
    headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Asked {
    /// The value of a header; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|header| header.0 == name).map_or("", |header| &header.1)
    }
}

/// A service at [`Stub::url`].
#[derive(Debug)]
pub struct Stub {
    /// Where it is.
    pub url: String,
    served: JoinHandle<Vec<Asked>>,
}

impl Stub {
    /// Serves one request for each answer: status, `x-amzn-errortype` and body.
    ///
    /// # Panics
    ///
    /// If the machine has no free port.
    pub async fn answering(answers: Vec<(u16, &'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Self { url, served: tokio::spawn(serve(listener, answers)) }
    }

    /// What it was asked, once every answer was given.
    ///
    /// # Panics
    ///
    /// If a request could not be read, or one did not come.
    pub async fn asked(self) -> Vec<Asked> {
        let served = timeout(PATIENCE, self.served).await.expect("an answer was left over");
        served.expect("the stub broke down")
    }
}

async fn serve(listener: TcpListener, answers: Vec<(u16, &'static str, String)>) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (status, error_type, body) in answers {
        let (mut tcp, _) = listener.accept().await.expect("a connection");
        let mut bytes = Vec::new();
        let request = loop {
            assert!(tcp.read_buf(&mut bytes).await.expect("a request") > 0, "the request ended early");
            if let Some(request) = parse(&bytes) {
                break request;
            }
        };
        asked.push(request);
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nx-amzn-errortype: {error_type}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        tcp.write_all(answer.as_bytes()).await.expect("a listener");
    }
    asked
}

/// A whole request; `None` while some of it is missing.
fn parse(bytes: &[u8]) -> Option<Asked> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (line, rest) = head.split_once("\r\n")?;
    let header = |line: &str| {
        line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let asked = Asked {
        line: line.to_owned(),
        headers: rest.lines().filter_map(header).collect(),
        body: body.to_owned(),
    };
    let length = asked.header("content-length").parse().unwrap_or(0);
    (body.len() >= length).then_some(asked)
}
