//! What an inbox offers and keeps.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::Script;

/// How one inbox is set up. The default listens on a free port of 127.0.0.1, asks for no login, offers what
/// common providers offer, keeps bodies in a temporary file and behaves well.
#[derive(Clone, Debug)]
pub struct InboxConfig {
    /// Where SMTP is served; port 0 takes a free one (see [`Inbox::smtp_addr`](crate::Inbox::smtp_addr)).
    pub smtp_addr: SocketAddr,
    /// The name in the greeting and in the answer to EHLO.
    pub hostname: String,
    /// The extensions that the answer to EHLO names.
    pub capabilities: Capabilities,
    /// Larger messages are answered with 552: at MAIL if SIZE announces it, else after the body.
    pub max_message_bytes: usize,
    /// Who may log in, and whether they must.
    pub auth: Auth,
    /// Whether bodies are kept. Without them the counts are the same and a benchmark is not slowed by writes.
    pub keep_bodies: bool,
    /// Names of header fields to keep in each [`Delivery`](crate::Delivery); case does not matter.
    pub keep_headers: Vec<String>,
    /// Folder for the spool file `messages.spool`, which starts empty each time. `None` takes a temporary file
    /// without a name, so that nothing stays behind even after a crash.
    pub spool_folder: Option<PathBuf>,
    /// The misbehaviour to begin with.
    pub script: Script,
}

impl Default for InboxConfig {
    fn default() -> Self {
        Self {
            smtp_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            hostname: "inbox.test".to_owned(),
            capabilities: Capabilities::default(),
            max_message_bytes: 10 * 1024 * 1024,
            auth: Auth::Off,
            keep_bodies: true,
            keep_headers: Vec::new(),
            spool_folder: None,
            script: Script::default(),
        }
    }
}

/// The extensions that the answer to EHLO names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Several commands in one write (RFC 2920). Bursts are answered in order either way.
    pub pipelining: bool,
    /// `BODY=8BITMIME` (RFC 6152); without it the parameter is refused.
    pub eight_bit_mime: bool,
    /// `SIZE` (RFC 1870); without it the parameter is refused.
    pub size: bool,
    /// Addresses outside ASCII (RFC 6531); without it they are refused.
    pub smtp_utf8: bool,
    /// Replies carry an `x.y.z` status (RFC 2034).
    pub enhanced_status_codes: bool,
    /// `CHUNKING` (RFC 3030): messages by BDAT; without it that is answered with 502.
    ///
    /// Off by default, since the phases of a [`Script`] are those of a conversation with DATA. A client that uses
    /// BDAT has sent the whole message before the first of them: what was surely not taken with DATA may be in
    /// doubt with BDAT.
    pub chunking: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            pipelining: true,
            eight_bit_mime: true,
            size: true,
            smtp_utf8: true,
            enhanced_status_codes: true,
            chunking: false,
        }
    }
}

/// Who may log in with AUTH PLAIN or AUTH LOGIN (RFC 4954).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// AUTH is not offered.
    #[default]
    Off,
    /// AUTH is offered, not needed, and takes any credentials.
    Any,
    /// AUTH is needed before MAIL, and takes these.
    Only(Vec<Credentials>),
}

/// A login that the inbox takes. `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password, in clear.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}
