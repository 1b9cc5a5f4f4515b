//! "Does this server take mail from us?", answered in one sentence.

use std::fmt;
use std::io;

use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::outcome::Phase;
use crate::pool::Pool;
use crate::session::ConnectError;
use crate::tls;

/// Why the server cannot be used; `Display` is one sentence for the person who configures it.
#[derive(Debug)]
pub struct ProbeError {
    server: String,
    error: ConnectError,
}

impl ProbeError {
    pub(crate) fn new(config: &ServerConfig, error: ConnectError) -> Self {
        Self { server: format!("{}:{}", config.host, config.port), error }
    }

    /// Which step failed.
    pub fn phase(&self) -> Phase {
        self.error.phase
    }

    /// What happened.
    pub fn failure(&self) -> &Failure {
        &self.error.why
    }
}

impl Pool {
    /// Connects, reads the greeting, says EHLO and authenticates, on a fresh connection that the next message then uses.
    ///
    /// # Errors
    ///
    /// [`ProbeError`], whose text tells a person what is wrong.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        self.try_connection().await.map_err(|error| ProbeError::new(self.config(), error))
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, error: ConnectError { phase, why } } = self;
        match (phase, why) {
            (_, Failure::Resolve(_)) => write!(f, "the host name of {server} could not be resolved"),
            (_, Failure::Connect(err)) if err.kind() == io::ErrorKind::ConnectionRefused => {
                write!(f, "{server} refuses connections: nothing listens on that port, or a firewall says no")
            }
            (_, Failure::Connect(_)) => write!(f, "{server} cannot be reached"),
            (Phase::Connect, Failure::TimedOut(limit)) => {
                write!(f, "{server} did not answer the connection attempt within {} ms", limit.as_millis())
            }
            (Phase::Greeting, Failure::Reply(reply)) => {
                write!(f, "{server} refuses service: it greets with {reply}")
            }
            (Phase::Greeting, Failure::Protocol(_)) => {
                write!(f, "what listens at {server} does not speak SMTP, or expects TLS from the start")
            }
            (Phase::Greeting, Failure::TimedOut(limit)) => {
                write!(
                    f,
                    "{server} sent no greeting within {} ms: it is slow, or expects TLS from the start",
                    limit.as_millis()
                )
            }
            (Phase::Tls, Failure::NoTls) => {
                write!(f, "{server} does not offer STARTTLS, but the settings require it")
            }
            (Phase::Tls, Failure::Reply(reply)) => write!(f, "{server} refuses STARTTLS: {reply}"),
            (_, Failure::Tls(err)) if tls::is_not_tls(err) => {
                write!(f, "what listens at {server} does not speak TLS from the start")
            }
            (_, Failure::Tls(err)) => write!(f, "no encrypted connection to {server} came about: {err}"),
            (Phase::Auth, Failure::Reply(reply)) if reply.class() == 5 => {
                write!(f, "{server} refused the credentials: {reply}")
            }
            (Phase::Auth, Failure::Reply(reply)) => {
                write!(f, "{server} cannot check the credentials now: {reply}")
            }
            (Phase::Auth, Failure::NoMechanism { .. }) => {
                write!(f, "credentials are configured for {server}, but {why}")
            }
            (phase, why) => write!(f, "{server} failed at {phase}: {why}"),
        }
    }
}

impl std::error::Error for ProbeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
