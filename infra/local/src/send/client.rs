//! A client of fanmail's own HTTP API.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why the API did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be reached.
    #[error("the HTTP API does not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It said no, and why.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It said something that is not understood.
    #[error("the HTTP API's answer is not understood")]
    Answer(#[source] serde_json::Error),
}

/// A client of fanmail's own HTTP API.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl ApiClient {
    /// A client of the API at `base`, e.g. `http://127.0.0.1:9000`.
    #[must_use]
    pub fn new(base: String) -> Self {
        Self { base, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Gets what is at `path`.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says why not.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.request("GET", path, "application/json", Bytes::new()).await
    }

    /// Sends `body` to `path` as JSON.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says why not.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, ClientError> {
        self.request(method, path, "application/json", body.to_string().into()).await
    }

    /// Makes one request and takes its answer out of the envelope.
    ///
    /// # Errors
    ///
    /// [`ClientError`] says why not.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(body))
            .map_err(|error| ClientError::Unreachable(error.into()))?;
        let response = self.http.request(request).await;
        let response = response.map_err(|error| ClientError::Unreachable(error.into()))?;
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| ClientError::Unreachable(error.into()))?.to_bytes();
        let mut answer: Value = serde_json::from_slice(&body).map_err(ClientError::Answer)?;
        if !status.is_success() {
            let message = answer["message"].as_str().unwrap_or("the HTTP API refused it").to_owned();
            return Err(ClientError::Refused { status: status.as_u16(), message });
        }
        serde_json::from_value(answer["data"].take()).map_err(ClientError::Answer)
    }
}
