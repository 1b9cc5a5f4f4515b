//! Signed requests to AWS services of which a function needs one or two operations.
//!
//! A client of the SDK brings every operation of its service, and a function's archive has a budget. One request needs
//! a signature (`aws-sigv4`, which the other clients have brought along), a connection (theirs, too) and a look at the
//! answer. Requests are repeated like theirs: when the service is busy or broken, or no answer comes. So only what
//! may happen twice is asked here.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use fanmail_engine::ports::{BoxError, Clock};
use http_body_util::{BodyExt, Limited};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::clock::SystemClock;
use crate::http;
use crate::vars::Vars;

/// Parameter Store, Secrets Manager and Scheduler answer within milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pauses before the second and the third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// A secret has 64 KB at the most ("Secrets Manager quotas"); JSON may write a sign in six.
const MAX_ANSWER: usize = 512 * 1024;
/// What a service says about a refusal is cut here.
const MAX_MESSAGE: usize = 400;

/// One service in one Region. `Debug` shows no credentials.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    /// Scheme and authority, without a path.
    url: String,
    region: String,
    credentials: Credentials,
    /// Made when it is needed first: most processes never ask.
    connector: OnceLock<SharedHttpConnector>,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// Path and query, encoded.
    pub path: &'a str,
    /// The operation, in services whose requests all have one path (AWS JSON 1.1).
    pub target: Option<&'static str>,
    /// A JSON text, or nothing.
    pub body: &'a str,
}

/// Why there is no good answer. Says what the service said, which is never a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It could not be signed or written.
    #[error("the request could not be made")]
    Request(#[source] BoxError),
    /// No connection, or it broke.
    #[error("{service} did not answer")]
    Silent {
        /// Which service.
        service: &'static str,
        /// What the connection said.
        #[source]
        source: BoxError,
    },
    /// An answer that is no success.
    #[error("{service} said {name} (status {status}): {message}")]
    Refused {
        /// Which service.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// The error's name, as in the service's API reference.
        name: String,
        /// Its words.
        message: String,
    },
}

impl AskError {
    /// Whether the service refused with this error.
    #[must_use]
    pub fn is(&self, error: &str) -> bool {
        matches!(self, Self::Refused { name, .. } if name == error)
    }

    /// Whether the same request may well succeed a moment later.
    fn may_pass(&self) -> bool {
        match self {
            Self::Request(_) => false,
            Self::Silent { .. } => true,
            Self::Refused { status, name, .. } => {
                *status >= 500 || *status == 429 || name.contains("Throttl")
            }
        }
    }
}

impl Service {
    /// `name` is how the service is signed for and the begin of its host; `id` how its variable is called, as in
    /// `AWS_ENDPOINT_URL_{id}`. `None` where the environment has no Region or credentials.
    #[must_use]
    pub fn from_vars(vars: &Vars, name: &'static str, id: &str) -> Option<Self> {
        let region = vars.optional("AWS_REGION")?;
        let (key, secret) = (vars.optional("AWS_ACCESS_KEY_ID")?, vars.optional("AWS_SECRET_ACCESS_KEY")?);
        let token = vars.optional("AWS_SESSION_TOKEN");
        let url = vars.endpoint(id).unwrap_or_else(|| own_endpoint(name, &region));
        Some(Self {
            name,
            connector: OnceLock::new(),
            url: url.trim_end_matches('/').to_owned(),
            region,
            credentials: Credentials::new(key, secret, token, None, "environment"),
        })
    }

