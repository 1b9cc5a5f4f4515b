//! A DynamoDB that says what the test wrote down: for what the embedded engine never does.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use fanmail_store::{SCHEMA_VERSION, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{client, tables};

/// Answers in order, and the bodies of the requests that were answered.
pub(crate) struct Stub {
    pub(crate) store: Store,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// A stub that answers with these statuses and bodies, one after the other.
    pub(crate) async fn new(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let answers = answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let (answers, requests) = (Arc::new(Mutex::new(answers)), Arc::default());
        tokio::spawn(serve(listener, answers, Arc::clone(&requests)));
        let client = client(&format!("http://{address}"));
        Self { store: Store::new(client, tables("")), requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

type Answers = Arc<Mutex<VecDeque<(u16, String)>>>;

async fn serve(listener: TcpListener, answers: Answers, requests: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Some(body) = read_request(&mut stream).await {
                let answer = if body.contains(r#""S":"SCHEMA""#) {
                    // The look at the table's version, before the first write; no test is about it here.
                    Some((200, format!(r#"{{"Item": {{"version": {{"N": "{SCHEMA_VERSION}"}}}}}}"#)))
                } else {
                    requests.lock().unwrap().push(body);
                    answers.lock().unwrap().pop_front()
                };
                let Some((status, body)) = answer else { return };
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all((head + &body).as_bytes()).await.unwrap();
            }
        });
    }
}

/// The body of the next request; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap_or("0").parse().unwrap() {
                return Some(body.to_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
