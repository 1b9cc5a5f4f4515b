//! The handle: start, ask, wait, stop.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::InboxConfig;
use crate::hold::Held;
use crate::http;
use crate::record::{Delivery, Snapshot};
use crate::script::{Script, ScriptError};
use crate::server::{self, Gate};
use crate::shared::Shared;

/// Longest wait at shutdown for pages that are being served.
const HTTP_GRACE: Duration = Duration::from_secs(1);

/// A running inbox. [`Inbox::shutdown`] ends it; dropping it does too, without waiting.
#[derive(Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
    smtp_addr: SocketAddr,
    stop: watch::Sender<bool>,
    smtp: JoinHandle<()>,
    http: Mutex<Vec<JoinHandle<()>>>,
}

/// Why an inbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is in use or not of this machine.
    #[error("listen on {addr}")]
    Listen {
        /// The address as configured.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The spool file cannot be made.
    #[error("open the spool")]
    Spool(#[source] io::Error),
    /// The script in the configuration cannot work.
    #[error("read the script")]
    Script(#[source] ScriptError),
}

impl Inbox {
    /// Starts to listen; must be called within a tokio runtime, on which all connections then run.
    ///
    /// # Errors
    ///
    /// [`StartError`] names what the configuration asked for and could not be had.
    pub async fn start(config: InboxConfig) -> Result<Self, StartError> {
        config.script.check().map_err(StartError::Script)?;
        let addr = config.smtp_addr;
        let refuses = config.script.refuse_connections;
        let listening = server::bind(addr).and_then(server::listen);
        let listener = listening.map_err(|source| StartError::Listen { addr, source })?;
        let smtp_addr = listener.local_addr().map_err(|source| StartError::Listen { addr, source })?;

        let (refuse, refuse_seen) = watch::channel(refuses);
        let (gate, gate_seen) = watch::channel(Gate::Listening);
        let (stop, stop_seen) = watch::channel(false);
        let shared = Arc::new(Shared::new(config, refuse, gate_seen.clone()).map_err(StartError::Spool)?);
        let smtp = tokio::spawn(server::serve(listener, shared.clone(), refuse_seen, gate, stop_seen));
        if refuses {
            // Ends when the listener refuses, or is gone; then nobody can connect either.
            let _ = gate_seen.clone().wait_for(|&gate| gate != Gate::Listening).await;
        }
        Ok(Self { shared, smtp_addr, stop, smtp, http: Mutex::default() })
    }

    /// Where SMTP is served.
    pub fn smtp_addr(&self) -> SocketAddr {
        self.smtp_addr
    }

    /// When the inbox started: the zero of [`Delivery::elapsed`].
    pub fn started(&self) -> Instant {
        self.shared.store.started()
    }

    /// The pages and the JSON interface, to be mounted or nested anywhere. It needs no login: not for the internet.
    pub fn router(&self) -> Router {
        http::router(self.shared.clone())
    }

    /// Serves [`Inbox::router`] until shutdown, and returns where.
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub async fn serve_http(&self, addr: SocketAddr) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // An error means that the handle is gone: stop as well.
            let _ = stop.wait_for(|&stop| stop).await;
        };
        let server = axum::serve(listener, self.router()).with_graceful_shutdown(stopped);
        let task = tokio::spawn(async move {
            // Per its documentation it retries all errors itself.
            let _ = server.await;
        });
        self.http.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(addr)
    }

    /// Accepted copies: one for each message and recipient.
    pub fn accepted(&self) -> u64 {
        self.snapshot().accepted
    }

    /// Copies for each recipient, in lower case.
    pub fn recipients(&self) -> HashMap<String, u32> {
        self.shared.store.recipients()
    }

    /// All accepted copies in the order of acceptance.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.store.deliveries()
    }

    /// The message with this number, octet by octet as it was sent, without dot-stuffing. `None` if there is no
    /// such message, or bodies are not kept.
    ///
    /// # Errors
    ///
    /// The spool cannot be read.
    pub fn message(&self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        self.shared.store.body(seq).transpose()
    }

    /// All counts, taken together.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Most copies accepted within any `window`, wherever it begins; both ends belong to it.
    pub fn max_in_window(&self, window: Duration) -> usize {
        self.shared.store.max_in_window(window)
    }

    /// When the last message was accepted.
    pub fn last_accept_at(&self) -> Option<Instant> {
        self.shared.store.last_accept_at()
    }

    /// Connections that are open now. One that the client closes counts until the inbox has seen it.
    pub fn open_connections(&self) -> u64 {
        self.snapshot().open_connections
    }

    /// Most connections that were open at once since the start.
    pub fn max_open_connections(&self) -> u64 {
        self.snapshot().max_open_connections
    }

    /// Waits until the counts are as wanted.
    ///
    /// # Errors
    ///
    /// The counts at the end of `timeout`.
    pub async fn wait_for(
        &self,
        wanted: impl Fn(&Snapshot) -> bool,
        timeout: Duration,
    ) -> Result<(), Snapshot> {
        let reached = async {
            loop {
                // Listens before it looks, so that no change falls in between.
                let mut changed = std::pin::pin!(self.shared.changed.notified());
                changed.as_mut().enable();
                if wanted(&self.snapshot()) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, reached).await.map_err(|_| self.snapshot())
    }

    /// Waits until at least `count` transactions are held, and says which, in the order in which they came.
    ///
    /// # Errors
    ///
    /// The counts at the end of `timeout`.
    pub async fn held(&self, count: usize, timeout: Duration) -> Result<Vec<Held>, Snapshot> {
        self.wait_for(|now| now.held >= count as u64, timeout).await?;
        Ok(self.shared.holds.list())
    }

    /// Lets all that are held now go on, and says how many there were.
    pub fn release_all(&self) -> usize {
        self.shared.holds.release_all()
    }

    /// The script at work.
    pub fn script(&self) -> Script {
        self.shared.director().script.clone()
    }

    /// Changes the script. Its counters begin anew; a transaction ends under the script under which it began.
    /// When this returns, connections are refused or taken as the script says.
    ///
    /// # Errors
    ///
    /// [`ScriptError`]: the script cannot work and the old one stays, or the listener did not come back.
    pub async fn set_script(&self, script: Script) -> Result<(), ScriptError> {
        self.shared.set_script(script).await
    }

    /// Forgets all messages and counts but those of connections. Numbers of messages go on.
    ///
    /// # Errors
    ///
    /// The spool cannot be emptied.
    pub fn clear(&self) -> io::Result<()> {
        self.shared.clear()
    }

    /// Closes all connections and listeners, and waits for it.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // An error would be the panic of a task; it has ended then.
        let _ = (&mut self.smtp).await;
        let pages = std::mem::take(self.http.get_mut().unwrap_or_else(PoisonError::into_inner));
        for mut page in pages {
            if tokio::time::timeout(HTTP_GRACE, &mut page).await.is_err() {
                page.abort();
            }
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
