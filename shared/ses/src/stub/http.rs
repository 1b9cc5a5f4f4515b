//! Requests in, answers out; as much of HTTP/1.1 as one client needs.

use httparse::Status;
use serde_json::{Value, json};

use super::Seen;

const MAX_HEADERS: usize = 32;

/// The request at the front of `bytes`, and how many of them it takes. Complete or not.
pub(super) fn parse(bytes: &[u8]) -> (Seen, usize) {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(Status::Complete(head)) = request.parse(bytes) else {
        return (Seen::default(), bytes.len());
    };
    let target = format!("{} {}", request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let pair = |header: &httparse::Header<'_>| {
        (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned())
    };
    let headers: Vec<_> = request.headers.iter().map(pair).collect();
    let length = header(&headers, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let end = bytes.len().min(head + length);
    let complete = end == head + length;
    (Seen { target, headers, body: bytes[head..end].to_vec(), complete, status: None }, end)
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// `AWS4-HMAC-SHA256 Credential=ID/day/region/ses/aws4_request, SignedHeaders=…, Signature=…`, of the day of
/// `x-amz-date`, with the headers signed that have to be.
pub(super) fn is_signed(seen: &Seen) -> bool {
    let shape = || {
        let text = header(&seen.headers, "authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let mut parts = text.split(", ");
        let scope: Vec<_> = parts.next()?.strip_prefix("Credential=")?.split('/').collect();
        let signed: Vec<_> = parts.next()?.strip_prefix("SignedHeaders=")?.split(';').collect();
        let signature = parts.next()?.strip_prefix("Signature=")?;
        let date = header(&seen.headers, "x-amz-date")?;
        let [id, day, region, "ses", "aws4_request"] = scope[..] else { return None };
        let in_scope = !id.is_empty() && !region.is_empty() && date.get(..8) == Some(day) && date.len() == 16;
        let must = |name: &str| name == "host" || name.starts_with("x-amz-");
        let mut musts = seen.headers.iter().filter(|(name, _)| must(name));
        let is_hex = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(
            in_scope
                && is_hex
                && signed.is_sorted()
                && musts.all(|(name, _)| signed.contains(&name.as_str())),
        )
    };
    shape().unwrap_or(false)
}

/// What SES says when it is well.
pub(super) fn success(seen: &Seen, number: u64) -> Vec<u8> {
    let body = match seen.target.as_str() {
        "POST /v2/email/outbound-emails" => json!({ "MessageId": format!("stub-{number}") }),
        "POST /v2/email/outbound-bulk-emails" => results(&seen.body, number),
        "GET /v2/email/account" => json!({
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": true,
            "SendQuota": { "Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 7.0 },
            "SendingEnabled": true,
        }),
        _ => return answer(404, "UnknownOperationException", "{}"),
    };
    answer(200, "", &body.to_string())
}

fn results(body: &[u8], number: u64) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let entries = body["BulkEmailEntries"].as_array().map_or(0, Vec::len);
    let result = |entry| json!({ "Status": "SUCCESS", "MessageId": format!("stub-{number}-{entry}") });
    json!({ "BulkEmailEntryResults": (0..entries).map(result).collect::<Vec<_>>() })
}

/// The same with `connection: close`.
pub(super) fn as_last(answer: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&answer);
    text.replacen("\r\n", "\r\nconnection: close\r\n", 1).into_bytes()
}

/// An error as SES writes it.
pub(super) fn refusal(status: u16, name: &str, message: &str) -> Vec<u8> {
    answer(status, name, &json!({ "message": message }).to_string())
}

/// The status of an answer, if its line is whole.
pub(super) fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next().filter(|line| line.len() < answer.len())?;
    std::str::from_utf8(line.get(9..12)?).ok()?.parse().ok()
}

/// A whole answer.
pub(super) fn answer(status: u16, error: &str, body: &str) -> Vec<u8> {
    let error = if error.is_empty() { String::new() } else { format!("x-amzn-errortype: {error}\r\n") };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n{error}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
