//! `fanmail token` against a stack that asks for tokens, and what it says where it cannot do its work.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::scene::{Done, LONG, Scene};
use crate::up::{Up, http, http_with};

/// The command with these variables and no others.
async fn token(scene: &Scene, vars: &[(&str, &str)], args: &[&str]) -> Done {
    let mut command = scene.command(&[&["token"], args].concat());
    command.env_clear().envs(vars.iter().copied());
    Done::from(timeout(LONG, command.output()).await.expect("the command does not end").unwrap())
}

/// Who the API says that one is, with this token.
async fn profile(up: &Up, name: &str, token: &str) -> (u16, String) {
    let header = format!("Authorization: token {name}:{token}\r\n");
    let (status, body) = http_with("GET", &format!("{}/api/profile", up.api_url), &header, "").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let said = body["data"]["username"].as_str().or_else(|| body["message"].as_str());
    (status, said.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_token_is_made_shown_once_used_and_taken_back() {
    let scene = Scene::new(0);
    let up = Up::start(&scene, &["--tokens"]).await;
    // What `up` prints is the command: variables, `fanmail`, and its arguments.
    let (vars, args) = up.tokens.split_once(" fanmail token create NAME ").expect("it does not say how");
    let vars: Vec<_> = vars.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let place: Vec<&str> = args.split(' ').collect();
    let lists = format!("{}/api/lists", up.api_url);

    assert_eq!(http("GET", &format!("{}/api/health", up.api_url), "").await.0, 200);
    let (status, body) = http("GET", &lists, "").await;
    assert!(status == 403 && body.starts_with("{\"message\":\"this needs an API token"), "{status} {body}");

    let made = token(&scene, &vars, &[&["create", "deploy"], &*place].concat()).await.exits(0);
    let secret = made.stdout.strip_suffix('\n').unwrap().to_owned();
    assert!(secret.starts_with("fanmail_") && !secret.contains(char::is_whitespace), "{made:?}");
    assert!(!made.stderr.contains(&secret) && made.stderr.contains("It is not shown again"), "{made:?}");
    assert_eq!(profile(&up, "deploy", &secret).await, (200, "deploy".to_owned()));
    let wrong = (403, "invalid API credentials".to_owned());
    assert_eq!(profile(&up, "other", &secret).await, wrong);

    let again = token(&scene, &vars, &[&["create", "deploy"], &*place].concat()).await.exits(1);
    assert!(
        again.stdout.is_empty() && again.stderr.contains("deploy has a token already, since 2"),
        "{again:?}"
    );
    let listed = token(&scene, &vars, &[&["list"], &*place].concat()).await.exits(0);
    assert!(listed.stdout.starts_with("deploy   ") && listed.stdout.lines().count() == 1, "{listed:?}");
    assert!(!listed.stdout.contains(&secret));

    token(&scene, &vars, &[&["revoke", "deploy"], &*place].concat()).await.exits(0);
    let refused = async {
        while profile(&up, "deploy", &secret).await != wrong {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), refused).await.expect("the token still opens");
    let unknown = token(&scene, &vars, &[&["revoke", "deploy"], &*place].concat()).await.exits(1);
    assert_eq!(unknown.stderr, "fanmail: deploy has no token in fanmail-campaigns\n");
    let nobody = token(&scene, &vars, &[&["list"], &*place].concat()).await.exits(0);
    assert_eq!(
        (nobody.stdout.as_str(), nobody.stderr.as_str()),
        ("", "There are no tokens in fanmail-campaigns.\n")
    );

    let elsewhere = token(&scene, &vars, &["create", "deploy", "--stack", "other"]).await.exits(1);
    let sentence = "fanmail: there is no table other-campaigns in eu-west-1: is this the stack's name";
    assert!(elsewhere.stdout.is_empty() && elsewhere.stderr.starts_with(sentence), "{elsewhere:?}");
    up.stop(&scene).await;
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_asked() {
    let scene = Scene::new(0);
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let list = ["list", "--stack", "s"];
    let no_keys = "fanmail: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: eval \"$(aws configure \
                   export-credentials --format env)\" takes them from your AWS profile\n";
    assert_eq!(token(&scene, &keys[..1], &list).await.exits(2).stderr, no_keys);
    let no_region = "fanmail: AWS_REGION is not set: it is where the stack is deployed, such as eu-west-1\n";
    assert_eq!(token(&scene, &keys, &list).await.exits(2).stderr, no_region);
    for (args, sentence) in [
        (
            &["create", "ann@example.org", "--stack", "s"][..],
            "a name has 3 to 64 characters: letters without",
        ),
        (&["create", "sweeper", "--stack", "s"], "the journal uses this name for a part of fanmail itself"),
        (&["create", "deploy"], "--stack <NAME>|--campaigns-table <TABLE>"),
        (&["list", "--stack", "s", "--campaigns-table", "t"], "cannot be used with"),
    ] {
        let done = token(&scene, &keys, args).await.exits(2);
        assert!(done.stdout.is_empty() && done.stderr.contains(sentence), "{done:?}");
    }
    scene.is_quiet().await;
}

#[tokio::test]
async fn what_aws_refuses_is_said_in_words() {
    let scene = Scene::new(0);
    for (code, sentence) in [
        (
            "AccessDeniedException",
            "these credentials may not do that: they need dynamodb:GetItem, Query, PutItem",
        ),
        ("UnrecognizedClientException", "AWS does not take these credentials, they may have expired: eval"),
        ("ExpiredTokenException", "AWS does not take these credentials, they may have expired: eval"),
        (
            "ResourceNotFoundException",
            "there is no table s-campaigns in eu-central-1: is this the stack's name",
        ),
    ] {
        let url = refusing(code).await;
        let vars = [
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", &url),
        ];
        for args in [&["create", "deploy", "--stack", "s"][..], &["list", "--stack", "s"]] {
            let done = token(&scene, &vars, args).await.exits(1);
            assert!(
                done.stdout.is_empty() && done.stderr.starts_with(&format!("fanmail: {sentence}")),
                "{done:?}"
            );
        }
    }
    scene.is_quiet().await;
}

/// A DynamoDB that refuses everything with this error.
async fn refusing(code: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = format!(r#"{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}}"#);
    let length = body.len();
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 64 * 1024];
            // A request this small arrives in one piece or two; its answer does not depend on the rest.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
        }
    });
    url
}
