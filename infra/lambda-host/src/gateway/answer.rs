//! A function's answer as an HTTP response.
//!
//! An object with `statusCode` is taken apart ([payload format 2.0]). Any other JSON is the body of a 200 with
//! `content-type: application/json`.
//!
//! [payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use std::collections::BTreeMap;

use axum::{body::Body, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

/// An answer that is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the answer is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("the body is not base64, as the answer says it is")]
    Base64(#[source] base64::DecodeError),
    #[error("the answer has a status, header or cookie that HTTP does not allow")]
    Http(#[source] http::Error),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<BTreeMap<String, Vec<Value>>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// The response that `answer` describes.
///
/// # Errors
///
/// [`AnswerError`].
pub(super) fn http_response(answer: &[u8]) -> Result<Response, AnswerError> {
    let value: Value = serde_json::from_slice(answer).map_err(AnswerError::Json)?;
    if value.get("statusCode").is_none() {
        return Ok(plain(&value));
    }
    let answer: Answer = serde_json::from_value(value).map_err(AnswerError::Json)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() =
        StatusCode::from_u16(answer.status_code).map_err(|error| AnswerError::Http(error.into()))?;
    *response.headers_mut() = headers(&answer).map_err(AnswerError::Http)?;
    let body = answer.body.unwrap_or_default();
    *response.body_mut() = if answer.is_base64_encoded {
        STANDARD.decode(body).map_err(AnswerError::Base64)?.into()
    } else {
        body.into()
    };
    Ok(response)
}

/// A 200 with JSON; a string is sent as it is, without quotation marks.
fn plain(value: &Value) -> Response {
    let mut response = Response::new(Body::from(text(value)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn headers(answer: &Answer) -> Result<HeaderMap, http::Error> {
    let single = answer.headers.iter().flatten().map(|(name, value)| (name.as_str(), value));
    let multiple = answer.multi_value_headers.iter().flatten();
    let multiple = multiple.flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value)));
    let mut headers = HeaderMap::new();
    for (name, value) in single.chain(multiple) {
        headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(text(value))?);
    }
    for cookie in answer.cookies.iter().flatten() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie.as_str())?);
    }
    // The server sets these itself, to fit what it sends.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    if !headers.contains_key(header::CONTENT_TYPE) && answer.body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Ok(headers)
}

/// Text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn taken_apart(answer: Value) -> (u16, HeaderMap, Vec<u8>) {
        let response = http_response(answer.to_string().as_bytes()).unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1000).await.unwrap();
        (parts.status.as_u16(), parts.headers, body.to_vec())
    }

    #[tokio::test]
    async fn an_answer_with_a_status_is_taken_apart() {
        let (status, headers, body) = taken_apart(json!({
            "statusCode": 201,
            "headers": { "Content-Type": "image/png", "X-Number": 7, "Content-Length": "999" },
            "cookies": ["a=1; Secure", "b=2"],
            "body": "AP8=",
            "isBase64Encoded": true,
        }))
        .await;

        assert_eq!((status, body), (201, vec![0, 255]));
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers["x-number"], "7");
        assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1; Secure", "b=2"]);
        assert!(!headers.contains_key("content-length"));
    }

    #[tokio::test]
    async fn any_other_json_is_the_body_of_a_200() {
        let (status, headers, body) = taken_apart(json!({ "data": [1] })).await;

        assert_eq!((status, body.as_slice()), (200, br#"{"data":[1]}"#.as_slice()));
        assert_eq!(headers["content-type"], "application/json");
    }

    #[test]
    fn what_http_does_not_allow_is_refused() {
        for answer in [
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\n"}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
            r#"{"statusCode":"twice"}"#,
            "not json",
        ] {
            assert!(http_response(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
