//! The listener: takes connections, can refuse them, and comes back on the same port.
//!
//! While connections are refused, a socket that is bound but does not listen keeps the port: connecting to it
//! is refused by the system, and no other program can take the port meanwhile.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::shared::Shared;
use crate::smtp;

/// Connections that the system completes before they are taken. Linux caps it at `net.core.somaxconn`.
const BACKLOG: u32 = 4096;

/// Wait after a connection could not be taken: out of descriptors, mostly, and one that closes makes room.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What the listener does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Takes connections.
    Listening,
    /// The system refuses connections.
    Refusing,
    /// Could not listen again.
    Broken,
}

/// Serves SMTP until told to stop; then all connections are dropped.
pub(crate) async fn serve(
    mut listener: TcpListener,
    shared: Arc<Shared>,
    mut refuse: watch::Receiver<bool>,
    gate: watch::Sender<Gate>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    tokio::select! {
        _ = stop.wait_for(|&stop| stop) => {}
        err = async {
            loop {
                take_until_refused(&listener, &shared, &mut refuse, &mut connections).await;
                match reopen(listener, &mut refuse, &gate).await {
                    Ok(reopened) => listener = reopened,
                    Err(err) => break err,
                }
            }
        } => {
            warn!(error = %err, "listener did not come back");
            gate.send_replace(Gate::Broken);
        }
    }
    connections.shutdown().await;
}

/// A socket that is bound, listening or not.
pub(crate) fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// Makes a bound socket listen.
pub(crate) fn listen(socket: TcpSocket) -> io::Result<TcpListener> {
    socket.listen(BACKLOG)
}

async fn take_until_refused(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    refuse: &mut watch::Receiver<bool>,
    connections: &mut JoinSet<()>,
) {
    loop {
        tokio::select! {
            biased;
            () = becomes(refuse, true) => return,
            Some(_) = connections.join_next() => {}
            taken = listener.accept() => match taken {
                Ok((stream, _)) => { connections.spawn(converse(stream, shared.clone())); }
                Err(err) => {
                    debug!(error = %err, "could not take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn reopen(
    listener: TcpListener,
    refuse: &mut watch::Receiver<bool>,
    gate: &watch::Sender<Gate>,
) -> io::Result<TcpListener> {
    let addr = listener.local_addr()?;
    drop(listener);
    let placeholder = bind(addr)?;
    gate.send_replace(Gate::Refusing);

    becomes(refuse, false).await;
    let listener = listen(placeholder)?;
    gate.send_replace(Gate::Listening);
    Ok(listener)
}

async fn becomes(refuse: &mut watch::Receiver<bool>, wanted: bool) {
    // The sender lives in `Shared`, which `serve` holds, so this ends only by the value.
    let _ = refuse.wait_for(|&refuse| refuse == wanted).await;
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(err) = smtp::serve(stream, shared).await {
        debug!(error = %err, "connection was lost");
    }
}
