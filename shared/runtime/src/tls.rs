//! Whom this process trusts.
//!
//! Left alone, every client of AWS reads the system's certificates into a store of its own, and reads them twice over: the
//! bundle, and a folder of the same certificates. That was more than half of a function's CPU time before its first
//! invocation (`fanmail-bench coldstart`). Here one bundle is read, once, for all.
//!
//! Where `SSL_CERT_FILE` or `SSL_CERT_DIR` is set, or where no bundle is at its usual place, the system's certificates are read
//! as usual.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, Error, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// Where systems keep the bundle: Amazon Linux, Debian and its kin.
const BUNDLES: [&str; 2] = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
/// Variables that say where certificates are.
const PLACES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Read once, for all clients.
static TRUSTED: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| Arc::new(trusted()));

/// Whom this process trusts, for who has a TLS client of its own.
#[must_use]
pub fn roots() -> Arc<RootCertStore> {
    Arc::clone(&TRUSTED)
}

/// How this process speaks TLS, versions 1.2 and 1.3, to whom it trusts.
///
/// # Errors
///
/// [`Error`] if the library refuses its own choice of ciphers.
pub(crate) fn client_config(roots: Arc<RootCertStore>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn trusted() -> RootCertStore {
    let told = PLACES.iter().any(|name| std::env::var_os(name).is_some());
    let bundle = if told { None } else { first_of(&BUNDLES) };
    bundle.unwrap_or_else(|| store(rustls_native_certs::load_native_certs().certs))
}

/// Reads the first of these files that is there. `None` if no certificate can be taken from it.
fn first_of(places: &[&str]) -> Option<RootCertStore> {
    let place = places.iter().map(Path::new).find(|path| path.is_file())?;
    let pem = std::fs::read(place).ok()?;
    let store = store(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    (!store.is_empty()).then_some(store)
}

/// Leaves out what is no certificate, as systems' bundles are commonly read: one that is odd does not cost all others.
fn store<'a>(certificates: impl IntoIterator<Item = CertificateDer<'a>>) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates);
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that was made for tests.
    const BUNDLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls/localhost.pem");

    fn read(pem: &str) -> Option<usize> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        first_of(&[file.path().to_str().unwrap()]).map(|store| store.len())
    }

    #[test]
    fn one_damaged_certificate_costs_no_other() {
        let good = include_str!("tls/localhost.pem");
        let damaged = good.replace("MII", "AAA");
        assert_eq!(read(&good.repeat(2)), Some(2));
        assert_eq!(read(&format!("{damaged}{good}")), Some(1));
        assert_eq!((read(&damaged), read(""), read("no certificate")), (None, None, None));
    }

    #[test]
    fn the_first_bundle_that_is_there_is_read() {
        let odd = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tls.rs");
        assert_eq!(first_of(&["/nowhere/bundle.crt", BUNDLE]).unwrap().len(), 1);
        assert!(first_of(&["/nowhere/bundle.crt"]).is_none() && first_of(&[odd, BUNDLE]).is_none());
    }

    #[test]
    fn there_is_always_somebody_to_trust() {
        assert!(!roots().is_empty());
    }
}
