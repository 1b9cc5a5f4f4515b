//! A mail server of the settings, as the SMTP client wants it.

use std::time::Duration;

use fanmail_domain::length;
use fanmail_domain::servers::{AuthProtocol, MailServer, TlsType};
use fanmail_smtp::{Credentials, Mechanism, ServerConfig, Tls};

/// The client's settings for `server`. `password` is what its reference led to.
///
/// Time-outs of the single steps stay the client's own; lengths of time that cannot be read (the settings
/// refuse them) stay its defaults.
#[must_use]
pub fn server_config(server: &MailServer, password: Option<String>) -> ServerConfig {
    let mut config = ServerConfig::new(server.host.clone(), server.port);
    config.tls = tls(server.tls_type);
    config.verify_certificate = !server.tls_skip_verify;
    config.credentials = mechanism(server.auth_protocol).map(|mechanism| Credentials {
        user: server.username.clone(),
        password: password.unwrap_or_default(),
        mechanism,
    });
    if !server.hello_hostname.is_empty() {
        config.hello.clone_from(&server.hello_hostname);
    }
    config.max_conns = server.max_conns as usize;
    config.idle_timeout = time(&server.idle_timeout).unwrap_or(config.idle_timeout);
    config.timeouts.wait = time(&server.wait_timeout).unwrap_or(config.timeouts.wait);
    config
}

fn time(text: &str) -> Option<Duration> {
    length::seconds(text).map(u64::from).map(Duration::from_secs)
}

fn tls(wanted: TlsType) -> Tls {
    match wanted {
        TlsType::None => Tls::Off,
        TlsType::Opportunistic => Tls::Opportunistic,
        TlsType::StartTls => Tls::Required,
        TlsType::Tls => Tls::Implicit,
    }
}

fn mechanism(wanted: AuthProtocol) -> Option<Mechanism> {
    match wanted {
        AuthProtocol::None => None,
        AuthProtocol::Plain => Some(Mechanism::Plain),
        AuthProtocol::Login => Some(Mechanism::Login),
        AuthProtocol::Cram => Some(Mechanism::CramMd5),
        AuthProtocol::XOAuth2 => Some(Mechanism::XOAuth2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reaches_the_client() {
        let server = MailServer {
            host: "mx.test".into(),
            port: 465,
            hello_hostname: "news.acme.example".into(),
            auth_protocol: AuthProtocol::Cram,
            username: "fan".into(),
            max_conns: 4,
            idle_timeout: "1m".into(),
            wait_timeout: "7s".into(),
            tls_type: TlsType::Tls,
            tls_skip_verify: true,
            ..MailServer::default()
        };
        let config = server_config(&server, Some("geheim".into()));
        let credentials = config.credentials.clone().unwrap();
        assert_eq!(
            (config.host.as_str(), config.port, config.hello.as_str()),
            ("mx.test", 465, "news.acme.example")
        );
        assert_eq!((config.tls, config.verify_certificate, config.max_conns), (Tls::Implicit, false, 4));
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("fan", "geheim"));
        assert_eq!(credentials.mechanism, Mechanism::CramMd5);
        assert_eq!((config.idle_timeout.as_secs(), config.timeouts.wait.as_secs()), (60, 7));
    }

    #[test]
    fn without_authentication_there_are_no_credentials() {
        let server = MailServer { auth_protocol: AuthProtocol::None, ..MailServer::default() };
        let config = server_config(&server, None);
        assert_eq!(
            (config.credentials, config.hello.as_str(), config.tls),
            (None, "localhost", Tls::Required)
        );
    }
}
