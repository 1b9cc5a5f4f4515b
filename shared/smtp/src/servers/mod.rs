//! Several servers as one.
//!
//! ```text
//! send: place for the recipient's domain -> choose a server -> its pace -> its pool -> outcome
//!                                               ^                                        |
//!                                               +-- surely not taken, server's fault ----+
//! ```
//!
//! - [`Balance`] chooses among the servers that are in service and that this message has not been to.
//! - A breaker per server takes one that fails out of service, and lets single messages find out whether it is well
//!   again ([`BreakerSettings`]). A single server is never taken out: there is nobody to go to instead, and a caller
//!   that is put off knows when to come again.
//! - A message moves to another server only when it was surely not taken *and* the trouble is the server's. An
//!   outcome that is unknown never moves: it could be delivered twice.
//! - Limits are waited for, never exceeded: connections and rate per server, messages under way and rate per recipient
//!   domain. Everything together stays within the message's time budget, the shortest of the servers' budgets.
//! - When no server is in service the answer is the last failure, at once: the caller knows how to wait. The settings
//!   are to blame only if that is true of every server; while one may come back by itself, the message is deferred.

mod balance;
mod breaker;
mod domains;
mod pace;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

pub use balance::Balance;
use balance::{Balancer, Candidate};
pub use breaker::BreakerSettings;
use breaker::{Breaker, Health, Pass};
pub use domains::DomainLimits;
use domains::Domains;
use pace::{Pace, until};

use crate::budget::{Budget, clip};
use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::message::Message;
use crate::outcome::{Outcome, Phase, Scope};
use crate::pool::Pool;
use crate::stats::PoolCounts;

/// One of several servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it is and how to speak to it.
    pub config: ServerConfig,
    /// Its share of the messages under [`Balance::Weighted`]; 0 counts as 1. Default 1.
    pub weight: u32,
    /// Messages per second at most; 0 counts as 1. Default no limit.
    pub rate: Option<u32>,
    /// When it is taken out of service.
    pub breaker: BreakerSettings,
}

impl Server {
    /// A server with defaults for the rest.
    pub fn new(config: ServerConfig) -> Self {
        Self { config, weight: 1, rate: None, breaker: BreakerSettings::default() }
    }
}

/// What is known of one server at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// Name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The next message may go there.
    pub in_service: bool,
    /// Messages that wait for it or are under way to it.
    pub under_way: usize,
    /// The counters of its pool.
    pub counts: PoolCounts,
}

/// Several servers. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Servers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    members: Vec<Member>,
    domains: Domains,
    choice: Mutex<Choice>,
    /// For one message; the shortest of the servers'.
    budget: Option<Duration>,
    /// For a place of the recipient's domain; the shortest of the servers' patience with their pools.
    wait: Duration,
}

#[derive(Debug)]
struct Member {
    pool: Pool,
    pace: Option<Mutex<Pace>>,
    under_way: AtomicUsize,
}

/// All that decides where the next message goes.
#[derive(Debug)]
struct Choice {
    balancer: Balancer,
    breakers: Vec<Breaker>,
    /// What the last message that failed because of this server was told, for each.
    last_failures: Vec<Option<Outcome>>,
}

impl Servers {
    /// Opens nothing yet. Without any server every message is [`Outcome::Misconfigured`].
    pub fn new(servers: Vec<Server>, balance: Balance, limits: DomainLimits) -> Self {
        let alone = servers.len() == 1;
        let breaker = |server: &Server| {
            let failures = if alone { u32::MAX } else { server.breaker.failures };
            Breaker::new(BreakerSettings { failures, ..server.breaker })
        };
        let names = servers.iter().map(|server| (&*server.config.host, server.config.port, server.weight));
        let choice = Choice {
            balancer: Balancer::new(balance, names),
            breakers: servers.iter().map(breaker).collect(),
            last_failures: vec![None; servers.len()],
        };
        let timeouts = || servers.iter().map(|server| server.config.timeouts);
        let shared = Shared {
            budget: timeouts().filter_map(|timeouts| timeouts.message).min(),
            wait: timeouts().map(|timeouts| timeouts.wait).min().unwrap_or_default(),
            members: servers.into_iter().map(Member::new).collect(),
            domains: Domains::new(limits),
            choice: Mutex::new(choice),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A single server, with defaults for all that concerns several.
    pub fn one(config: ServerConfig) -> Self {
        Self::new(vec![Server::new(config)], Balance::default(), DomainLimits::default())
    }

    /// Sends one message to one recipient by the server whose turn it is, and by others where that one surely did
    /// not take it and is itself to blame. Each is asked once at most. See [`Pool::send`].
    pub async fn send(&self, message: Arc<Message>) -> Outcome {
        let shared = &*self.shared;
        let budget = Budget::begin(shared.budget);
        let domain = domain_of(message.envelope().to());
        let limit = clip(shared.wait, budget.before_body());
        let Some(_place) = shared.domains.enter(&domain, limit).await else {
            return Outcome::conclude(Phase::Wait, Err(Failure::Paced(limit)));
        };

        let mut been_to = vec![false; shared.members.len()];
        let mut last = None;
        while let Some(visit) = shared.choose(&domain, &been_to) {
            been_to[visit.index] = true;
            let outcome = visit.member().send(Arc::clone(&message), budget).await;
            visit.end(&outcome);
            if !may_move(&outcome) {
                return outcome;
            }
            last = milder(last, outcome);
            if clip(Duration::MAX, budget.before_body()).is_zero() {
                break;
            }
        }
        last.unwrap_or_else(|| shared.last_failure())
    }

    /// Limits the connections to each server; see [`Pool::limit_connections`].
    pub fn limit_connections(&self, max_conns: usize) {
        self.shared.members.iter().for_each(|member| member.pool.limit_connections(max_conns));
    }

    /// Each server as it is now, in the order given.
    pub fn status(&self) -> Vec<ServerStatus> {
        let (now, choice) = (Instant::now(), self.shared.choice());
        let members = self.shared.members.iter().zip(&choice.breakers);
        members.map(|(member, breaker)| member.status(breaker.admits(now))).collect()
    }

    /// Closes all pools; see [`Pool::close`].
    pub async fn close(&self) {
        let pools = self.shared.members.iter().map(|member| member.pool.clone());
        let closing: JoinSet<()> = pools.map(|pool| async move { pool.close().await }).collect();
        closing.join_all().await;
    }
}

impl Shared {
    fn choice(&self) -> MutexGuard<'_, Choice> {
        // Nothing that can panic happens between two changes that belong together.
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self, domain: &str, been_to: &[bool]) -> Option<Visit<'_>> {
        let now = Instant::now();
        let mut choice = self.choice();
        let Choice { balancer, breakers, .. } = &mut *choice;
        let candidates: Vec<_> = (self.members.iter().zip(&*breakers).zip(been_to))
            .map(|((member, breaker), been_there)| Candidate {
                free: !been_there && breaker.admits(now),
                under_way: member.under_way.load(Relaxed),
            })
            .collect();
        let index = balancer.next(&candidates, domain)?;
        let pass = breakers[index].enter(now)?;
        self.members[index].under_way.fetch_add(1, Relaxed);
        Some(Visit { shared: self, index, pass, health: Health::Unclear })
    }

