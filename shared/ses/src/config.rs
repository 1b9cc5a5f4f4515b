//! What a caller says about SES.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What tells the time of a signature.
pub(crate) type Now = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// One Region's SES and how to treat it.
#[derive(Clone)]
pub struct SesConfig {
    /// The Region, as `eu-central-1`.
    pub region: String,
    /// `https://host[:port]` or `http://host[:port]` instead of the Region's own endpoint.
    pub endpoint: Option<String>,
    /// Who asks. Asked for each request, so one that is slow has to remember its answer.
    pub credentials: SharedCredentialsProvider,
    /// The clock. AWS refuses a signature that is more than five minutes off.
    pub now: Now,
    /// Open connections at most, idle ones included; 0 counts as 1. Default 16.
    pub max_conns: usize,
    /// An unused connection is closed after this time. Default 20 s; it has to be below the server's own, of which
    /// AWS says nothing (its load balancers close after 60 s).
    pub idle_timeout: Duration,
    /// One call may take this long, the wait for a connection included; its request must be out after three
    /// quarters, so that there is time to hear the answer. Default 10 s.
    pub timeout: Duration,
    /// How long [`Client::known_account`](crate::Client::known_account) believes an answer. Default 5 min; SES raises
    /// and lowers quotas rarely, and takes one question per second from all processes together.
    pub account_age: Duration,
    /// Whose certificates are trusted. Default [`Roots::Native`].
    pub roots: Roots,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, Default)]
pub enum Roots {
    /// The machine's own, or those of `SSL_CERT_FILE`.
    #[default]
    Native,
    /// These alone, in PEM.
    Pem(Vec<u8>),
    /// These alone, parsed already: the machine's 150 take milliseconds.
    Parsed(Arc<RootCertStore>),
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is not `https://host[:port]`, or the Region is none.
    #[error("the endpoint of SES should be https://host[:port]")]
    Endpoint,
    /// There is none, or none can be read.
    #[error("no trusted root certificates could be read")]
    Roots,
    /// The TLS library refuses its settings.
    #[error("TLS could not be set up")]
    Tls(#[source] tokio_rustls::rustls::Error),
}

impl SesConfig {
    /// The Region's own endpoint, and defaults for the rest.
    pub fn new(
        region: impl Into<String>,
        credentials: impl ProvideCredentials + 'static,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        Self {
            region: region.into(),
            endpoint: None,
            credentials: SharedCredentialsProvider::new(credentials),
            now: Arc::new(now),
            max_conns: 16,
            idle_timeout: Duration::from_secs(20),
            timeout: Duration::from_secs(10),
            account_age: Duration::from_secs(300),
            roots: Roots::Native,
        }
    }
}

impl fmt::Debug for SesConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesConfig")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .field("max_conns", &self.max_conns)
            .field("idle_timeout", &self.idle_timeout)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl Roots {
    /// What makes TLS sessions. Made once per client, so that its connections share session tickets.
    pub(crate) fn connector(&self) -> Result<TlsConnector, ConfigError> {
        let store = self.store();
        if store.is_empty() {
            return Err(ConfigError::Roots);
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(ConfigError::Tls)?.with_root_certificates(store).with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    fn store(&self) -> Arc<RootCertStore> {
        let certificates = match self {
            Self::Native => rustls_native_certs::load_native_certs().certs,
            Self::Pem(pem) => CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect(),
            Self::Parsed(store) => return Arc::clone(store),
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates);
        Arc::new(store)
    }
}
