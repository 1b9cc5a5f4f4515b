//! What goes out.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::http::{HeaderMap, HeaderName, HeaderValue, header};
use fanmail_engine::ports::PortError;
use serde::Serialize;
use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: i64,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
}

/// Why there is no good answer.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request is at fault; the message says how to mend it.
    Refused(i64, String),
    /// The same, with data beside the message: what stands, or what is wrong one by one.
    RefusedWith(i64, String, Value),
    /// A port is.
    Broken(PortError),
}

impl Reply {
    /// listmonk's envelope around `data`.
    pub(crate) fn data(data: impl Serialize) -> Self {
        Self::text("application/json", json!({ "data": data }).to_string())
    }

    /// listmonk's error.
    pub(crate) fn message(status: i64, message: &str) -> Self {
        Self { status, ..Self::text("application/json", json!({ "message": message }).to_string()) }
    }

    /// listmonk's error, with data beside it.
    pub(crate) fn message_with(status: i64, message: &str, data: &Value) -> Self {
        let body = json!({ "message": message, "data": data });
        Self { status, ..Self::text("application/json", body.to_string()) }
    }

    /// A page for a person.
    pub(crate) fn html(status: i64, body: String) -> Self {
        Self { status, ..Self::text("text/html; charset=utf-8", body) }
    }

    /// A body that needs no envelope.
    pub(crate) fn text(content_type: &'static str, body: String) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), body }
    }

    /// The same with another header. One whose value HTTP does not allow is left out.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).map(|value| (name, value)));
        self
    }

    /// The answer in API Gateway's form.
    pub(crate) fn into_event(self) -> ApiGatewayV2httpResponse {
        let mut headers: HeaderMap = self.headers.into_iter().collect();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut event = ApiGatewayV2httpResponse::default();
        event.status_code = self.status;
        event.headers = headers;
        event.body = Some(self.body.into());
        event
    }
}

impl ApiError {
    /// The request cannot be understood.
    pub(crate) fn bad(message: &str) -> Self {
        Self::Refused(400, message.to_owned())
    }

    /// There is nothing of that name.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::Refused(404, format!("there is no such {what}"))
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        Self::Broken(error)
    }
}