    fn last_failure(&self) -> Outcome {
        let known = self.choice().last_failures.iter().flatten().cloned().fold(None, milder);
        known.unwrap_or_else(|| Outcome::conclude(Phase::Wait, Err(Failure::Setting("list of servers"))))
    }
}

impl Member {
    fn new(server: Server) -> Self {
        Self {
            pool: Pool::new(server.config),
            pace: server.rate.map(|rate| Mutex::new(Pace::new(rate))),
            under_way: AtomicUsize::new(0),
        }
    }

    async fn send(&self, message: Arc<Message>, budget: Budget) -> Outcome {
        let limit = clip(self.pool.config().timeouts.wait, budget.before_body());
        match self.moment(limit) {
            Some(moment) => until(moment).await,
            None => return Outcome::conclude(Phase::Wait, Err(Failure::Paced(limit))),
        }
        self.pool.send_within(message, budget).await
    }

    /// When the next message may go.
    fn moment(&self, limit: Duration) -> Option<Instant> {
        let now = Instant::now();
        let Some(pace) = &self.pace else { return Some(now) };
        pace.lock().unwrap_or_else(PoisonError::into_inner).reserve(now, limit)
    }

    fn status(&self, in_service: bool) -> ServerStatus {
        let config = self.pool.config();
        ServerStatus {
            host: config.host.clone(),
            port: config.port,
            in_service,
            under_way: self.under_way.load(Relaxed),
            counts: self.pool.stats().counts(),
        }
    }
}

/// One message at one server. Ends when it is dropped, so that a message that is broken off holds nothing.
struct Visit<'a> {
    shared: &'a Shared,
    index: usize,
    pass: Pass,
    health: Health,
}

impl<'a> Visit<'a> {
    fn member(&self) -> &'a Member {
        &self.shared.members[self.index]
    }

    fn end(mut self, outcome: &Outcome) {
        self.health = health(outcome);
        if self.health == Health::Failed {
            self.shared.choice().last_failures[self.index] = Some(outcome.clone());
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.member().under_way.fetch_sub(1, Relaxed);
        self.shared.choice().breakers[self.index].report(self.pass, self.health, Instant::now());
    }
}

/// What a message's outcome says about its server.
fn health(outcome: &Outcome) -> Health {
    match outcome {
        Outcome::Accepted { .. }
        | Outcome::Rejected { .. }
        | Outcome::Deferred { scope: Scope::Recipient, .. } => Health::Well,
        // Our own limits, and not the server's trouble.
        Outcome::Deferred { phase: Phase::Wait, .. } | Outcome::Unknown { .. } => Health::Unclear,
        Outcome::Deferred { scope: Scope::Server, .. } | Outcome::Misconfigured { .. } => Health::Failed,
    }
}

/// Surely not taken, and another server may do better.
fn may_move(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Deferred { scope, .. } => *scope == Scope::Server,
        Outcome::Misconfigured { .. } => true,
        Outcome::Accepted { .. } | Outcome::Rejected { .. } | Outcome::Unknown { .. } => false,
    }
}

/// Of two servers' failures the one that is true of both together.
fn milder(before: Option<Outcome>, outcome: Outcome) -> Option<Outcome> {
    match (before, &outcome) {
        (Some(deferred @ Outcome::Deferred { .. }), Outcome::Misconfigured { .. }) => Some(deferred),
        _ => Some(outcome),
    }
}

/// In lower case; the whole address if it has no `@`.
fn domain_of(address: &str) -> String {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain).to_ascii_lowercase()
}
