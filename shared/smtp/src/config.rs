//! What a caller says about one SMTP server.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::timeouts::Timeouts;
use crate::tls::Roots;
use crate::url::{self, UrlError};

/// One SMTP server (a relay or smart host) and how to treat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port; 25 by default.
    pub port: u16,
    /// Whether and when the connection is encrypted. Default [`Tls::Off`].
    pub tls: Tls,
    /// Whether the server's certificate must be good for its name. Default yes; without it anybody on the way can
    /// read along.
    pub verify_certificate: bool,
    /// Who may sign that certificate. Default the system's roots.
    pub roots: Roots,
    /// User and password for AUTH; `None` sends without.
    pub credentials: Option<Credentials>,
    /// What EHLO says (RFC 5321 4.1.1.1: a full host name or an address literal). Default `localhost`.
    pub hello: String,
    /// Open connections at most, idle ones included; 0 counts as 1. Default 10.
    pub max_conns: usize,
    /// An unused connection is closed after this time. Default 60 s; keep it below the server's own
    /// (RFC 5321 4.5.3.2.7 asks servers for 5 minutes).
    pub idle_timeout: Duration,
    /// A connection is replaced after this many messages; 0 counts as 1. Default 100.
    pub max_messages_per_connection: u32,
    /// Whether a message may travel with its commands, by BDAT, where the server offers PIPELINING and CHUNKING
    /// (RFC 3030): one round trip instead of two where no other message goes before it. A connection lost meanwhile
    /// leaves it in doubt then, whichever reply was missing. Default yes.
    pub chunking: bool,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl ServerConfig {
    /// A server without credentials and with defaults for the rest.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            tls: Tls::Off,
            verify_certificate: true,
            roots: Roots::default(),
            credentials: None,
            hello: "localhost".to_owned(),
            max_conns: 10,
            idle_timeout: Duration::from_secs(60),
            max_messages_per_connection: 100,
            chunking: true,
            timeouts: Timeouts::default(),
        }
    }

    /// Whoever listens on the way may learn the password: there are credentials, TLS is off or can be taken away, and
    /// the mechanism may be one that shows them. Fine on the same machine; a caller should warn elsewhere.
    pub fn sends_password_in_clear(&self) -> bool {
        let can_be_clear = matches!(self.tls, Tls::Off | Tls::Opportunistic);
        let shows = |credentials: &Credentials| credentials.mechanism != Mechanism::CramMd5;
        can_be_clear && self.credentials.as_ref().is_some_and(shows)
    }

    /// Reads `smtp://user:password@host:port?tls=…&verify=…&auth=…`, or `smtps://` for TLS from the first byte. User and
    /// password are percent-decoded; they and the port (25, or 465) may be left out.
    ///
    /// `tls` is `off`, `opportunistic` or `required`, `verify` (the certificate) `yes` or `no`, `auth` one of `plain`,
    /// `login`, `cram-md5` and `xoauth2`. Without them: no encryption for `smtp://`, the certificate is verified where there
    /// is one, and the server's offer decides the mechanism.
    ///
    /// # Errors
    ///
    /// [`UrlError`], which says in one sentence what is wrong and never repeats the URL.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        url::parse(url)
    }
}

impl FromStr for ServerConfig {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        Self::from_url(url)
    }
}

/// Whether and when a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// Never: for servers on the same machine or network.
    #[default]
    Off,
    /// STARTTLS where the server offers it (RFC 3207). Whoever can change what travels can take the offer away.
    Opportunistic,
    /// STARTTLS, or nothing is sent.
    Required,
    /// From the first byte (RFC 8314 section 3.3, port 465).
    Implicit,
}

/// How AUTH proves who we are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mechanism {
    /// The first that the server offers of PLAIN, LOGIN and CRAM-MD5.
    #[default]
    Any,
    /// PLAIN (RFC 4616).
    Plain,
    /// LOGIN (never standardised, offered by many).
    Login,
    /// CRAM-MD5 (RFC 2195).
    CramMd5,
    /// XOAUTH2 (Google's and Microsoft's): the password is an access token.
    XOAuth2,
}

impl fmt::Display for Mechanism {
    /// As EHLO names it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::XOAuth2 => "XOAUTH2",
        })
    }
}

/// Who the relay knows us as. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password, or the access token.
    pub password: String,
    /// How to prove it.
    pub mechanism: Mechanism,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("password", &"***")
            .field("mechanism", &self.mechanism)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_password() {
        let config = ServerConfig::from_url("smtp://fan:geheim@mail.test").unwrap();

        let text = format!("{config:?}");

        assert!(text.contains("fan") && !text.contains("geheim"), "{text}");
    }

    #[test]
    fn a_password_is_in_the_clear_unless_tls_is_sure_or_the_mechanism_hides_it() {
        let clear = |tls, mechanism| {
            let credentials = Some(Credentials { user: "u".into(), password: "p".into(), mechanism });
            ServerConfig { tls, credentials, ..ServerConfig::new("mail.test", 25) }.sends_password_in_clear()
        };
        for mechanism in [Mechanism::Any, Mechanism::Plain, Mechanism::Login, Mechanism::XOAuth2] {
            let found =
                [Tls::Off, Tls::Opportunistic, Tls::Required, Tls::Implicit].map(|tls| clear(tls, mechanism));
            assert_eq!(found, [true, true, false, false], "{mechanism}");
        }
        assert!(!clear(Tls::Off, Mechanism::CramMd5));
        assert!(!ServerConfig::new("mail.test", 25).sends_password_in_clear());
    }
}
