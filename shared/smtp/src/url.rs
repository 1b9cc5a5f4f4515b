//! `smtp://user:password@host:port?tls=required` -> [`ServerConfig`].
//!
//! | | |
//! |---|---|
//! | `smtp://` | port 25; TLS as the parameter `tls` says, otherwise none |
//! | `smtps://` | port 465; TLS from the first byte |
//! | `tls=off`, `opportunistic`, `required` | STARTTLS: never, where it is offered, or nothing is sent |
//! | `verify=yes`, `no` | whether the server's certificate must be good |
//! | `auth=plain`, `login`, `cram-md5`, `xoauth2` | that mechanism and no other |
//!
//! Strict, because a typo here shows only when mail is sent. Errors never repeat any part of the
//! URL: it holds a password.

use std::net::Ipv6Addr;

use crate::config::{Credentials, Mechanism, ServerConfig, Tls};

/// The port of `smtp://` without one (RFC 5321 4.5.4.2).
const DEFAULT_PORT: u16 = 25;

/// The port of `smtps://` without one (RFC 8314 section 3.3).
const DEFAULT_TLS_PORT: u16 = 465;

/// Why a URL does not name an SMTP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Another scheme, or none.
    #[error("an SMTP server's URL starts with smtp:// or smtps://")]
    Scheme,
    /// A path, a fragment, or an `@` behind a question mark.
    #[error(
        "nothing but ? and parameters may follow the port; write /, ? and # in a user name or password as %2F, %3F and %23"
    )]
    Trailing,
    /// Something else than `tls=…`, `verify=…` and `auth=…`.
    #[error(
        "the parameters of an SMTP server's URL are tls, verify and auth, written as name=value and joined by &"
    )]
    Parameter,
    /// The same parameter again.
    #[error("a parameter is given twice")]
    Repeated,
    /// A value of `tls`.
    #[error("tls is one of off, opportunistic and required; for TLS from the first byte write smtps://")]
    Tls,
    /// `smtps://…?tls=…`.
    #[error("smtps:// is TLS from the first byte, so there is nothing for tls to choose")]
    TlsTwice,
    /// A value of `verify`.
    #[error("verify is yes or no")]
    Verify,
    /// A value of `auth`.
    #[error("auth is one of plain, login, cram-md5 and xoauth2")]
    Auth,
    /// `auth=…` without credentials.
    #[error("auth needs a user name and a password: smtp://user:password@host?auth=…")]
    AuthWithoutUser,
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
    let (tls, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "smtp" => (Tls::Off, DEFAULT_PORT),
        "smtps" => (Tls::Implicit, DEFAULT_TLS_PORT),
        _ => return Err(UrlError::Scheme),
    };
    let (location, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = location.strip_suffix('/').unwrap_or(location);
    if authority.contains(['/', '#']) || parameters.contains(['@', '#', '/']) {
        return Err(UrlError::Trailing);
    }

    // The last `@`: people forget to encode the one in a user name that is an address.
    let (user_info, address) = match authority.rsplit_once('@') {
        Some((user_info, address)) => (Some(user_info), address),
        None => (None, authority),
    };
    let (host, port) = host_and_port(address, default_port)?;

    let mut config = ServerConfig::new(host, port);
    config.tls = tls;
    config.credentials = user_info.map(credentials).transpose()?;
    apply_parameters(&mut config, parameters)?;
    Ok(config)
}

fn apply_parameters(config: &mut ServerConfig, parameters: &str) -> Result<(), UrlError> {
    let mut seen = Vec::new();
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or(UrlError::Parameter)?;
        if seen.contains(&name) {
            return Err(UrlError::Repeated);
        }
        seen.push(name);
        match name {
            "tls" if config.tls == Tls::Implicit => return Err(UrlError::TlsTwice),
            "tls" => config.tls = tls(value)?,
            "verify" => config.verify_certificate = verify(value)?,
            "auth" => {
                let credentials = config.credentials.as_mut().ok_or(UrlError::AuthWithoutUser)?;
                credentials.mechanism = mechanism(value)?;
            }
            _ => return Err(UrlError::Parameter),
        }
    }
    Ok(())
}