    /// Asks, three times at the most, and gives the body of a good answer back.
    ///
    /// # Errors
    ///
    /// [`AskError`] of the last try.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Bytes, AskError> {
        for pause in PAUSES {
            match self.once(ask).await {
                Err(error) if error.may_pass() => sleep(pause).await,
                answer => return answer,
            }
        }
        self.once(ask).await
    }

    async fn once(&self, ask: Ask<'_>) -> Result<Bytes, AskError> {
        let request = self.request(ask).map_err(AskError::Request)?;
        let silent = |source| AskError::Silent { service: self.name, source };
        let answered = timeout(PATIENCE, self.exchange(request)).await;
        let (status, error_type, body) = answered.map_err(|late| silent(late.into()))?.map_err(silent)?;
        if (200..300).contains(&status) { Ok(body) } else { Err(self.refusal(status, error_type, &body)) }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<(u16, Option<String>, Bytes), BoxError> {
        let connector = self.connector.get_or_init(|| http::connector(&self.url));
        let response: HttpResponse = connector.call(request).await?;
        let status = response.status().as_u16();
        let error_type = response.headers().get("x-amzn-errortype").map(str::to_owned);
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await?.to_bytes();
        Ok((status, error_type, body))
    }

    fn request(&self, ask: Ask<'_>) -> Result<HttpRequest, BoxError> {
        let url = format!("{}{}", self.url, ask.path);
        let host = self.url.split_once("://").map_or(self.url.as_str(), |(_, host)| host);
        let content = if ask.target.is_some() { "application/x-amz-json-1.1" } else { "application/json" };
        let mut headers = vec![("host", host), ("content-type", content)];
        headers.extend(ask.target.map(|target| ("x-amz-target", target)));
        let identity = Identity::new(self.credentials.clone(), None);
        let params = SigningParams::builder().identity(&identity).region(&self.region).name(self.name);
        let now = UNIX_EPOCH + Duration::from_millis(SystemClock::new().now().0);
        let params = params.time(now).settings(SigningSettings::default()).build()?.into();
        let body = SignableBody::Bytes(ask.body.as_bytes());
        let signable = SignableRequest::new(ask.method, &url, headers.iter().copied(), body)?;
        let (signature, _) = sign(signable, &params)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(ask.body));
        request.set_method(ask.method)?;
        request.set_uri(url.as_str())?;
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request.headers_mut().try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }

    /// Reads a refusal of either protocol: the error's name stands in a header (REST JSON) or in the body (JSON 1.1),
    /// perhaps between a name space and an address.
    fn refusal(&self, status: u16, error_type: Option<String>, body: &[u8]) -> AskError {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let full = error_type.filter(|it| !it.is_empty()).or_else(|| text("__type"));
        let full = full.unwrap_or_else(|| "an error".to_owned());
        let name = full.rsplit('#').next().and_then(|name| name.split(':').next()).unwrap_or_default();
        let message = text("message").or_else(|| text("Message")).unwrap_or_default();
        let message = if message.is_empty() { "it gave no reason" } else { &message };
        let message = message.chars().take(MAX_MESSAGE).collect();
        AskError::Refused { service: self.name, status, name: name.to_owned(), message }
    }
}

/// The service's own address ("AWS service endpoints", AWS general reference).
fn own_endpoint(name: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{name}.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    fn service(url: &str) -> Service {
        let vars = [
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "geheim"),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_ENDPOINT_URL_SCHEDULER", url),
        ];
        let vars = Vars::new(vars.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Service::from_vars(&vars, "scheduler", "SCHEDULER").unwrap()
    }

    const ASK: Ask<'_> =
        Ask { method: "PUT", path: "/schedules/campaign-7?groupName=a-b", target: None, body: "{}" };

    #[tokio::test]
    async fn what_is_signed_is_what_is_sent() {
        let stub = Stub::answering(vec![(200, "", "{}".into())]).await;
        let url = stub.url.clone();
        assert_eq!(service(&format!("{url}/")).ask(ASK).await.unwrap(), "{}");
        let asked = stub.asked().await.remove(0);
        assert_eq!(
            (asked.line.as_str(), asked.body.as_str()),
            ("PUT /schedules/campaign-7?groupName=a-b HTTP/1.1", "{}")
        );
        let authorization = asked.header("authorization");
        let signed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        assert_eq!(signed, "content-type;host;x-amz-date;x-amz-security-token");
        assert_eq!(asked.header("host"), url.trim_start_matches("http://"));
        assert_eq!(asked.header("content-type"), "application/json");
        assert_eq!(asked.header("x-amz-security-token"), "session");

        // The signature once more, over what arrived.
        let headers = signed.split(';').map(|name| (name, asked.header(name)));
        let headers: Vec<_> = headers.filter(|(name, _)| !name.starts_with("x-amz-")).collect();
        let now = aws_smithy_types::DateTime::from_str(
            &dashed(asked.header("x-amz-date")),
            aws_smithy_types::date_time::Format::DateTime,
        );
        let identity = Credentials::new("AKID", "geheim", Some("session".into()), None, "test").into();
        let params = SigningParams::builder().identity(&identity).region("eu-west-1").name("scheduler");
        let params = params.time(now.unwrap().try_into().unwrap()).settings(SigningSettings::default());
        let url = format!("{url}{}", ASK.path);
        let body = SignableBody::Bytes(asked.body.as_bytes());
        let signable = SignableRequest::new("PUT", url, headers.into_iter(), body).unwrap();
        let signature = sign(signable, &params.build().unwrap().into()).unwrap().into_parts().1;
        assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
    }

    /// `20261122T083500Z` as `2026-11-22T08:35:00Z`.
    fn dashed(basic: &str) -> String {
        let part = |from: usize, to: usize| &basic[from..to];
        let (date, time) = ([part(0, 4), part(4, 6), part(6, 8)], [part(9, 11), part(11, 13), part(13, 16)]);
        format!("{}T{}", date.join("-"), time.join(":"))
    }

    #[tokio::test]
    async fn nobody_who_answers_is_said_without_the_credentials() {
        let service = service("http://127.0.0.1:9");
        let error = service.ask(ASK).await.unwrap_err();
        assert_eq!(error.to_string(), "scheduler did not answer");
        assert!(!format!("{service:?} {error:?}").contains("geheim"));
    }

    #[test]
    fn each_region_has_its_own_address() {
        assert_eq!(own_endpoint("ssm", "eu-west-1"), "https://ssm.eu-west-1.amazonaws.com");
        assert_eq!(own_endpoint("ssm", "cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn");
    }
}
