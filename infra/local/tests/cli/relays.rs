//! Relays that cannot be used, and one that says so only when it is written to.

use fanmail_inbox::{Auth, Credentials, Inbox, InboxConfig};
use tokio::net::TcpListener;

use crate::scene::Scene;

async fn relay_with_login() -> Inbox {
    let only = Credentials { user: "ann".to_owned(), password: "secret".to_owned() };
    let auth = Auth::Only(vec![only]);
    Inbox::start(InboxConfig { auth, ..InboxConfig::default() }).await.unwrap()
}

#[tokio::test]
async fn a_url_that_names_no_relay() {
    let scene = Scene::new(1);
    for (url, sentence) in [
        ("mail.example.org", "an SMTP server's URL starts with smtp:// or smtps://"),
        (
            "smtp://mail.example.org?tls=maybe",
            "tls is one of off, opportunistic and required; for TLS from the first byte write smtps://",
        ),
        ("smtp://mail.example.org:99999", "the port must be a number from 1 to 65535"),
        ("smtp://ann@mail.example.org", "a user name needs a password: smtp://user:password@host"),
    ] {
        let done = scene.send(&["--smtp", url]).await.exits(2);
        assert_eq!(done.stderr, format!("fanmail: --smtp: {sentence}\n"));
        let up = scene.run(&["up", "--port", "0", "--smtp", url]).await.exits(2);
        assert_eq!(up.stderr, done.stderr);
    }
    assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
}

#[tokio::test]
async fn a_relay_that_does_not_answer() {
    let scene = Scene::new(1);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("smtp://{free}");

    let done = scene.send(&["--smtp", &url, "--data-dir", "data"]).await.exits(2);

    let sentence = "refuses connections: nothing listens on that port, or a firewall says no";
    assert_eq!(done.stderr, format!("fanmail: --smtp: {free} {sentence}\n"));
    assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
}

#[tokio::test]
async fn a_relay_that_refuses_the_credentials() {
    let (scene, relay) = (Scene::new(1), relay_with_login().await);
    let url = format!("smtp://ann:wrong@{}", relay.smtp_addr());

    let done = scene.send(&["--smtp", &url]).await.exits(2);

    let sentence = format!("fanmail: --smtp: {} refused the credentials: 535", relay.smtp_addr());
    assert!(done.stderr.starts_with(&sentence) && !done.stderr.contains("wrong"), "{done:#?}");
    assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
}

#[tokio::test]
async fn a_relay_that_knows_us_gets_the_mail() {
    let (scene, relay) = (Scene::new(20), relay_with_login().await);
    let url = format!("smtp://ann:secret@{}", relay.smtp_addr());

    let done = scene.send(&["--smtp", &url, "--rate", "500"]).await.exits(0);

    assert_eq!((done.row("accepted"), relay.accepted(), relay.recipients().len()), ("20", 20, 20));
    assert!(!done.stdout.contains("inbox") && !scene.path("fanmail-out").join("mail.mbox").exists());
    scene.is_quiet().await;
}

#[tokio::test]
async fn a_relay_that_wants_credentials_pauses_the_campaign() {
    let (scene, relay) = (Scene::new(20), relay_with_login().await);
    let url = format!("smtp://{}", relay.smtp_addr());

    let done = scene.send(&["--smtp", &url, "--data-dir", "data"]).await.exits(1);

    assert!(done.stdout.starts_with("Campaign 1 \"mail\": paused (credentials_refused)\n"), "{done:#?}");
    assert_eq!((done.row("not yet"), done.row("failed"), done.row("in doubt")), ("20", "0", "0"));
    assert_eq!(done.after("To go on: "), "the same command once more");

    let url = format!("smtp://ann:secret@{}", relay.smtp_addr());
    let done = scene.send(&["--smtp", &url, "--data-dir", "data", "--rate", "500"]).await.exits(0);
    assert_eq!((done.row("accepted"), relay.accepted()), ("20", 20));
    scene.is_quiet().await;
}
