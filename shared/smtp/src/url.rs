//! `smtp://user:password@host:port` -> [`ServerConfig`].
//!
//! Strict, because a typo here shows only when mail is sent. Errors never repeat any part of the
//! URL: it holds a password.

use std::net::Ipv6Addr;

use crate::config::{Credentials, Mechanism, ServerConfig};

/// The port of `smtp://` without one (RFC 5321 4.5.4.2).
const DEFAULT_PORT: u16 = 25;

/// Why a URL does not name an SMTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("an SMTP server's URL starts with smtp://")]
    Scheme,
    /// `smtps://`.
    #[error("smtps:// is not supported yet: this version has no TLS, use smtp://")]
    TlsNotSupported,
    /// A path, a query or a fragment.
    #[error("nothing may follow the port; write /, ? and # in a user name or password as %2F, %3F and %23")]
    Trailing,
    /// `user@host`.
    #[error("a user name needs a password: smtp://user:password@host")]
    NoPassword,
    /// `:password@host`.
    #[error("the user name before the password is empty")]
    NoUser,
    /// A `%` that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("user name and password must be percent-encoded UTF-8; write a % as %25")]
    PercentEncoding,
    /// Line breaks, NUL and the like.
    #[error("user name and password must not contain control characters")]
    ControlCharacter,
    /// `smtp://` or `smtp://:25`.
    #[error("the host name is missing")]
    NoHost,
    /// A character that host names do not have.
    #[error("the host must be a name, an IPv4 address, or an IPv6 address in brackets")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
}

/// See [`ServerConfig::from_url`].
pub(crate) fn parse(url: &str) -> Result<ServerConfig, UrlError> {
    let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
    match scheme.to_ascii_lowercase().as_str() {
        "smtp" => {}
        "smtps" => return Err(UrlError::TlsNotSupported),
        _ => return Err(UrlError::Scheme),
    }

    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err(UrlError::Trailing);
    }
    // The last `@`: people forget to encode the one in a user name that is an address.
    let (user_info, address) = match authority.rsplit_once('@') {
        Some((user_info, address)) => (Some(user_info), address),
        None => (None, authority),
    };
    let (host, port) = host_and_port(address)?;

    let mut config = ServerConfig::new(host, port);
    config.credentials = user_info.map(credentials).transpose()?;
    Ok(config)
}

fn credentials(user_info: &str) -> Result<Credentials, UrlError> {
    let (user, password) = user_info.split_once(':').ok_or(UrlError::NoPassword)?;
    if user.is_empty() {
        return Err(UrlError::NoUser);
    }
    if password.is_empty() {
        return Err(UrlError::NoPassword);
    }
    Ok(Credentials { user: decode(user)?, password: decode(password)?, mechanism: Mechanism::Any })
}

fn host_and_port(address: &str) -> Result<(&str, u16), UrlError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(UrlError::Host)?;
            host.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
            (host, port)
        }
        None => {
            let (host, port) = address.split_at(address.find(':').unwrap_or(address.len()));
            check_name(host)?;
            (host, port)
        }
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, DEFAULT_PORT)),
        None => Err(UrlError::Host),
        Some(digits) => Ok((host, port_number(digits)?)),
    }
}

fn check_name(host: &str) -> Result<(), UrlError> {
    if host.is_empty() {
        return Err(UrlError::NoHost);
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if host.bytes().all(allowed) { Ok(()) } else { Err(UrlError::Host) }
}

fn port_number(digits: &str) -> Result<u16, UrlError> {
    // `u16::from_str` would also take a plus sign.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse() {
        Ok(port) if plain && port != 0 => Ok(port),
        _ => Err(UrlError::Port),
    }
}

fn decode(text: &str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(UrlError::PercentEncoding);
        };
        bytes.push((high * 16 + low) as u8);
    }

    let decoded = String::from_utf8(bytes).map_err(|_| UrlError::PercentEncoding)?;
    if decoded.chars().any(char::is_control) {
        return Err(UrlError::ControlCharacter);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(url: &str) -> (String, u16, Option<(String, String)>) {
        let config = parse(url).unwrap();
        (config.host, config.port, config.credentials.map(|c| (c.user, c.password)))
    }

    #[test]
    fn all_parts_are_read() {
        let login = Some(("user".to_owned(), "pass".to_owned()));
        assert_eq!(parts("smtp://user:pass@mail.test:2525"), ("mail.test".into(), 2525, login.clone()));
        assert_eq!(parts("SMTP://user:pass@mail.test/"), ("mail.test".into(), 25, login));
        assert_eq!(parts("smtp://mail_relay-1"), ("mail_relay-1".into(), 25, None));
        assert_eq!(parts("smtp://[::1]:1025"), ("::1".into(), 1025, None));
    }

    #[test]
    fn user_and_password_are_percent_decoded() {
        let (_, _, login) = parts("smtp://me%40shop.test:p%25%3A%2f%C3%A4:x@mail.test");
        assert_eq!(login, Some(("me@shop.test".into(), "p%:/ä:x".into())));
    }

    #[test]
    fn an_unencoded_at_sign_in_the_user_name_is_understood() {
        let (host, _, login) = parts("smtp://me@shop.test:pass@mail.test");
        assert_eq!((host, login), ("mail.test".into(), Some(("me@shop.test".into(), "pass".into()))));
    }

    #[test]
    fn every_wrong_form_has_its_own_sentence() {
        let table = [
            ("", UrlError::Scheme),
            ("mail.test:25", UrlError::Scheme),
            ("http://mail.test", UrlError::Scheme),
            ("smtps://mail.test", UrlError::TlsNotSupported),
            ("smtp://mail.test/path", UrlError::Trailing),
            ("smtp://mail.test?tls=no", UrlError::Trailing),
            ("smtp://user@mail.test", UrlError::NoPassword),
            ("smtp://user:@mail.test", UrlError::NoPassword),
            ("smtp://:pass@mail.test", UrlError::NoUser),
            ("smtp://user:100%@mail.test", UrlError::PercentEncoding),
            ("smtp://user:%ff@mail.test", UrlError::PercentEncoding),
            ("smtp://user:%0d%0a@mail.test", UrlError::ControlCharacter),
            ("smtp://", UrlError::NoHost),
            ("smtp://:25", UrlError::NoHost),
            ("smtp://mail test", UrlError::Host),
            ("smtp://[::1", UrlError::Host),
            ("smtp://[::1]25", UrlError::Host),
            ("smtp://[mail.test]", UrlError::Host),
            ("smtp://::1", UrlError::NoHost),
            ("smtp://mail.test:", UrlError::Port),
            ("smtp://mail.test:0", UrlError::Port),
            ("smtp://mail.test:+25", UrlError::Port),
            ("smtp://mail.test:65536", UrlError::Port),
        ];
        for (url, error) in table {
            assert_eq!(parse(url), Err(error), "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_credentials_survive_percent_encoding(user in "[^\\pC]{1,20}", password in "[^\\pC]{1,20}") {
            let encode = |s: &str| s.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
            let (_, _, login) = parts(&format!("smtp://{}:{}@mail.test", encode(&user), encode(&password)));
            prop_assert_eq!(login, Some((user, password)));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(smtp://)?.{0,40}") {
            let _ = parse(&text);
        }
    }
}
