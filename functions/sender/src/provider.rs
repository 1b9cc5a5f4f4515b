//! The way out: SES or SMTP servers, as the settings say or else the environment.
//!
//! At the beginning of each invocation the settings' mail servers are looked at, if the last look is older
//! than a few seconds. When they have changed, or the secret that one of them logs in with was rotated, new
//! connections replace the old ones; messages under way end on theirs. A server whose password cannot be read is left out, and said in the log; where none is left, every
//! message is put off until somebody mends the settings, and the campaign pauses.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fanmail_domain::servers::{Balance as Shares, MailServer, MailServers};
use fanmail_engine::ports::{Clock, PortError, Submission};
use fanmail_mailer::{Outgoing, SesTransport, SmtpTransport, Transport, server_config};
use fanmail_runtime::{Chain, Secrets, SystemClock, roots};
use fanmail_ses::{Account, Client, ConfigError, Roots, SesConfig};
use fanmail_smtp::{Balance, DomainLimits, Server, ServerConfig, Servers, Timeouts};
use fanmail_store::Store;

use crate::config::{Config, WayOut};

/// How old the view of the mail servers may be.
const FRESH_FOR: Duration = Duration::from_secs(3);

/// Hands messages to whatever the settings say now.
pub(crate) struct Provider {
    deployed: Way,
    secrets: Secrets,
    timeouts: Timeouts,
    current: Mutex<Current>,
    /// Messages per second that the provider allows the whole account; 0 while it has not said.
    ceiling: AtomicU32,
    /// How much of the provider's quota of 24 hours is used, in percent, where it has one and said so.
    quota_used: Mutex<Option<f64>>,
}

#[derive(Debug, Clone)]
enum Way {
    Ses(SesTransport),
    Smtp(SmtpTransport, Servers),
}

struct Current {
    way: Way,
    /// The revision of the mail servers that it was made from; 0 for the environment's.
    rev: u32,
    /// What its servers log in with, in the settings' order; `None` where nothing, or nothing that can be read.
    passwords: Vec<Option<String>>,
    looked_at: Option<Instant>,
}

impl Provider {
    /// Opens nothing yet.
    pub(crate) fn new(config: &Config, secrets: Secrets) -> Result<Self, ConfigError> {
        let timeouts = config.timeouts();
        let deployed = match &config.way_out {
            WayOut::Ses { configuration_set, endpoint } => {
                let ses = SesConfig {
                    endpoint: endpoint.clone(),
                    max_conns: config.max_conns,
                    timeout: config.submit_timeout,
                    roots: Roots::Parsed(roots()),
                    ..SesConfig::new(config.aws.region(), config.aws.credentials(), now)
                };
                Way::Ses(SesTransport::new(Client::new(ses)?, configuration_set.clone()))
            }
            WayOut::Smtp(server) => {
                let max_conns = config.max_conns;
                Way::smtp(Servers::one(ServerConfig { max_conns, timeouts, ..(**server).clone() }))
            }
        };
        let current = Current { way: deployed.clone(), rev: 0, passwords: Vec::new(), looked_at: None };
        let (current, ceiling) = (Mutex::new(current), AtomicU32::new(0));
        Ok(Self { deployed, secrets, timeouts, current, ceiling, quota_used: Mutex::new(None) })
    }

    /// Looks whether the settings name other servers now, and what the provider allows.
    pub(crate) async fn refresh(&self, store: &Store) {
        let fresh = |current: &Current| current.looked_at.is_some_and(|at| at.elapsed() < FRESH_FOR);
        if !fresh(&self.current())
            && let Err(error) = self.look(store).await
        {
            // What was known stays good enough.
            tracing::warn!(error = %Chain(&error), "could not read the mail servers");
        }
        let way = self.current().way.clone();
        if let Way::Ses(ses) = way {
            let account = ses.account().await;
            self.ceiling.store(account.map_or(0.0, |account| account.max_send_rate) as u32, Relaxed);
            *self.quota_used.lock().unwrap_or_else(PoisonError::into_inner) = account.and_then(used_percent);
        }
    }

