//! TLS by rustls: whose certificates are good, the handshake, and looking at an idle connection.
//!
//! - A certificate is good when it is for the server's name and signed, perhaps through others, by one of
//!   the [`Roots`]. Revocation is not asked for.
//! - What a handshake needs is expensive to make (reading the system's roots takes milliseconds), so it is made at
//!   the first handshake and shared by all clones of its [`Roots`]; with it the tickets by which later
//!   connections resume a session, at about half the price (RFC 8446 section 2.2).
//! - After a handshake of TLS 1.3 the server sends tickets unasked, and later new keys perhaps. They say
//!   nothing about SMTP, so an idle connection is looked at *inside* TLS: what is there is read without
//!   waiting, and only content, an alert or the end make it noisy.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::ServerConfig;
use crate::failure::Failure;

/// Who may sign a server's certificate: everybody the system trusts, and perhaps some more.
///
/// Clones share what handshakes need, and the tickets to resume sessions: make one and clone it where several
/// servers trust the same.
#[derive(Clone, Default)]
pub struct Roots {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    more: Vec<CertificateDer<'static>>,
    verifying: OnceLock<Arc<ClientConfig>>,
    /// Apart from the other: a session that was never verified must not be resumed by a connection that verifies.
    trusting: OnceLock<Arc<ClientConfig>>,
}

/// Why a text holds no root certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootsError {
    /// Not one `BEGIN CERTIFICATE`.
    #[error("the text holds no certificate in PEM form")]
    Empty,
    /// Cut short, or not a certificate inside.
    #[error("a certificate in the text is damaged")]
    Damaged,
}

impl Roots {
    /// The system's roots and those in `pem`, for relays that sign for themselves.
    ///
    /// # Errors
    ///
    /// [`RootsError`] if there is no certificate in the text, or a damaged one.
    pub fn and(pem: &[u8]) -> Result<Self, RootsError> {
        let more: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let more = more.map_err(|_| RootsError::Damaged)?;
        if more.is_empty() {
            return Err(RootsError::Empty);
        }
        let mut store = RootCertStore::empty();
        for certificate in &more {
            store.add(certificate.clone()).map_err(|_| RootsError::Damaged)?;
        }
        Ok(Self { shared: Arc::new(Shared { more, ..Shared::default() }) })
    }

    fn client_config(&self, verify: bool) -> Arc<ClientConfig> {
        let Shared { more, verifying, trusting } = &*self.shared;
        let made = if verify { verifying } else { trusting };
        Arc::clone(
            made.get_or_init(|| Arc::new(if verify { verifying_config(more) } else { trusting_config() })),
        )
    }
}

impl PartialEq for Roots {
    fn eq(&self, other: &Self) -> bool {
        self.shared.more == other.shared.more
    }
}

impl Eq for Roots {}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots(the system's and {} more)", self.shared.more.len())
    }
}

/// Makes `tcp` a TLS connection to the server of `config`.
pub(crate) async fn handshake(
    tcp: TcpStream,
    config: &ServerConfig,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(config.host.clone())
        .map_err(|err| Failure::Tls(io::Error::new(io::ErrorKind::InvalidInput, err)))?;
    let connector = TlsConnector::from(config.roots.client_config(config.verify_certificate));
    match timeout(limit, connector.connect(name, tcp)).await {
        Ok(result) => result.map_err(Failure::Tls),
        Err(_) => Err(Failure::TimedOut(limit)),
    }
}

/// Version and cipher suite in one line, as rustls names them.
pub(crate) fn description(tls: &TlsStream<TcpStream>) -> String {
    let session = tls.get_ref().1;
    match (session.protocol_version(), session.negotiated_cipher_suite()) {
        (Some(version), Some(suite)) => format!("{version:?} with {:?}", suite.suite()),
        _ => "TLS without a cipher suite".to_owned(),
    }
}

/// The peer speaks, but not TLS.
pub(crate) fn is_not_tls(err: &io::Error) -> bool {
    let inner = err.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(rustls::Error::InvalidMessage(_)))
}

/// Nothing of the peer's waits to be read, neither content nor an end. Reads what the kernel has without waiting and
/// without tokio's idea of readiness, which is out of date right after a frozen process thaws.
pub(crate) fn is_quiet(tls: &mut TlsStream<TcpStream>) -> bool {
    let (tcp, session) = tls.get_mut();
    let socket = SockRef::from(&*tcp);
    let mut socket: &Socket = &socket;
    loop {
        match session.process_new_packets() {
            Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
            Ok(_) | Err(_) => return false,
        }
        match session.read_tls(&mut socket) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(err) => return err.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

fn verifying_config(more: &[CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // Systems carry certificates that webpki cannot read; what is missing shows as an unknown issuer.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots.add_parsable_certificates(more.iter().cloned());
    builder().with_root_certificates(roots).with_no_client_auth()
}

fn trusting_config() -> ClientConfig {
    let anybody = Anybody(ring::default_provider());
    builder().dangerous().with_custom_certificate_verifier(Arc::new(anybody)).with_no_client_auth()
}

fn builder() -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for TLS 1.2 and 1.3")
}

/// Takes every certificate; that the peer holds its key is still checked.
#[derive(Debug)]
struct Anybody(CryptoProvider);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
