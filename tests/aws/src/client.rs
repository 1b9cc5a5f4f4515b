//! Requests to the stand-in: to its AWS services, and to the HTTP API that was deployed on it.
//!
//! The stand-in reads from the signature of a request which service is meant and does not check it. So the header is
//! written down here, and the SDKs of five services are not needed.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::error::Error;

/// The Region that everything is deployed to.
pub const REGION: &str = "eu-west-1";
/// The stand-in's account.
pub const ACCOUNT: &str = "000000000000";

/// A client of one stand-in.
#[derive(Debug, Clone)]
pub struct Requests {
    http: Client<HttpConnector, Full<Bytes>>,
    port: u16,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// Its method.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Its header fields.
    pub headers: Vec<(&'a str, String)>,
    /// Its body.
    pub body: Bytes,
}

impl Requests {
    /// A client of the stand-in on this port of 127.0.0.1.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self { http: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    /// Makes a request and answers the body.
    ///
    /// # Errors
    ///
    /// [`Error::NoAnswer`], or [`Error::Refused`] for any status but a success.
    pub async fn send(&self, ask: Ask<'_>) -> Result<Bytes, Error> {
        let request = format!("{} {}", ask.method, ask.path);
        let no_answer = |source| Error::NoAnswer { request: request.clone(), source };
        let uri = format!("http://127.0.0.1:{}{}", self.port, ask.path);
        let mut built = Request::builder().method(ask.method).uri(uri);
        for (name, value) in &ask.headers {
            built = built.header(*name, value);
        }
        let built = built.body(Full::new(ask.body)).map_err(|error| no_answer(error.into()))?;
        let answer = self.http.request(built).await.map_err(|error| no_answer(error.into()))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| no_answer(error.into()))?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Err(Error::Refused { request, status: status.as_u16(), body })
    }

    /// A request to a service with a REST interface (Lambda, Scheduler, S3); `Null` for an empty answer.
    ///
    /// # Errors
    ///
    /// As [`Requests::send`], and [`Error::Answer`] where the answer is no JSON.
    pub async fn rest(&self, service: &str, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let headers = vec![signed_for(service), ("content-type", "application/json".to_owned())];
        json(&self.send(Ask { method, path, headers, body }).await?)
    }

    /// A request to a service with the JSON protocol (SQS, CloudWatch Logs), `target` as in `AmazonSQS.SendMessage`.
    ///
    /// # Errors
    ///
    /// As [`Requests::rest`].
    pub async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value, Error> {
        let headers = vec![
            signed_for(service),
            ("x-amz-target", target.to_owned()),
            ("content-type", "application/x-amz-json-1.0".to_owned()),
        ];
        json(&self.send(Ask { method: "POST", path: "/", headers, body: body.to_string().into() }).await?)
    }

    /// Creates a bucket.
    ///
    /// # Errors
    ///
    /// As [`Requests::send`].
    pub async fn create_bucket(&self, name: &str) -> Result<(), Error> {
        let place = format!("<LocationConstraint>{REGION}</LocationConstraint>");
        let body = format!("<CreateBucketConfiguration>{place}</CreateBucketConfiguration>").into();
        let (path, headers) = (format!("/{name}"), vec![signed_for("s3")]);
        self.send(Ask { method: "PUT", path: &path, headers, body }).await.map(drop)
    }

    /// A request to CloudFormation, which answers in XML.
    ///
    /// # Errors
    ///
    /// As [`Requests::send`].
    pub async fn cloudformation(&self, action: &str, stack: &str) -> Result<String, Error> {
        let body = format!("Action={action}&Version=2010-05-15&StackName={stack}");
        let form = "application/x-www-form-urlencoded".to_owned();
        let headers = vec![signed_for("cloudformation"), ("content-type", form)];
        let answer = self.send(Ask { method: "POST", path: "/", headers, body: body.into() }).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// The header by which the stand-in knows the service.
fn signed_for(service: &str) -> (&'static str, String) {
    let scope = format!("test/20260101/{REGION}/{service}/aws4_request");
    let signature = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none");
    ("authorization", signature)
}

fn json(body: &[u8]) -> Result<Value, Error> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    let wrong = |_| Error::Answer { what: "JSON", answer: String::from_utf8_lossy(body).into_owned() };
    serde_json::from_slice(body).map_err(wrong)
}

/// What stands between `<name>` and `</name>`, each time. No element that is looked for contains one of its own name.
#[must_use]
pub fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0)).collect()
}

/// The HTTP API that was deployed, under its own name.
#[derive(Debug, Clone)]
pub struct Api {
    requests: Requests,
    host: String,
    token: Option<String>,
}

impl Api {
    /// The API at `url`, as CloudFormation's output names it: `http://ID.execute-api.localhost:PORT`.
    ///
    /// The name is given in the header field `Host` and not looked up, for not every system knows it.
    #[must_use]
    pub fn new(requests: Requests, url: &str) -> Self {
        let host = url.split("://").last().unwrap_or(url).to_owned();
        Self { requests, host, token: None }
    }

    /// The same with a token, as `name:secret`.
    #[must_use]
    pub fn with_token(self, token: String) -> Self {
        Self { token: Some(token), ..self }
    }

    /// Makes a request with a JSON body and takes the answer out of its envelope.
    ///
    /// # Errors
    ///
    /// As [`Requests::send`], and [`Error::Answer`] for an answer without `data`.
    pub async fn request(&self, method: &str, path: &str, body: &Value) -> Result<Value, Error> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.post(method, path, "application/json", body).await
    }

    /// The same with a body of any type.
    ///
    /// # Errors
    ///
    /// As [`Api::request`].
    pub async fn post(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Value, Error> {
        let mut headers = vec![("host", self.host.clone()), ("content-type", content_type.to_owned())];
        headers.extend(self.token.iter().map(|token| ("authorization", format!("token {token}"))));
        let answer = self.requests.send(Ask { method, path, headers, body }).await?;
        let mut answer = json(&answer)?;
        match answer.get_mut("data") {
            Some(data) => Ok(data.take()),
            None => Err(Error::Answer { what: "data", answer: answer.to_string() }),
        }
    }
}
