//! A server that plays SES, for tests and measurements.
//!
//! It runs in a thread of its own, so that a client whose runtime stands still meets a server that does not. By
//! default it accepts; [`Stub::script`] says what it does with the next requests instead, one [`Act`] each,
//! taken when a request's first byte comes. What it saw is the truth that a client's answers are held against:
//! how many requests came in whole, and what it said to them.
//!
//! A request without the shape of a Version 4 signature for SES is answered 403.

mod act;
mod http;
mod serve;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

pub use act::{Act, When};

/// What the kernel takes for a server that does not read. Small, so that a large request gets stuck; a request of the
/// usual size fits.
const RECV_BUFFER: usize = 64 * 1024;

/// Whatever takes longer will not happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Method and path; empty if not even the head came in whole.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it came.
    pub body: Vec<u8>,
    /// Its last byte came.
    pub complete: bool,
    /// What it was answered, in part or whole.
    pub status: Option<u16>,
}

/// The server. Stops when dropped.
#[derive(Debug)]
pub struct Stub {
    address: SocketAddr,
    truth: Arc<Truth>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What it is to do, and what it saw.
#[derive(Debug, Default)]
struct Truth {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Act>,
    seen: Vec<Seen>,
    forgets: bool,
    complete: u64,
    opened: u64,
    closed: u64,
}

impl Stub {
    /// Listens on a free port of 127.0.0.1 and remembers every request.
    ///
    /// # Errors
    ///
    /// The system's, if it has no port or no thread.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        SockRef::from(&listener).set_recv_buffer_size(RECV_BUFFER)?;
        let address = listener.local_addr()?;
        let truth = Arc::new(Truth::default());
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&truth);
        let thread = std::thread::Builder::new().name("ses stub".into()).spawn(move || {
            runtime.block_on(async {
                if let Ok(listener) = TcpListener::from_std(listener) {
                    tokio::select! {
                        () = serve::accept(listener, shared) => {}
                        _ = stopped => {}
                    }
                }
            });
        })?;
        Ok(Self { address, truth, stop: Some(stop), thread: Some(thread) })
    }

    /// From now on counts requests and forgets what they said: for measurements.
    pub fn forget(&self) {
        self.truth.state().forgets = true;
    }

    /// The endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does with the next requests. After the last act it accepts again.
    pub fn script(&self, acts: impl IntoIterator<Item = Act>) {
        self.truth.state().script.extend(acts);
    }

    /// The requests so far, in the order in which they began to come.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.truth.state().seen.clone()
    }

    /// Requests that came in whole.
    #[must_use]
    pub fn complete(&self) -> u64 {
        self.truth.state().complete
    }

    /// Connections accepted.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.truth.state().opened
    }

    /// Blocks the thread (and a runtime on it) until so many connections have been closed on this side, a minute at
    /// most. Whether they have.
    #[must_use]
    pub fn wait_closed(&self, connections: u64) -> bool {
        self.truth.wait(|state| state.closed >= connections)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // It may have stopped by itself; then there is nobody to tell.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Truth {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves counters and lists that are still good to read.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_all();
        result
    }

    fn wait(&self, until: impl Fn(&State) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), PATIENCE, |state| !until(state));
        waited.is_ok_and(|(_, timeout)| !timeout.timed_out())
    }
}
