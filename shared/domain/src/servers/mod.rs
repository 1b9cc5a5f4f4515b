//! Through which SMTP servers mail leaves, under listmonk's keys (its `smtp`).
//!
//! A secret never stands here: a password is a *reference*, the name of a place that senders read it from
//! ([`SecretRef`]). So the settings can be shown, stored and logged as they are. What is wrong with them is found
//! before they are stored ([`MailServers::review`]).

mod review;
mod secret;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use review::ServersReview;
pub use secret::{SecretRef, SecretRefError};

/// All servers, and how messages are shared out among them. None means: the server that the deployment names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailServers {
    /// The servers; those that are not enabled are kept and not used.
    pub smtp: Vec<MailServer>,
    /// Which server a message goes to.
    pub balance: Balance,
    /// Messages under way to one recipient domain at a time, by one sender; 0 for no limit.
    pub domain_conns: u32,
    /// Messages per second to one recipient domain, by one sender; 0 for no limit.
    pub domain_rate: u32,
}

/// Which of several servers a message goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest messages under way.
    LeastConnections,
    /// As often as their weights say.
    Weighted,
    /// Always the same one for a recipient domain, as long as it works.
    DomainHash,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailServer {
    /// What people call it; may be empty.
    pub name: String,
    /// listmonk's own id of it; kept, and not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Whether it is used.
    pub enabled: bool,
    /// Its name or address.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The name that EHLO says; empty for `localhost`.
    pub hello_hostname: String,
    /// How to prove who we are.
    pub auth_protocol: AuthProtocol,
    /// As whom.
    pub username: String,
    /// Where the password is; absent without authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Headers that messages through this server carry besides; not supported, so it has to be empty.
    pub email_headers: Vec<BTreeMap<String, String>>,
    /// Connections that one sender keeps open to it.
    pub max_conns: u32,
    /// listmonk's retries by the mailer itself. Here a message moves once to each other server, and only if it
    /// surely was not taken; the number is kept, and not used.
    pub max_msg_retries: u32,
    /// How long an unused connection is kept, `15s` for example.
    pub idle_timeout: String,
    /// How long a message waits for a free connection, `5s` for example.
    pub wait_timeout: String,
    /// Whether and when the connection is encrypted.
    pub tls_type: TlsType,
    /// Leaves the server's certificate unchecked.
    pub tls_skip_verify: bool,
    /// Messages per second of one sender through it; 0 for no limit of its own.
    pub rate: u32,
    /// Its part, where messages are shared out by weight.
    pub weight: u32,
}

impl Default for MailServer {
    /// As listmonk has it for a new one.
    fn default() -> Self {
        Self {
            name: String::new(),
            uuid: None,
            enabled: true,
            host: String::new(),
            port: 587,
            hello_hostname: String::new(),
            auth_protocol: AuthProtocol::Plain,
            username: String::new(),
            password: None,
            email_headers: Vec::new(),
            max_conns: 10,
            max_msg_retries: 2,
            idle_timeout: "15s".to_owned(),
            wait_timeout: "5s".to_owned(),
            tls_type: TlsType::StartTls,
            tls_skip_verify: false,
            rate: 0,
            weight: 1,
        }
    }
}

/// How to prove to a server who we are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthProtocol {
    /// Not at all.
    None,
    /// AUTH PLAIN (RFC 4616).
    #[default]
    Plain,
    /// AUTH LOGIN.
    Login,
    /// AUTH CRAM-MD5 (RFC 2195).
    Cram,
    /// AUTH XOAUTH2: the secret is an access token.
    XOAuth2,
}

/// Whether and when a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsType {
    /// Never.
    #[serde(rename = "none")]
    None,
    /// STARTTLS, or nothing is sent (RFC 3207).
    #[default]
    #[serde(rename = "STARTTLS")]
    StartTls,
    /// STARTTLS where the server offers it.
    #[serde(rename = "opportunistic")]
    Opportunistic,
    /// From the first byte (RFC 8314).
    #[serde(rename = "TLS")]
    Tls,
}

impl MailServers {
    /// Those that are used.
    pub fn enabled(&self) -> impl Iterator<Item = &MailServer> {
        self.smtp.iter().filter(|server| server.enabled)
    }
}
