//! The way out: SES or SMTP servers, as the settings say or else the environment.
//!
//! At the beginning of each invocation the settings' mail servers are looked at, if the last look is older
//! than a few seconds. When they have changed, new connections replace the old ones; messages under way end
//! on theirs. A server whose password cannot be read is left out, and said in the log; where none is left, every
//! message is put off until somebody mends the settings, and the campaign pauses.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fanmail_domain::servers::{Balance as Shares, MailServer, MailServers};
use fanmail_engine::ports::{Clock, PortError, Submission};
use fanmail_mailer::{Outgoing, SesTransport, SmtpTransport, Transport, server_config};
use fanmail_runtime::{Chain, Secrets, SystemClock, bundle};
use fanmail_ses::{Client, ConfigError, Roots, SesConfig};
use fanmail_smtp::{Balance, DomainLimits, Server, ServerConfig, Servers, Timeouts};
use fanmail_store::Store;

use crate::config::{Config, WayOut};

/// How old the view of the mail servers may be.
const FRESH_FOR: Duration = Duration::from_secs(3);

/// Hands messages to whatever the settings say now.
#[derive(Debug)]
pub(crate) struct Provider {
    deployed: Way,
    secrets: Secrets,
    timeouts: Timeouts,
    current: Mutex<Current>,
    /// Messages per second that the provider allows the whole account; 0 while it has not said.
    ceiling: AtomicU32,
}

#[derive(Debug, Clone)]
enum Way {
    Ses(SesTransport),
    Smtp(SmtpTransport, Servers),
}

#[derive(Debug)]
struct Current {
    way: Way,
    /// The revision of the mail servers that it was made from; 0 for the environment's.
    rev: u32,
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
                    roots: bundle().map_or(Roots::Native, Roots::Pem),
                    ..SesConfig::new(config.aws.region(), config.aws.credentials(), now)
                };
                Way::Ses(SesTransport::new(Client::new(ses)?, configuration_set.clone()))
            }
            WayOut::Smtp(server) => {
                let max_conns = config.max_conns;
                Way::smtp(Servers::one(ServerConfig { max_conns, timeouts, ..(**server).clone() }))
            }
        };
        let current = Current { way: deployed.clone(), rev: 0, looked_at: None };
        let (current, ceiling) = (Mutex::new(current), AtomicU32::new(0));
        Ok(Self { deployed, secrets, timeouts, current, ceiling })
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
            self.ceiling.store(ses.ceiling().await.unwrap_or_default() as u32, Relaxed);
        }
    }

    async fn look(&self, store: &Store) -> Result<(), PortError> {
        let (servers, rev) = store.servers_with_rev().await?;
        if self.current().rev == rev {
            self.current().looked_at = Some(Instant::now());
            return Ok(());
        }
        let way = self.way(&servers).await;
        let before = {
            let mut current = self.current();
            std::mem::replace(&mut *current, Current { way, rev, looked_at: Some(Instant::now()) })
        };
        tracing::info!(servers.rev = rev, "sending through mail servers of revision {rev}");
        if let (Way::Smtp(_, servers), true) = (before.way, before.rev > 0) {
            servers.close().await;
        }
        Ok(())
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
            Way::Ses(ses) => ses.submit(message).await,
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

fn balance(shares: Shares) -> Balance {
    match shares {
        Shares::RoundRobin => Balance::RoundRobin,
        Shares::LeastConnections => Balance::LeastConnections,
        Shares::Weighted => Balance::Weighted,
        Shares::DomainHash => Balance::DomainHash,
    }
}
