//! An SMTP server that does what the test says and knows the truth.
//!
//! For everything it is told it asks the test's script what to do: verbs are `CONNECT` (before the greeting), the
//! client's own (`EHLO`, `MAIL`, …), `TEXT` (a line that is no command: the steps of AUTH LOGIN), `BODY` (the first
//! bytes of a body are here), `.` (the whole body is here, also after BDAT) and `LONE` (it is here, but no recipient was
//! accepted). What it stored, heard and how many connections were open at once is in its [`Log`].

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::conversation::Session;
use crate::script::{Act, Delivery, Log, Mode, Said};

/// Said by the test to one session while it listens.
pub(crate) struct Order {
    pub(crate) say: Option<String>,
    pub(crate) done: oneshot::Sender<()>,
}

type Script = Arc<dyn Fn(&Said) -> Act + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) mode: Mode,
    pub(crate) delivery: Delivery,
    pub(crate) script: Script,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    log: watch::Sender<Log>,
    orders: mpsc::UnboundedSender<(usize, Order)>,
}

impl Server {
    /// In lockstep.
    pub(crate) async fn start(script: impl Fn(&Said) -> Act + Send + Sync + 'static) -> Self {
        Self::start_in(Mode::Lockstep, script).await
    }

    pub(crate) async fn start_in(mode: Mode, script: impl Fn(&Said) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(mode, Delivery::AtOnce, script).await
    }

    pub(crate) async fn start_with(
        mode: Mode,
        delivery: Delivery,
        script: impl Fn(&Said) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = watch::Sender::new(Log::default());
        let (orders, inbox) = mpsc::unbounded_channel();
        let manner = Manner { mode, delivery, script: Arc::new(script) };
        tokio::spawn(accept(listener, log.clone(), manner, inbox));
        Self { port, log, orders }
    }

    /// A server without surprises.
    pub(crate) async fn friendly() -> Self {
        Self::start(|_| Act::Usual).await
    }

    pub(crate) fn read<T>(&self, what: impl FnOnce(&Log) -> T) -> T {
        what(&self.log.borrow())
    }

    pub(crate) fn stored(&self) -> usize {
        self.read(|log| log.stored.len())
    }

    pub(crate) fn sessions(&self) -> usize {
        self.read(|log| log.sessions)
    }

    /// How often a line that starts so was heard.
    pub(crate) fn heard(&self, start: &str) -> usize {
        self.read(|log| log.heard.iter().filter(|(_, line)| line.starts_with(start)).count())
    }

    /// Waits, at most ten seconds, until the log says so.
    pub(crate) async fn until(&self, condition: impl FnMut(&Log) -> bool) {
        let mut log = self.log.subscribe();
        let wait = log.wait_for(condition);
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the server never saw it").unwrap();
    }

    /// Ends a session that is waiting for a command, with a last line or without. Returns when it is done.
    pub(crate) async fn hang_up(&self, session: usize, last_line: Option<&str>) {
        let (done, wait) = oneshot::channel();
        let order = Order { say: last_line.map(str::to_owned), done };
        assert!(self.orders.send((session, order)).is_ok());
        wait.await.unwrap();
    }
}

async fn accept(
    listener: TcpListener,
    log: watch::Sender<Log>,
    manner: Manner,
    mut inbox: mpsc::UnboundedReceiver<(usize, Order)>,
) {
    let mut sessions = Vec::<mpsc::UnboundedSender<Order>>::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (tcp, _) = accepted.unwrap();
                log.send_modify(|log| {
                    log.sessions += 1;
                    log.open += 1;
                    log.most_open = log.most_open.max(log.open);
                });
                let (orders, inbox) = mpsc::unbounded_channel();
                let (verb, line) = (String::new(), String::new());
                let said = Said { session: sessions.len(), message: 0, verb, line, more: false };
                sessions.push(orders);
                let (log, manner) = (log.clone(), manner.clone());
                let session = Session { tcp, buffer: Vec::new(), replies: Vec::new(), log, manner, inbox, said };
                tokio::spawn(session.run());
            }
            order = inbox.recv() => match order {
                Some((session, order)) => assert!(sessions[session].send(order).is_ok()),
                None => return,
            },
        }
    }
}
