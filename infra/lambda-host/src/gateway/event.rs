//! A request as an [event of payload format 2.0].
//!
//! [event of payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html

use std::{
    collections::{BTreeMap, btree_map::Entry},
    net::IpAddr,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, header, request::Parts};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::{
    clock::{self, Utc},
    spec::HostConfig,
};

/// The API's id in events; AWS generates ten such characters.
const API_ID: &str = "localhost0";
/// The one route, which takes every request.
const ROUTE: &str = "$default";

/// The event for one request.
pub(super) fn http_event(parts: &Parts, body: &[u8], source_ip: IpAddr, config: &HostConfig) -> Bytes {
    let mut event = json!({
        "version": "2.0",
        "routeKey": ROUTE,
        "rawPath": parts.uri.path(),
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": joined_headers(&parts.headers),
        "requestContext": request_context(parts, source_ip, config),
        "isBase64Encoded": false,
    });
    if let Value::Object(event) = &mut event {
        insert_some(event, "cookies", cookies(&parts.headers));
        insert_some(event, "queryStringParameters", parts.uri.query().and_then(query_parameters));
        if !body.is_empty() {
            insert_body(event, body);
        }
    }
    event.to_string().into()
}

fn insert_some(event: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        event.insert(key.to_owned(), value);
    }
}

/// Puts the body in as it is if it is text, else in base64.
fn insert_body(event: &mut Map<String, Value>, body: &[u8]) {
    let (text, encoded) = match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(body), true),
    };
    event.insert("body".to_owned(), text.into());
    event.insert("isBase64Encoded".to_owned(), encoded.into());
}

/// All headers but cookies; names are lower-case, values of one name are joined by commas.
fn joined_headers(headers: &HeaderMap) -> BTreeMap<&str, String> {
    let names = headers.keys().filter(|name| **name != header::COOKIE);
    names.map(|name| (name.as_str(), values(headers, name).join(","))).collect()
}

fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

/// The cookies one by one, if there are any.
fn cookies(headers: &HeaderMap) -> Option<Value> {
    let lines = values(headers, &header::COOKIE);
    let cookies: Vec<&str> = lines.iter().flat_map(|line| line.split(';')).map(str::trim).collect();
    (!cookies.is_empty()).then(|| json!(cookies))
}

/// The decoded parameters; values of one name are joined by commas. `None` without any.
fn query_parameters(query: &str) -> Option<Value> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match parameters.entry(decoded(name)) {
            Entry::Vacant(place) => {
                place.insert(decoded(value));
            }
            Entry::Occupied(mut present) => {
                present.get_mut().push(',');
                present.get_mut().push_str(&decoded(value));
            }
        }
    }
    (!parameters.is_empty()).then(|| json!(parameters))
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

fn request_context(parts: &Parts, source_ip: IpAddr, config: &HostConfig) -> Value {
    let header = |name: HeaderName| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let domain_name = header(header::HOST);
    let now_ms = clock::epoch_ms();
    json!({
        "accountId": config.account_id,
        "apiId": API_ID,
        "domainName": domain_name,
        "domainPrefix": domain_name.split(['.', ':']).next(),
        "http": {
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "protocol": format!("{:?}", parts.version),
            "sourceIp": source_ip.to_string(),
            "userAgent": header(header::USER_AGENT),
        },
        "requestId": uuid::Uuid::new_v4().to_string(),
        "routeKey": ROUTE,
        "stage": ROUTE,
        "time": Utc::at(now_ms).common_log(),
        "timeEpoch": now_ms,
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_request_becomes_an_event_of_format_2_0() {
        let request = http::Request::builder()
            .method("POST")
            .uri("/lists/a%20b?tag=x&tag=y%2Cz&empty&plus=a+b")
            .header("Host", "api.example.com")
            .header("User-Agent", "test")
            .header("X-Twice", "1")
            .header("X-Twice", "2")
            .header("Cookie", "a=1; b=2")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();

        let event = http_event(&parts, b"text", Ipv4Addr::LOCALHOST.into(), &HostConfig::default());

        let mut event: Value = serde_json::from_slice(&event).unwrap();
        let context = event["requestContext"].take();
        let expected = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": "/lists/a%20b",
            "rawQueryString": "tag=x&tag=y%2Cz&empty&plus=a+b",
            "cookies": ["a=1", "b=2"],
            "headers": { "host": "api.example.com", "user-agent": "test", "x-twice": "1,2" },
            "queryStringParameters": { "empty": "", "plus": "a b", "tag": "x,y,z" },
            "requestContext": null,
            "body": "text",
            "isBase64Encoded": false,
        });
        assert_eq!(event, expected);
        let http = json!({
            "method": "POST",
            "path": "/lists/a%20b",
            "protocol": "HTTP/1.1",
            "sourceIp": "127.0.0.1",
            "userAgent": "test",
        });
        assert_eq!(context["http"], http);
        assert_eq!(context["domainName"], "api.example.com");
        assert_eq!(context["domainPrefix"], "api");
    }

    #[test]
    fn a_body_that_is_not_text_is_sent_in_base64() {
        let (parts, ()) = http::Request::new(()).into_parts();
        let event = http_event(&parts, &[0, 255], Ipv4Addr::LOCALHOST.into(), &HostConfig::default());

        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("AP8="), &json!(true)));
    }
}