fn tls(value: &str) -> Result<Tls, UrlError> {
    match value {
        "off" => Ok(Tls::Off),
        "opportunistic" => Ok(Tls::Opportunistic),
        "required" => Ok(Tls::Required),
        _ => Err(UrlError::Tls),
    }
}

fn verify(value: &str) -> Result<bool, UrlError> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(UrlError::Verify),
    }
}

fn mechanism(value: &str) -> Result<Mechanism, UrlError> {
    match value {
        "plain" => Ok(Mechanism::Plain),
        "login" => Ok(Mechanism::Login),
        "cram-md5" => Ok(Mechanism::CramMd5),
        "xoauth2" => Ok(Mechanism::XOAuth2),
        _ => Err(UrlError::Auth),
    }
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

fn host_and_port(address: &str, default_port: u16) -> Result<(&str, u16), UrlError> {
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
        None if port.is_empty() => Ok((host, default_port)),
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
    fn scheme_and_parameters_choose_encryption_and_mechanism() {
        let read = |url: &str| {
            let config = parse(url).unwrap();
            (config.port, config.tls, config.verify_certificate, config.credentials.map(|c| c.mechanism))
        };
        let table = [
            ("smtp://mx", (25, Tls::Off, true, None)),
            ("smtps://mx", (465, Tls::Implicit, true, None)),
            ("SMTPS://mx:2465/", (2465, Tls::Implicit, true, None)),
            ("smtp://mx?", (25, Tls::Off, true, None)),
            ("smtp://mx?tls=off", (25, Tls::Off, true, None)),
            ("smtp://mx:587/?tls=required", (587, Tls::Required, true, None)),
            ("smtp://mx?tls=opportunistic&verify=no", (25, Tls::Opportunistic, false, None)),
            ("smtps://mx?verify=yes", (465, Tls::Implicit, true, None)),
            ("smtp://u:p@mx", (25, Tls::Off, true, Some(Mechanism::Any))),
            ("smtp://u:p@mx?auth=plain", (25, Tls::Off, true, Some(Mechanism::Plain))),
            ("smtp://u:p@mx?auth=login", (25, Tls::Off, true, Some(Mechanism::Login))),
            ("smtp://u:p@mx?auth=cram-md5", (25, Tls::Off, true, Some(Mechanism::CramMd5))),
            ("smtps://u:p@mx?auth=xoauth2", (465, Tls::Implicit, true, Some(Mechanism::XOAuth2))),
        ];
        for (url, expected) in table {
            assert_eq!(read(url), expected, "{url}");
        }
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
            ("smtp://mail.test/path", UrlError::Trailing),
            ("smtp://user:a?b@mail.test", UrlError::Trailing),
            ("smtp://mail.test#x", UrlError::Trailing),
            ("smtp://mail.test?tls=off#x", UrlError::Trailing),
            ("smtp://mail.test?tls", UrlError::Parameter),
            ("smtp://mail.test?timeout=1", UrlError::Parameter),
            ("smtp://mail.test?TLS=off", UrlError::Parameter),
            ("smtp://mail.test?tls=off&tls=required", UrlError::Repeated),
            ("smtp://mail.test?tls=no", UrlError::Tls),
            ("smtp://mail.test?tls=implicit", UrlError::Tls),
            ("smtps://mail.test?tls=required", UrlError::TlsTwice),
            ("smtp://mail.test?verify=false", UrlError::Verify),
            ("smtp://u:p@mail.test?auth=PLAIN", UrlError::Auth),
            ("smtp://mail.test?auth=plain", UrlError::AuthWithoutUser),
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
        fn arbitrary_text_never_panics(text in "(smtps?://)?.{0,40}") {
            let _ = parse(&text);
        }
    }
}