    /// How much of the provider's quota of 24 hours is used, in percent, as far as it said.
    pub(crate) fn quota_used(&self) -> Option<f64> {
        *self.quota_used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look(&self, store: &Store) -> Result<(), PortError> {
        let (servers, rev) = store.servers_with_rev().await?;
        let passwords = self.passwords(&servers).await;
        if self.stands(rev, &passwords) {
            return Ok(());
        }
        let way = self.way(&servers).await;
        let before = {
            let mut current = self.current();
            let looked_at = Some(Instant::now());
            std::mem::replace(&mut *current, Current { way, rev, passwords, looked_at })
        };
        tracing::info!(servers.rev = rev, "sending through mail servers of revision {rev}");
        if let (Way::Smtp(_, servers), true) = (before.way, before.rev > 0) {
            servers.close().await;
        }
        Ok(())
    }

    /// Whether these are the servers that are in use; then they were looked at now.
    fn stands(&self, rev: u32, passwords: &[Option<String>]) -> bool {
        let mut current = self.current();
        let stands = current.rev == rev && current.passwords == passwords;
        if stands {
            current.looked_at = Some(Instant::now());
        }
        stands
    }

    /// What the enabled servers log in with now; most looks find it in memory.
    async fn passwords(&self, servers: &MailServers) -> Vec<Option<String>> {
        let mut passwords = Vec::new();
        for server in servers.enabled() {
            passwords.push(match &server.password {
                Some(place) => self.secrets.read(place).await.ok(),
                None => None,
            });
        }
        passwords
    }

    /// What these settings make of it; the environment's where they enable no server.
    async fn way(&self, servers: &MailServers) -> Way {
        let mut usable = Vec::new();
        for server in servers.enabled() {
            usable.extend(self.server(server).await);
        }
        if servers.enabled().next().is_none() {
            return self.deployed.clone();
        }
        let limit = |number: u32| (number > 0).then_some(number);
        let limits = DomainLimits { conns: limit(servers.domain_conns), rate: limit(servers.domain_rate) };
        Way::smtp(Servers::new(usable, balance(servers.balance), limits))
    }

    /// One server, if its password can be read.
    async fn server(&self, server: &MailServer) -> Option<Server> {
        let password = match &server.password {
            Some(place) => match self.secrets.read(place).await {
                Ok(password) => Some(password),
                Err(error) => {
                    tracing::error!(server = server.host, error = %Chain(&error), "left a mail server out");
                    return None;
                }
            },
            None => None,
        };
        let mut config = server_config(server, password);
        config.timeouts.message = self.timeouts.message;
        let rate = (server.rate > 0).then_some(server.rate);
        Some(Server { weight: server.weight, rate, ..Server::new(config) })
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    fn smtp(servers: Servers) -> Self {
        Self::Smtp(SmtpTransport::new(servers.clone()), servers)
    }
}

impl Transport for Provider {
    async fn submit(&self, message: Outgoing) -> Submission {
        let way = self.current().way.clone();
        match way {
            // Boxed: it is nearly four times the size of the other, and all of it would be moved about with every message.
            Way::Ses(ses) => Box::pin(ses.submit(message)).await,
            Way::Smtp(smtp, _) => smtp.submit(message).await,
        }
    }

    fn limit_connections(&self, max_conns: u32) {
        if let Way::Smtp(smtp, _) = &self.current().way {
            smtp.limit_connections(max_conns);
        }
    }

    fn ceiling(&self) -> Option<u32> {
        Some(self.ceiling.load(Relaxed)).filter(|ceiling| *ceiling > 0)
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(SystemClock::new().now().0)
}

fn used_percent(account: Account) -> Option<f64> {
    let quota = account.max_24_hour_send.filter(|quota| *quota > 0.0)?;
    Some(100.0 * account.sent_last_24_hours / quota)
}

fn balance(shares: Shares) -> Balance {
    match shares {
        Shares::RoundRobin => Balance::RoundRobin,
        Shares::LeastConnections => Balance::LeastConnections,
        Shares::Weighted => Balance::Weighted,
        Shares::DomainHash => Balance::DomainHash,
    }
}

#[cfg(test)]
mod tests {
    use fanmail_domain::SecretRef;

    use super::*;

    fn server(password: Option<&str>) -> MailServer {
        let password = password.map(|name| SecretRef::Env(name.to_owned()));
        MailServer { enabled: true, password, ..MailServer::default() }
    }

    #[tokio::test]
    async fn a_rotated_secret_makes_other_servers_of_the_same_settings() {
        let config = crate::config::tests::good().await;
        let relay = Secrets::new([("RELAY".to_owned(), "new".to_owned())]);
        let provider = Provider::new(&config, relay).unwrap();
        assert!(provider.stands(0, &[]), "the environment's way out is none of the settings'");
        let smtp = vec![server(Some("RELAY")), server(None), server(Some("NOT_THERE"))];
        let servers = MailServers { smtp, ..MailServers::default() };
        let passwords = provider.passwords(&servers).await;
        assert_eq!(passwords, [Some("new".to_owned()), None, None]);
        provider.current().passwords = vec![Some("old".to_owned()), None, None];
        assert!(!provider.stands(0, &passwords));
        provider.current().passwords.clone_from(&passwords);
        assert!(provider.stands(0, &passwords) && !provider.stands(1, &passwords));
    }

    #[test]
    fn a_quota_is_used_by_the_hundred_and_none_is_none() {
        let account = |max_24_hour_send| Account {
            max_24_hour_send,
            max_send_rate: 14.0,
            sent_last_24_hours: 150.0,
            sending_enabled: true,
            production_access: false,
            enforcement_status: fanmail_ses::Enforcement::Healthy,
        };
        assert_eq!(used_percent(account(Some(200.0))), Some(75.0));
        assert_eq!((used_percent(account(Some(0.0))), used_percent(account(None))), (None, None));
    }
}
