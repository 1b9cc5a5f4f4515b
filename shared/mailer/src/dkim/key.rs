//! Keys, read once from what a secret holds.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// One key and where its public half is published: `selector._domainkey.domain`. `Debug` hides the key.
#[derive(Clone, PartialEq, Eq)]
pub struct DkimKey {
    /// Who signs, in Punycode; to count for DMARC, the From address's domain or one above it.
    pub domain: String,
    /// Which of the domain's keys.
    pub selector: String,
    /// An RSA key of 2048 bits and more (PKCS#8 or PKCS#1) or an Ed25519 key (PKCS#8), in PEM.
    pub pem: String,
}

/// Why there is no signature. Never repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DkimError {
    /// There is nothing to sign with.
    #[error("there is no DKIM key")]
    NoKey,
    /// A domain or a selector that could not stand in DNS.
    #[error("a DKIM domain or selector is not made of letters, digits, dots, hyphens and underscores")]
    Name,
    /// No `-----BEGIN … PRIVATE KEY-----`, or what is in it is no base64.
    #[error("the DKIM key of selector {0} is no private key in PEM")]
    Pem(String),
    /// Another kind of key, a key that is too short, or one that contradicts itself.
    #[error("the DKIM key of selector {0} is neither RSA with 2048 bits or more nor Ed25519")]
    Kind(String),
    /// A signature must cover `From`.
    #[error("a message without a From header cannot be signed")]
    NoFrom,
    /// The cryptographic library would not sign.
    #[error("the DKIM key of selector {0} cannot sign")]
    Sign(String),
}

/// A key that is ready.
pub(super) struct Signer {
    pub(super) domain: String,
    pub(super) selector: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    pub(super) fn read(key: DkimKey) -> Result<Self, DkimError> {
        let DkimKey { domain, selector, pem } = key;
        if !is_name(&domain) || !is_name(&selector) {
            return Err(DkimError::Name);
        }
        let der =
            PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| DkimError::Pem(selector.clone()))?;
        let pair = Pair::read(&der).ok_or_else(|| DkimError::Kind(selector.clone()))?;
        Ok(Self { domain: domain.to_ascii_lowercase(), selector, pair })
    }

    /// As `a=` names it.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "rsa-sha256",
            Pair::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// Ed25519 signs the SHA-256 hash (RFC 8463 section 3); so does RSA, but ring does that itself.
    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature);
                signed.map(|()| signature).map_err(|_| DkimError::Sign(self.selector.clone()))
            }
        }
    }
}

impl Pair {
    fn read(der: &PrivateKeyDer<'_>) -> Option<Self> {
        let rsa = |pair: RsaKeyPair| Self::Rsa(Box::new(pair));
        if let PrivateKeyDer::Pkcs1(der) = der {
            return RsaKeyPair::from_der(der.secret_pkcs1_der()).ok().map(rsa);
        }
        let PrivateKeyDer::Pkcs8(der) = der else { return None };
        let der = der.secret_pkcs8_der();
        // OpenSSL leaves the public half out, so there is nothing to check the private one against.
        let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed25519);
        RsaKeyPair::from_pkcs8(der).ok().map(rsa).or_else(ed25519)
    }
}

fn is_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !text.is_empty() && text.len() <= 253 && text.bytes().all(is_name_byte)
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DkimKey")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .field("pem", &"***")
            .finish()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}._domainkey.{}, {})", self.selector, self.domain, self.algorithm())
    }
}
