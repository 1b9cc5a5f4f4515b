//! The `Authorization` header: listmonk's `token name:token`, or HTTP Basic (RFC 7617) with the token as the password.
//!
//! Names of schemes are compared without case (RFC 9110, section 11.1). What cannot be a token is refused here, before
//! anybody looks for it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fanmail_domain::{ApiToken, TokenName};

use super::refused;
use crate::response::ApiError;

/// Who the caller says it is, and what it shows.
pub(super) fn credentials(header: &str) -> Result<(TokenName, ApiToken), ApiError> {
    let header = header.trim();
    if header.is_empty() {
        let how = "this needs an API token: send the header `Authorization: token name:token`";
        return Err(ApiError::Refused(403, how.to_owned()));
    }
    let (scheme, value) = header.split_once(' ').unwrap_or((header, ""));
    let pair = match scheme.to_ascii_lowercase().as_str() {
        "token" => Some(value.trim().to_owned()),
        "basic" => basic(value.trim()),
        _ => return Err(ApiError::Refused(403, "unknown Authorization scheme".to_owned())),
    };
    pair.as_deref().and_then(read).ok_or_else(refused)
}

fn basic(value: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()
}

fn read(pair: &str) -> Option<(TokenName, ApiToken)> {
    let (name, token) = pair.split_once(':')?;
    Some((name.parse().ok()?, ApiToken::parse(token)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_in_any_case_of_their_scheme() {
        let token = ApiToken::from_bytes([7; 32]);
        let pair = format!("deploy:{}", token.reveal());
        let basic = BASE64_STANDARD.encode(&pair);
        for header in [
            format!("token {pair}"),
            format!(" Token  {pair} "),
            format!("Basic {basic}"),
            format!("basic {basic}"),
        ] {
            let (name, shown) = credentials(&header).unwrap();
            assert!((name.as_str(), shown.reveal()) == ("deploy", token.reveal()), "{header}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_403_and_never_repeated() {
        let secret = ApiToken::from_bytes([7; 32]).reveal().to_owned();
        let (basic, no_text) = (BASE64_STANDARD.encode("deploy"), BASE64_STANDARD.encode([0xff, 0xfe]));
        for header in [
            "",
            " ",
            "token",
            "token deploy",
            "token deploy:",
            "token :x",
            "Basic %%%",
            "Bearer x",
            &format!("Basic {basic}"),
            &format!("Basic {no_text}"),
            &format!("token de:{secret}"),
            &format!("token deploy:{secret},token deploy:{secret}"),
            &format!("token{secret}"),
            &format!("Bearer {secret}"),
        ] {
            let Err(ApiError::Refused(403, message)) = credentials(header) else {
                panic!("{header} is taken")
            };
            assert!(!message.contains(&secret), "{message}");
        }
    }
}
