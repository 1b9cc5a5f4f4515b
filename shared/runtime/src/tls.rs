//! One HTTPS connector for all AWS clients of a process.
//!
//! Left alone, every client reads the system's certificates into a store of its own, once when it is made and once more
//! for its first request, and reads them twice over: the bundle, and a folder of the same certificates. That was more
//! than half of a function's CPU time before its first invocation (`fanmail-bench coldstart`). Here one bundle is
//! read, once, and all clients share the connector, and so their connections to the same host.
//!
//! Where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, where no bundle is at its usual place, or where something in it is no
//! certificate, the system's certificates are read as usual.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::aws::CONNECT_TIMEOUT;

/// Where systems keep the bundle: Amazon Linux, Debian and its kin.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// Variables that say where certificates are.
const PLACES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The connector behind every `https://` endpoint.
static HTTPS: LazyLock<SharedHttpConnector> = LazyLock::new(|| SharedHttpConnector::new(https()));

/// Read once, for all clients.
static TRUSTED: LazyLock<Option<Bundle>> = LazyLock::new(trusted);

/// The certificates of one file.
struct Bundle {
    pem: Vec<u8>,
    /// The same, parsed.
    roots: Arc<RootCertStore>,
}

/// A client for a service: at this endpoint, or at its own.
pub(crate) fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    if endpoint.is_some_and(|url| url.starts_with("http://")) {
        return Builder::new().build_http();
    }
    // Made now, while the process starts: on AWS it has more of a processor then than later.
    let connector = HTTPS.clone();
    http_client_fn(move |_, _| connector.clone())
}

/// What leads to a service at this URL; with `http://` no TLS, and no certificates to load.
pub(crate) fn connector(url: &str) -> SharedHttpConnector {
    if url.starts_with("http://") {
        return SharedHttpConnector::new(Connector::builder().build_http());
    }
    HTTPS.clone()
}

fn https() -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
    let builder = Connector::builder().connector_settings(settings);
    let builder = builder.tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(trust(TRUSTED.as_ref())).build() {
        Ok(context) => builder.tls_context(context).build(),
        Err(_) => builder.build(),
    }
}

/// Whom this process trusts, for who has a TLS client of its own. `None` where the system has to be asked: see above.
#[must_use]
pub fn roots() -> Option<Arc<RootCertStore>> {
    TRUSTED.as_ref().map(|bundle| Arc::clone(&bundle.roots))
}

/// What the system trusts, if it keeps a bundle where we look and the environment names no other place.
fn trusted() -> Option<Bundle> {
    let told = PLACES.iter().any(|name| std::env::var_os(name).is_some());
    if told { None } else { first_of(&BUNDLES) }
}

/// The first of these files that is there, if it is sound.
fn first_of(places: &[&str]) -> Option<Bundle> {
    let place = places.iter().map(Path::new).find(|path| path.is_file())?;
    Bundle::sound(std::fs::read(place).ok()?)
}

fn trust(bundle: Option<&Bundle>) -> TrustStore {
    bundle.map_or_else(TrustStore::default, |bundle| {
        TrustStore::empty().with_pem_certificate(bundle.pem.as_slice())
    })
}

impl Bundle {
    /// Takes a bundle of which everything can be used. The AWS clients panic otherwise.
    fn sound(pem: Vec<u8>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let usable = |found: Result<CertificateDer<'_>, _>| found.is_ok_and(|found| roots.add(found).is_ok());
        let is_sound = CertificateDer::pem_slice_iter(&pem).all(usable) && !roots.is_empty();
        is_sound.then(|| Self { pem, roots: Arc::new(roots) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::client::http::HttpConnector;
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_types::body::SdkBody;

    /// A certificate authority's certificate, made for this test and thrown away.
    const CERTIFICATE: &str = include_str!("tls/authority.pem");

    #[test]
    fn a_bundle_is_used_only_if_all_of_it_can_be() {
        let is_sound = |pem: &[u8]| Bundle::sound(pem.to_vec()).is_some();
        let cut = CERTIFICATE.replace("MII", "AAA");
        assert!(is_sound(CERTIFICATE.as_bytes()) && is_sound(CERTIFICATE.repeat(2).as_bytes()));
        assert!(!is_sound(cut.as_bytes()) && !is_sound(format!("{CERTIFICATE}{cut}").as_bytes()));
        assert!(!is_sound(b"") && !is_sound(b"no certificate"));
    }

    #[test]
    fn without_a_sound_bundle_the_system_is_asked() {
        let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/authority.pem");
        assert_eq!(first_of(&["/nowhere/bundle.crt", bundle]).unwrap().pem, CERTIFICATE.as_bytes());
        assert!(first_of(&["/nowhere/bundle.crt"]).is_none());
        assert!(first_of(&[concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls.rs"), bundle]).is_none());
        let asks_the_system = |found| format!("{:?}", trust(found)).contains("native_roots: true");
        assert!(asks_the_system(None) && !asks_the_system(Bundle::sound(CERTIFICATE.into()).as_ref()));
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_an_error() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(format!("https://127.0.0.1:{port}/")).unwrap();
        assert!(HTTPS.call(request).await.unwrap_err().is_io());
    }
}
