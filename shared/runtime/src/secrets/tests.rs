//! Secrets from answers as Systems Manager and Secrets Manager give them.

use super::*;
use crate::stub::{Asked, Stub};

/// `GetParameter`'s answer (Systems Manager API reference).
const PARAMETER: &str = r#"{"Parameter":{"ARN":"arn:aws:ssm:eu-west-1:123456789012:parameter/fanmail/relay","DataType":"text",
    "LastModifiedDate":1.795336500123E9,"Name":"/fanmail/relay","Type":"SecureString","Value":"geheim","Version":3}}"#;
/// `GetSecretValue`'s answer (Secrets Manager API reference).
const SECRET: &str = r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:relay-a1b2c3","CreatedDate":1.795336500123E9,
    "Name":"relay","SecretString":"geheim","VersionId":"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111","VersionStages":["AWSCURRENT"]}"#;
const NOT_FOUND: &str = r#"{"__type":"ParameterNotFound"}"#;
const DENIED: &str = r#"{"__type":"AccessDeniedException","Message":"User: arn:aws:sts::123456789012:assumed-role/api/api is not authorized to perform: ssm:GetParameter"}"#;
const THROTTLED: &str = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;

/// Everything is asked again at once, and nothing is forgotten.
const RESTLESS: Ages = Ages { fresh: Duration::ZERO, last: Duration::from_secs(600), quiet: Duration::ZERO };
const USUAL: Ages = Ages { fresh: FRESH_FOR, last: LAST_FOR, quiet: QUIET_FOR };

fn place() -> SecretRef {
    SecretRef::Ssm("/fanmail/relay".into())
}

async fn service(answers: &[(u16, &str)]) -> Stub {
    Stub::answering(answers.iter().map(|(status, body)| (*status, "", (*body).to_owned())).collect()).await
}

fn secrets(url: &str, ages: Ages) -> Secrets {
    let variables = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_SESSION_TOKEN", "session"),
        ("AWS_ENDPOINT_URL", url),
        ("RELAY", "geheim"),
    ];
    Secrets::aging(variables.map(|(name, value)| (name.to_owned(), value.to_owned())), ages)
}

fn assert_signed(asked: &Asked, service: &str) {
    let authorization = asked.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{authorization}");
    assert!(authorization.contains(&format!("/eu-west-1/{service}/aws4_request, SignedHeaders=")));
    assert!(authorization.contains("x-amz-security-token;x-amz-target, Signature="), "{authorization}");
    assert_eq!(asked.header("x-amz-security-token"), "session");
    assert_eq!(asked.header("content-type"), "application/x-amz-json-1.1");
}

#[tokio::test]
async fn a_variable_is_read_from_the_environment() {
    let secrets = secrets("http://127.0.0.1:9", USUAL);
    assert_eq!(secrets.read(&SecretRef::Env("RELAY".into())).await.unwrap(), "geheim");
    let missing = secrets.read(&SecretRef::Env("OTHER".into())).await.unwrap_err();
    assert_eq!(missing.to_string(), "the environment has no variable OTHER");
    assert!(!format!("{secrets:?}").contains("geheim"));
}

