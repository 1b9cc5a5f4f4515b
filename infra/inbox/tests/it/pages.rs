//! The pages and the JSON interface, over HTTP as a browser speaks it.

use std::net::SocketAddr;

use axum::Router;
use fanmail_inbox::{Action, HangUp, Inbox, Phase, Rule, Script, Throttle, Who};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, inbox};

/// One request: status, header section, body.
async fn request(addr: SocketAddr, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: inbox\r\nConnection: close\r\n");
    let entity = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(format!("{head}{entity}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

async fn get(addr: SocketAddr, path: &str) -> String {
    let (status, _, body) = request(addr, "GET", path, "").await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn get_json(addr: SocketAddr, path: &str) -> Value {
    serde_json::from_str(&get(addr, path).await).unwrap()
}

async fn with_pages() -> (Inbox, SocketAddr) {
    let inbox = inbox().await;
    let addr = inbox.serve_http(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    (inbox, addr)
}

/// Sends a message as it is; it must end with a line end.
async fn deliver(inbox: &Inbox, recipient: &str, message: &str) {
    let mut client = Client::hello(inbox).await;
    for command in ["MAIL FROM:<>", &format!("RCPT TO:<{recipient}>"), "DATA"] {
        client.ask(command).await;
    }
    assert!(client.ask(&format!("{message}.")).await.starts_with("250"));
}

#[tokio::test]
async fn hostile_messages_stay_text() {
    const SCRIPT: &str = "<script>alert(1)</script>";
    let (inbox, addr) = with_pages().await;
    let message = format!(
        "Subject: {SCRIPT}\"'>\r\nX-{SCRIPT}: {SCRIPT}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nplain {SCRIPT}\r\n\
         --b\r\nContent-Type: text/html\r\n\r\n<p>\"></iframe>{SCRIPT}</p>\r\n\
         --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"{SCRIPT}\"\r\n\r\nx\r\n--b--\r\n"
    );
    deliver(&inbox, "\"<script>alert(1)</script>\"@example.com", &message).await;
    let broken = format!("{SCRIPT}\r\n");
    deliver(&inbox, "b@example.com", &broken).await;

    let search = "/?to=%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for path in ["/", search, "/messages/1", "/messages/2"] {
        let (status, head, page) = request(addr, "GET", path, "").await;
        assert_eq!(status, 200);
        assert!(!page.contains("<script"), "{path}: {page}");
        assert_eq!(page.matches("</iframe>").count(), usize::from(path == "/messages/1"), "{path}");
        assert!(head.contains("content-security-policy: default-src 'none';"), "{path}: {head}");
    }
    assert!(
        get(addr, search).await.contains("value=\"&quot;&gt;&lt;script&gt;"),
        "the value stays in its quotes"
    );
    let page = get(addr, "/messages/1").await;
    assert!(
        page.contains("&lt;p&gt;&quot;&gt;&lt;/iframe&gt;&lt;script&gt;"),
        "so does the frame's document"
    );
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "shown, but as text");
    assert!(page.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
    inbox.shutdown().await;
}

#[tokio::test]
async fn a_message_is_shown_with_its_parts_and_as_it_came() {
    let (inbox, addr) = with_pages().await;
    let message = "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nas text\r\n.. dots\r\n\
        --b\r\nContent-Type: text/html\r\n\r\n<b>as html</b>\r\n--b--\r\n";
    deliver(&inbox, "b@example.com", message).await;

    let page = get(addr, "/messages/1").await;
    for part in ["<h1>Grüße</h1>", "<pre>as text", "&lt;b&gt;as html&lt;/b&gt;", "/messages/1.eml"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let (_, head, raw) = request(addr, "GET", "/messages/1.eml", "").await;
    assert!(head.contains("content-type: message/rfc822"));
    assert_eq!(raw, message.replace("\r\n..", "\r\n."));
    for path in ["/messages/2", "/messages/0.eml", "/messages/x"] {
        assert_eq!(request(addr, "GET", path, "").await.0, 404, "{path}");
    }
    inbox.shutdown().await;
}

#[tokio::test]
async fn the_list_is_searched_and_paged() {
    let (inbox, addr) = with_pages().await;
    let mut client = Client::hello(&inbox).await;
    for n in 0..60 {
        client.mail(&format!("r{n}@{}.example.com", if n % 2 == 0 { "even" } else { "odd" })).await;
    }
    client.mail("R1@odd.example.com").await;

    let page = get_json(addr, "/api/messages?offset=2&limit=3").await;
    assert_eq!(page["total"], 61);
    let seqs: Vec<_> =
        page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [3, 4, 5]);
    let found = get_json(addr, "/api/messages?to=r1@ODD").await;
    assert_eq!(
        (&found["total"], &found["messages"][1]["recipient"]),
        (&json!(2), &json!("R1@odd.example.com"))
    );

    let newest = get(addr, "/").await;
    assert!(newest.contains("href=\"/messages/61\"") && !newest.contains("href=\"/messages/11\""));
    assert!(newest.contains("class=several><td>r1@odd.example.com<td class=n>2"));
    assert!(newest.contains("href=\"/?to=&amp;offset=50\""));
    assert!(get(addr, "/?offset=50").await.contains("href=\"/messages/11\""));
    let odd = get(addr, "/?to=odd").await;
    assert!(odd.contains("31 copies found") && !odd.contains("@even"));

    let stats = get_json(addr, "/api/stats").await;
    assert_eq!((&stats["accepted"], &stats["with_several"]), (&json!(61), &json!(1)));
    assert_eq!(request(addr, "DELETE", "/api/messages", "").await.0, 204);
    assert_eq!(get_json(addr, "/api/messages").await, json!({"total": 0, "messages": []}));
    assert_eq!(inbox.accepted(), 0);
    inbox.shutdown().await;
}

#[tokio::test]
async fn the_script_is_read_and_changed_over_http() {
    let (inbox, addr) = with_pages().await;
    let script = r#"{"seed": 7, "max_connections": 9, "throttle": {"per_second": 100}, "rules": [
        {"when": {"recipient": {"local_prefix": "x"}, "from": 1, "to": 50, "odds": 1.0}, "times": 3,
         "delay": {"phase": "dot", "ms": 1}, "action": "accept_then_hold"},
        {"when": {"recipient": {"domain": "closed.test"}},
         "action": {"reply": {"phase": "rcpt", "code": 550, "text": "5.1.1 nobody"}}},
        {"action": {"accept_then_drop_reply": {"by": "reset"}}, "times": 0}]}"#;
    assert_eq!(request(addr, "PUT", "/api/script", script).await.0, 200);
    let expected = Script {
        seed: 7,
        max_connections: Some(9),
        throttle: Some(Throttle::of_mail(100)),
        rules: vec![
            Rule::new(Action::AcceptThenHold)
                .to(Who::LocalPrefix("x".to_owned()))
                .messages(1..50)
                .times(3)
                .delayed(Phase::Dot, 1),
            Rule::new(Action::reply(Phase::Rcpt, 550, "5.1.1 nobody"))
                .to(Who::Domain("closed.test".to_owned())),
            Rule::new(Action::AcceptThenDropReply { by: HangUp::Reset }).times(0),
        ],
        ..Script::default()
    };
    assert_eq!(inbox.script(), expected);
    let shown = get_json(addr, "/api/script").await;
    assert_eq!(serde_json::from_value::<Script>(shown).unwrap(), expected);
    assert_eq!(Client::hello(&inbox).await.mail("b@closed.test").await, "550 5.1.1 nobody");

    for (wrong, status) in [
        (r#"{"rules": [{"action": "explode"}]}"#, 422),
        (r#"{"rules": [{"action": {"reply": {"phase": "rcpt", "code": 200, "text": ""}}}]}"#, 422),
        (r#"{"rulez": []}"#, 422),
        ("{", 400),
    ] {
        let (got, _, body) = request(addr, "PUT", "/api/script", wrong).await;
        assert_eq!(got, status, "{wrong}: {body}");
        assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].is_string());
    }
    assert_eq!(inbox.script(), expected);
    inbox.shutdown().await;
}

#[tokio::test]
async fn links_work_where_the_router_is_nested() {
    let inbox = inbox().await;
    Client::hello(&inbox).await.mail("b@example.com").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let app = Router::new().nest("/mail/inbox", inbox.router());
    let server = tokio::spawn(axum::serve(listener, app).into_future());

    assert!(get(addr, "/mail/inbox").await.contains("href=\"/mail/inbox/messages/1\""));
    assert!(get(addr, "/mail/inbox/messages/1").await.contains("href=\"/mail/inbox/messages/1.eml\""));
    server.abort();
    inbox.shutdown().await;
}

#[tokio::test]
async fn pages_end_with_the_inbox() {
    let (inbox, addr) = with_pages().await;
    get(addr, "/").await;
    inbox.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}
