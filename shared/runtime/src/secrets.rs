//! Reading secrets from where their references lead.
//!
//! A variable of the environment is read from this process. Parameters and secrets are asked of the *AWS Parameters and
//! Secrets Lambda extension*, which runs beside the function on AWS, has its credentials and keeps answers for five
//! minutes ("Using the AWS Parameters and Secrets Lambda Extension", AWS Secrets Manager user guide): one HTTP request on
//! the loopback, and no client of two more services in the function. Where it does not run, the error says so.

use std::collections::HashMap;
use std::time::Duration;

use fanmail_domain::SecretRef;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::vars::Vars;

/// Where the extension listens, unless `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT` says otherwise.
const PORT: u16 = 2_773;
/// The extension answers from its memory, or asks AWS once.
const PATIENCE: Duration = Duration::from_secs(5);
/// A parameter has 8 KB at the most and a secret 64 KB; the answer repeats some of it.
const MAX_ANSWER: usize = 256 * 1024;

/// Reads secrets. `Debug` shows none.
#[derive(Clone)]
pub struct Secrets {
    variables: HashMap<String, String>,
    port: u16,
    /// Proves to the extension that the caller is the function: the session token of its credentials.
    token: String,
}

/// Why a secret cannot be read. Never repeats one.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No such variable, or an empty one.
    #[error("the environment has no variable {0}")]
    Variable(String),
    /// The extension is not there, or does not answer.
    #[error("could not ask the AWS Parameters and Secrets Lambda extension for {place}")]
    Extension {
        /// The reference.
        place: SecretRef,
        /// What the connection said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It answered, but not with a value.
    #[error("the AWS Parameters and Secrets Lambda extension has no value for {place}: status {status}")]
    Refused {
        /// The reference.
        place: SecretRef,
        /// The HTTP status.
        status: u16,
    },
}

impl Secrets {
    /// What this process can read.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(std::env::vars())
    }

    /// With these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: HashMap<_, _> = variables.into_iter().collect();
        let vars = Vars::new(variables.clone());
        let port = vars.optional("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT");
        Self {
            port: port.and_then(|port| port.parse().ok()).unwrap_or(PORT),
            token: vars.optional("AWS_SESSION_TOKEN").unwrap_or_default(),
            variables,
        }
    }

    /// The secret that is there.
    ///
    /// # Errors
    ///
    /// [`SecretError`], which names the place.
    pub async fn read(&self, place: &SecretRef) -> Result<String, SecretError> {
        match place {
            SecretRef::Env(name) => {
                let found = self.variables.get(name).filter(|value| !value.is_empty());
                found.cloned().ok_or_else(|| SecretError::Variable(name.clone()))
            }
            SecretRef::Ssm(name) => {
                let path =
                    format!("/systemsmanager/parameters/get?name={}&withDecryption=true", escaped(name));
                self.ask(place, &path, &["Parameter", "Value"]).await
            }
            SecretRef::SecretsManager(name) => {
                let path = format!("/secretsmanager/get?secretId={}", escaped(name));
                self.ask(place, &path, &["SecretString"]).await
            }
        }
    }

    async fn ask(&self, place: &SecretRef, path: &str, keys: &[&str]) -> Result<String, SecretError> {
        let failed = |source| SecretError::Extension { place: place.clone(), source };
        let answered = timeout(PATIENCE, self.get(path)).await.map_err(|late| failed(late.into()))?;
        let (status, body) = answered.map_err(failed)?;
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let value = keys.iter().fold(&json, |found, key| &found[*key]).as_str();
        match value {
            Some(value) if status == 200 => Ok(value.to_owned()),
            _ => Err(SecretError::Refused { place: place.clone(), status }),
        }
    }

    async fn get(&self, path: &str) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await?;
        let connection = tokio::spawn(connection);
        let request = Request::get(path)
            .header(header::HOST, "localhost")
            .header("X-Aws-Parameters-Secrets-Token", &self.token)
            .body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await?.to_bytes();
        connection.abort();
        Ok((status, body))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("port", &self.port).finish_non_exhaustive()
    }
}

/// A name as a value of a query: of the signs that names may have, these mean something there.
fn escaped(name: &str) -> String {
    name.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F").replace(':', "%3A")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// An extension that answers one request; returns the secrets to ask it with, and what it was asked.
    async fn extension(status: u16, body: &'static str) -> (Secrets, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                assert!(tcp.read_buf(&mut request).await.unwrap() > 0);
            }
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            tcp.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(request).unwrap()
        });
        let port = ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT".to_owned(), port.to_string());
        (Secrets::new([port, ("AWS_SESSION_TOKEN".to_owned(), "session".to_owned())]), asked)
    }

    #[tokio::test]
    async fn a_variable_is_read_from_the_environment() {
        let secrets = Secrets::new([("RELAY".to_owned(), "geheim".to_owned())]);
        assert_eq!(secrets.read(&SecretRef::Env("RELAY".into())).await.unwrap(), "geheim");
        let missing = secrets.read(&SecretRef::Env("OTHER".into())).await.unwrap_err();
        assert_eq!(missing.to_string(), "the environment has no variable OTHER");
        assert!(!format!("{secrets:?}").contains("geheim"));
    }

    #[tokio::test]
    async fn parameters_and_secrets_are_asked_of_the_extension() {
        let (secrets, asked) = extension(200, r#"{"Parameter":{"Value":"geheim"}}"#).await;
        assert_eq!(secrets.read(&SecretRef::Ssm("/fanmail/relay".into())).await.unwrap(), "geheim");
        let asked = asked.await.unwrap().to_ascii_lowercase();
        assert!(
            asked.starts_with(
                "get /systemsmanager/parameters/get?name=%2ffanmail%2frelay&withdecryption=true "
            )
        );
        assert!(asked.contains("x-aws-parameters-secrets-token: session"), "{asked}");

        let (secrets, asked) = extension(200, r#"{"SecretString":"geheim"}"#).await;
        assert_eq!(secrets.read(&SecretRef::SecretsManager("relay".into())).await.unwrap(), "geheim");
        assert!(asked.await.unwrap().starts_with("GET /secretsmanager/get?secretId=relay "));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_said_by_its_place() {
        let place = SecretRef::Ssm("/fanmail/relay".into());
        let (secrets, _asked) = extension(400, "not found").await;
        let refused = secrets.read(&place).await.unwrap_err().to_string();
        assert!(refused.ends_with("no value for ssm:/fanmail/relay: status 400"), "{refused}");

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let secrets = Secrets::new([("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT".to_owned(), port)]);
        assert!(matches!(secrets.read(&place).await, Err(SecretError::Extension { .. })));
    }
}