#[tokio::test]
async fn a_parameter_is_asked_for_decrypted_and_once_in_five_minutes() {
    let stub = service(&[(200, PARAMETER)]).await;
    let secrets = secrets(&stub.url, USUAL);
    for _ in 0..3 {
        assert_eq!(secrets.clone().read(&place()).await.unwrap(), "geheim");
    }
    let asked = stub.asked().await;
    assert_eq!(asked[0].line, "POST / HTTP/1.1");
    assert_eq!(asked[0].header("x-amz-target"), "AmazonSSM.GetParameter");
    assert_eq!(asked[0].body, r#"{"Name":"/fanmail/relay","WithDecryption":true}"#);
    assert_signed(&asked[0], "ssm");
}

#[tokio::test]
async fn a_secret_is_asked_for_in_its_current_version() {
    let stub = service(&[(200, SECRET)]).await;
    let place = SecretRef::SecretsManager("relay".into());
    assert_eq!(secrets(&stub.url, USUAL).read(&place).await.unwrap(), "geheim");
    let asked = stub.asked().await;
    assert_eq!(asked[0].header("x-amz-target"), "secretsmanager.GetSecretValue");
    assert_eq!(asked[0].body, r#"{"SecretId":"relay"}"#);
    assert_signed(&asked[0], "secretsmanager");
}

#[tokio::test]
async fn a_refusal_is_said_by_place_and_name_and_not_asked_for_again_at_once() {
    for (body, words) in [
        (NOT_FOUND, "ssm said ParameterNotFound (status 400)"),
        (DENIED, "is not authorized to perform: ssm:GetParameter"),
    ] {
        let stub = service(&[(400, body)]).await;
        let secrets = secrets(&stub.url, USUAL);
        for _ in 0..2 {
            let error = secrets.read(&place()).await.unwrap_err();
            let text = Chain(&error).to_string();
            assert!(
                text.starts_with("could not read ssm:/fanmail/relay: ") && text.contains(words),
                "{text}"
            );
        }
        assert_eq!(stub.asked().await.len(), 1);
    }
}

#[tokio::test]
async fn who_is_throttled_or_gets_no_answer_asks_again() {
    let stub = service(&[(400, THROTTLED), (500, ""), (200, PARAMETER)]).await;
    assert_eq!(secrets(&stub.url, USUAL).read(&place()).await.unwrap(), "geheim");
    assert_eq!(stub.asked().await.len(), 3);
}

#[tokio::test]
async fn the_last_value_goes_on_while_the_service_is_away() {
    let stub = service(&[(200, PARAMETER), (400, DENIED)]).await;
    let secrets = secrets(&stub.url, RESTLESS);
    assert_eq!(secrets.read(&place()).await.unwrap(), "geheim");
    assert_eq!(secrets.read(&place()).await.unwrap(), "geheim");
    assert_eq!(stub.asked().await.len(), 2, "a value that is not fresh is asked for again");
}

#[tokio::test]
async fn a_last_value_that_is_too_old_is_not_used() {
    let stub = service(&[(200, PARAMETER), (400, DENIED)]).await;
    let secrets = secrets(&stub.url, Ages { last: Duration::ZERO, ..RESTLESS });
    assert_eq!(secrets.read(&place()).await.unwrap(), "geheim");
    assert!(matches!(secrets.read(&place()).await, Err(SecretError::Asked { .. })));
}

#[tokio::test]
async fn a_secret_of_bytes_and_an_environment_without_a_region_are_errors() {
    let stub = service(&[(200, r#"{"Name":"relay","SecretBinary":"Z2VoZWlt"}"#)]).await;
    let place = SecretRef::SecretsManager("relay".into());
    let error = secrets(&stub.url, USUAL).read(&place).await.unwrap_err();
    assert_eq!(error.to_string(), "secretsmanager:relay holds no text");
    assert!(matches!(Secrets::new([]).read(&place).await, Err(SecretError::Nobody(_))));
}

#[tokio::test]
async fn a_variable_may_name_a_place_instead_of_a_value() {
    let stub = service(&[(200, PARAMETER), (400, NOT_FOUND)]).await;
    let secrets = secrets(&stub.url, RESTLESS);
    let variables = [
        ("A", "ssm:/fanmail/relay"),
        ("B", "literally"),
        ("C", "ssm:/nothing"),
        ("D", "env:no such"),
        ("E", ""),
    ];
    let mut vars = Vars::new(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut read = Vec::new();
    for (name, _) in variables {
        let parse = |text: &str| if text == "literally" { Err("too long") } else { Ok(text.to_owned()) };
        read.push(secrets.required(&mut vars, name, parse).await);
    }
    assert_eq!(read, [Some("geheim".to_owned()), None, None, None, None]);
    let error = vars.finish().unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the environment does not fit: B: too long; C: could not read ssm:/nothing: ssm said ParameterNotFound \
             (status 400): it gave no reason; D: the name of a secret is "
        ) && error.ends_with("; E is not set"),
        "{error}"
    );
}
