//! Where requests go: `https://host[:port]`, or `http://` for a server on the same machine.

use crate::config::ConfigError;

/// A parsed endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Name or address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
    /// What the Host header says: the port only where it is not the scheme's own.
    pub(crate) authority: String,
}

impl Endpoint {
    /// SES's own endpoint in a Region ("Amazon Simple Email Service endpoints", AWS general reference).
    pub(crate) fn of_region(region: &str) -> Result<Self, ConfigError> {
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self::parse(&format!("https://email.{region}.{suffix}"))
    }

    /// Reads an URL without a path.
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(ConfigError::Endpoint),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let own_port = if tls { 443 } else { 80 };
        let (host, port) = split_port(rest, own_port)?;
        let authority = if port == own_port { host.to_owned() } else { format!("{host}:{port}") };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port, tls, authority })
    }
}

fn split_port(text: &str, own_port: u16) -> Result<(&str, u16), ConfigError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| ConfigError::Endpoint)?)
        }
        _ => (text, own_port),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_address = bare.len() + 2 == host.len() && bare.contains(':');
    let is_name = bare == host && bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    if bare.is_empty() || !(is_address || is_name) { Err(ConfigError::Endpoint) } else { Ok((host, port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_perhaps_a_port() {
        for (url, host, port, tls, authority) in [
            (
                "https://email.eu-west-1.amazonaws.com",
                "email.eu-west-1.amazonaws.com",
                443,
                true,
                "email.eu-west-1.amazonaws.com",
            ),
            ("https://ses.test:8443/", "ses.test", 8443, true, "ses.test:8443"),
            ("http://127.0.0.1:9000", "127.0.0.1", 9000, false, "127.0.0.1:9000"),
            ("http://localhost", "localhost", 80, false, "localhost"),
            ("http://[::1]:9000", "::1", 9000, false, "[::1]:9000"),
            ("http://[::1]", "::1", 80, false, "[::1]"),
        ] {
            let expected = Endpoint { host: host.into(), port, tls, authority: authority.into() };
            assert_eq!(Endpoint::parse(url).ok(), Some(expected), "{url}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "email.test",
            "ftp://email.test",
            "https://",
            "http://a:b",
            "http://a/b",
            "http://a b",
            "http://a\r\nb",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url:?}");
        }
        assert!(Endpoint::of_region("eu-west-1\r\nX: y").is_err());
    }

    #[test]
    fn regions_in_china_have_their_own_domain() {
        let host = |region| Endpoint::of_region(region).map(|endpoint| endpoint.host).unwrap_or_default();
        assert_eq!(host("eu-central-1"), "email.eu-central-1.amazonaws.com");
        assert_eq!(host("cn-north-1"), "email.cn-north-1.amazonaws.com.cn");
    }
}
