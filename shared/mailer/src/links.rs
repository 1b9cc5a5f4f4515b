//! The link in every message by which its recipient unsubscribes.

use std::fmt::Write;

use fanmail_domain::unsubscribe::UnsubscribeKey;
use fanmail_domain::{CampaignId, SubscriberId};

/// The longest base that leaves the link room in a header line of 998 characters (RFC 5322, 2.1.1).
const MAX_BASE: usize = 500;

/// Makes unsubscribe links: `{base}/unsubscribe/{campaign}/{subscriber}/{token}`.
#[derive(Debug, Clone)]
pub struct UnsubscribeLinks {
    base: String,
    key: UnsubscribeKey,
}

/// Why a text cannot be the begin of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// No host, or a scheme that mail programs do not follow.
    #[error("the public URL should begin with https:// (or http://, on one machine) and a host")]
    Scheme,
    /// The link stands in headers and in HTML as it is.
    #[error("the public URL has a character that links cannot have, or a query or fragment")]
    Character,
    /// Over 500 characters.
    #[error("the public URL is longer than {MAX_BASE} characters")]
    TooLong,
}

impl UnsubscribeLinks {
    /// Links to the service at `public_url`. RFC 8058 asks for https; http is for tests on one machine.
    ///
    /// # Errors
    ///
    /// [`BaseUrlError`] if links beginning with it could not stand in a header.
    pub fn new(public_url: &str, key: UnsubscribeKey) -> Result<Self, BaseUrlError> {
        let base = public_url.trim_end_matches('/');
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
        if host.is_none_or(str::is_empty) {
            return Err(BaseUrlError::Scheme);
        }
        if !base.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/[]@!$()*+,;=%".contains(&byte)) {
            return Err(BaseUrlError::Character);
        }
        if base.len() > MAX_BASE {
            return Err(BaseUrlError::TooLong);
        }
        Ok(Self { base: base.to_owned(), key })
    }

    /// The link of one subscriber in one campaign: the same whenever it is made.
    #[must_use]
    pub fn link(&self, campaign: CampaignId, subscriber: SubscriberId) -> String {
        let token = self.key.token(campaign, subscriber);
        let mut link = String::with_capacity(self.base.len() + token.len() + 50);
        // Writing to a string cannot fail.
        let _ = write!(link, "{}/unsubscribe/{campaign}/{subscriber}/{token}", self.base);
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(base: &str) -> Result<UnsubscribeLinks, BaseUrlError> {
        UnsubscribeLinks::new(base, UnsubscribeKey::new("0123456789abcdef").unwrap())
    }

    #[test]
    fn a_link_carries_the_token_of_its_subscriber() {
        let (key, subscriber) = (UnsubscribeKey::new("0123456789abcdef").unwrap(), SubscriberId::MAX);
        let link = links("https://mail.acme.example/a/").unwrap().link(CampaignId(7), subscriber);
        let token = link.strip_prefix("https://mail.acme.example/a/unsubscribe/7/9007199254740991/").unwrap();
        assert!(key.verifies(CampaignId(7), subscriber, token));
    }

    #[test]
    fn a_base_that_would_break_headers_or_html_is_refused() {
        for (base, error) in [
            ("", BaseUrlError::Scheme),
            ("https://", BaseUrlError::Scheme),
            ("ftp://acme.example", BaseUrlError::Scheme),
            ("https://acme.example/a b", BaseUrlError::Character),
            ("https://acme.example/\"><b>", BaseUrlError::Character),
            ("https://acme.example/\r\nBcc:", BaseUrlError::Character),
            ("https://acme.example/?a=b&c", BaseUrlError::Character),
            (&format!("https://acme.example/{}", "a".repeat(500)), BaseUrlError::TooLong),
        ] {
            assert_eq!(links(base).err(), Some(error), "{base:?}");
        }
        assert!(links("http://[::1]:9000").is_ok());
    }
}
