//! What came in: method, path, query and body, decoded once.

use std::collections::HashMap;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::response::ApiError;

/// One HTTP request.
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path's segments, percent-decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: HashMap<String, String>,
    pub(crate) content_type: String,
    /// The header `Authorization`; empty if there is none. A secret.
    pub(crate) authorization: String,
    /// The media types that the caller takes; empty if it does not say.
    pub(crate) accept: String,
    pub(crate) body: Bytes,
}

impl Request {
    /// Reads API Gateway's event.
    pub(crate) fn parse(event: ApiGatewayV2httpRequest) -> Result<Self, ApiError> {
        let body = event.body.unwrap_or_default();
        let body = if event.is_base64_encoded {
            BASE64_STANDARD.decode(body).map_err(|_| ApiError::bad("the body is not valid base64"))?.into()
        } else {
            Bytes::from(body)
        };
        let raw_path = event.raw_path.unwrap_or_default();
        let raw_path = without_stage(&raw_path, event.request_context.stage.as_deref());
        let segments = raw_path.split('/').filter(|segment| !segment.is_empty());
        let decode = |segment: &str| {
            let decoded = percent_decode_str(segment).decode_utf8();
            decoded.map(Into::into).map_err(|_| ApiError::bad("the path is not valid UTF-8"))
        };
        let header = |name| event.headers.get(name).and_then(|value| value.to_str().ok());
        let header = |name| header(name).unwrap_or_default().to_owned();
        Ok(Self {
            method: event.request_context.http.method.to_string(),
            path: segments.map(decode).collect::<Result<_, _>>()?,
            query: pairs(&event.raw_query_string.unwrap_or_default()),
            content_type: header("content-type"),
            authorization: header("authorization"),
            accept: header("accept"),
            body,
        })
    }

    /// The body as JSON of this shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::bad(&format!("the body does not fit: {error}")))
    }

    /// Whether the query asks for something that is off by default.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.query.get(name).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(_) => Err(ApiError::bad(&format!("{name} is true or false"))),
        }
    }

    /// A number of the query, or its default.
    pub(crate) fn number(&self, name: &str, default: u64) -> Result<u64, ApiError> {
        match self.query.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| ApiError::bad(&format!("{name} is not a number"))),
        }
    }
}

/// The path behind the stage: API Gateway puts the name of every stage but `$default` before it.
fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    let Some(stage) = stage.filter(|stage| *stage != "$default") else { return path };
    let rest = path.strip_prefix('/').and_then(|path| path.strip_prefix(stage));
    rest.filter(|rest| rest.is_empty() || rest.starts_with('/')).unwrap_or(path)
}

fn pairs(query: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: serde_json::Value) -> ApiGatewayV2httpRequest {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_recorded_event_is_read() {
        let request = Request::parse(event(serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/api/campaigns/7%2F8",
            "rawQueryString": "page=2&name=a+b%20c", "headers": { "content-type": "application/json" },
            "requestContext": { "http": { "method": "PUT", "path": "/api/campaigns/7" }, "timeEpoch": 0 },
            "body": "eyJhIjoxfQ==", "isBase64Encoded": true
        })))
        .unwrap();
        assert_eq!((request.method.as_str(), request.path[2].as_str()), ("PUT", "7/8"));
        assert_eq!((request.number("page", 1).unwrap(), request.query["name"].as_str()), (2, "a b c"));
        assert_eq!(request.json::<serde_json::Value>().unwrap(), serde_json::json!({ "a": 1 }));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let context = serde_json::json!({ "http": { "method": "GET", "path": "/" }, "timeEpoch": 0 });
        let broken = serde_json::json!({
            "rawPath": "/", "body": "%%%", "isBase64Encoded": true, "requestContext": context
        });
        let broken = event(broken);
        assert!(matches!(Request::parse(broken), Err(ApiError::Refused(400, _))));
        let plain = event(serde_json::json!({
            "rawPath": "/", "rawQueryString": "page=x", "body": "{", "requestContext": context
        }));
        let request = Request::parse(plain).unwrap();
        assert!(matches!(request.number("page", 1), Err(ApiError::Refused(400, _))));
        assert!(matches!(request.json::<serde_json::Value>(), Err(ApiError::Refused(400, _))));
    }
}
