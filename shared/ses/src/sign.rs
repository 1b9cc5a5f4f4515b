//! Signature Version 4 of our three kinds of request (AWS IAM user guide, "Create a signed AWS API request").
//!
//! `aws-sigv4` has the cryptography; its signer for any request canonicalizes URLs, queries and headers, and derives
//! the day's key anew each time. Ours have a fixed path, no query and four headers in one order, so the
//! canonical request is one `write!`, and the key is kept for the day. A test holds both against each other.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use sha2::{Digest, Sha256};

/// SES's name in the credential scope.
const SERVICE: &str = "ses";

/// One request before it is signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) authority: &'a str,
    pub(crate) body: &'a [u8],
}

/// Signs for one Region.
pub(crate) struct Signer {
    region: String,
    key: Mutex<Option<Key>>,
}

/// What a day's key was derived from, and the key.
struct Key {
    secret: String,
    day: String,
    bytes: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(region: String) -> Self {
        Self { region, key: Mutex::new(None) }
    }

    /// The whole request as it travels.
    pub(crate) fn request(&self, unsigned: Unsigned<'_>, who: &Credentials, now: SystemTime) -> Vec<u8> {
        let time = basic_time(now);
        let authorization = self.authorization(unsigned, who, now, &time);
        let Unsigned { method, path, authority, body } = unsigned;
        let mut out = Vec::with_capacity(body.len() + 1024 + who.session_token().map_or(0, str::len));
        for part in [method, " ", path, " HTTP/1.1\r\nhost: ", authority, "\r\nx-amz-date: ", &time] {
            out.extend_from_slice(part.as_bytes());
        }
        if let Some(token) = who.session_token() {
            out.extend_from_slice(b"\r\nx-amz-security-token: ");
            out.extend_from_slice(token.as_bytes());
        }
        let length = body.len();
        let rest = format!(
            "\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nauthorization: {authorization}\r\n\r\n"
        );
        out.extend_from_slice(rest.as_bytes());
        out.extend_from_slice(body);
        out
    }

    fn authorization(&self, request: Unsigned<'_>, who: &Credentials, now: SystemTime, time: &str) -> String {
        let names = match who.session_token() {
            Some(_) => "content-type;host;x-amz-date;x-amz-security-token",
            None => "content-type;host;x-amz-date",
        };
        let scope = format!("{}/{}/{SERVICE}/aws4_request", &time[..8], self.region);
        let canonical = canonical(request, time, who.session_token(), names);
        let mut text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n");
        push_sha256(&mut text, canonical.as_bytes());
        let signature = calculate_signature(self.key(who, now, &time[..8]), text.as_bytes());
        let id = who.access_key_id();
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    /// The day's key, derived if it is not the one used last.
    fn key(&self, who: &Credentials, now: SystemTime, day: &str) -> Vec<u8> {
        // A panic elsewhere cannot leave the key half changed.
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = kept.as_ref().filter(|key| key.day == day && key.secret == who.secret_access_key())
        {
            return key.bytes.clone();
        }
        let secret = who.secret_access_key().to_owned();
        let bytes = generate_signing_key(&secret, now, &self.region, SERVICE).as_ref().to_vec();
        *kept = Some(Key { secret, day: day.to_owned(), bytes: bytes.clone() });
        bytes
    }
}

fn canonical(request: Unsigned<'_>, time: &str, token: Option<&str>, names: &str) -> String {
    let Unsigned { method, path, authority, body } = request;
    let mut text = String::with_capacity(512 + token.map_or(0, str::len));
    for part in
        [method, "\n", path, "\n\ncontent-type:application/json\nhost:", authority, "\nx-amz-date:", time]
    {
        text.push_str(part);
    }
    if let Some(token) = token {
        text.push_str("\nx-amz-security-token:");
        text.push_str(token);
    }
    text.push_str("\n\n");
    text.push_str(names);
    text.push('\n');
    push_sha256(&mut text, body);
    text
}

fn push_sha256(text: &mut String, bytes: &[u8]) {
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
}

/// `20261122T083500Z`, ISO 8601's basic form.
fn basic_time(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::with_capacity(16);
    // Writing to a string cannot fail.
    let _ = write!(text, "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
    text
}

/// The date of a day since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap
/// day is a year's last; 400 of them have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4::SigningParams;
    use aws_smithy_runtime_api::client::identity::Identity;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_709_164_800, "20240229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (1_795_336_500, "20261122T083500Z"),
            (4_107_542_400, "21000301T000000Z"),
        ] {
            assert_eq!(basic_time(at(seconds)), text);
        }
    }

    /// The Authorization header of a signer that is not ours.
    fn of_the_library(body: &[u8], token: Option<&str>, who: &Credentials, now: SystemTime) -> String {
        let identity = Identity::new(who.clone(), None);
        let mut settings = SigningSettings::default();
        settings.session_token_mode = aws_sigv4::http_request::SessionTokenMode::Include;
        let params = SigningParams::builder().identity(&identity).region("eu-west-1").name("ses").time(now);
        let params = params.settings(settings).build().unwrap().into();
        let headers = [("content-type", "application/json"), ("host", "email.test:81")];
        let url = "http://email.test:81/v2/email/outbound-emails";
        let request =
            SignableRequest::new("POST", url, headers.into_iter(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        let header =
            |name| instructions.headers().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        assert_eq!(header("x-amz-security-token").as_deref(), token);
        header("authorization").unwrap()
    }

    #[test]
    fn a_signature_is_that_of_the_library() {
        let signer = Signer::new("eu-west-1".into());
        for (secret, token, seconds, body) in [
            ("geheim", None, 1_795_336_500, &b"{}"[..]),
            ("geheim", Some("a/token+=="), 1_795_336_500, b"{}"),
            ("geheim", Some("a/token+=="), 1_795_336_500 + 86_400, b"{\"a\":1}"),
            ("another", None, 1_795_336_500 + 86_400, b""),
        ] {
            let who = Credentials::new("AKID", secret, token.map(str::to_owned), None, "test");
            let (path, authority) = ("/v2/email/outbound-emails", "email.test:81");
            let unsigned = Unsigned { method: "POST", path, authority, body };

            let request = signer.request(unsigned, &who, at(seconds));

            let text = String::from_utf8(request).unwrap();
            let authorization = text.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
            assert_eq!(authorization, of_the_library(body, token, &who, at(seconds)));
        }
    }
}
