//! Connections: one task each, one act for each request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::act::{Act, Deed, Then, When};
use super::http;
use super::{Seen, Truth};

/// How much of a request is its beginning.
const FIRST_BYTES: usize = 64;
const READ_CHUNK: usize = 64 * 1024;

/// Takes connections until it is dropped, and they with it.
pub(super) async fn accept(listener: TcpListener, truth: Arc<Truth>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        truth.change(|state| state.opened += 1);
        let truth = Arc::clone(&truth);
        connections.spawn(async move {
            // A client that goes away is what many acts are about.
            let _ = connection(tcp, &truth).await;
            truth.change(|state| state.closed += 1);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut tcp: TcpStream, truth: &Truth) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        if buffer.is_empty() && tcp.peek(&mut [0]).await? == 0 {
            return Ok(());
        }
        let act = truth.change(|state| state.script.pop_front()).unwrap_or(Act::Accept);
        let seen = request(&mut tcp, &mut buffer, act.when()).await;
        if !seen.complete && act.when() == When::After {
            truth.note(seen);
            return Ok(());
        }
        let deed = truth.decide(seen, act);
        tokio::time::sleep(deed.delay).await;
        tcp.write_all(&deed.write).await?;
        match deed.then {
            Then::Keep => {}
            Then::Close => return tcp.shutdown().await,
            Then::Reset => return SockRef::from(&tcp).set_linger(Some(Duration::ZERO)),
            Then::Wait => return until_closed(&mut tcp).await,
        }
    }
}

/// Reads as much of a request as the act wants, and takes it out of the buffer.
async fn request(tcp: &mut TcpStream, buffer: &mut Vec<u8>, when: When) -> Seen {
    loop {
        let (seen, used) = http::parse(buffer);
        let enough = match when {
            When::Before => true,
            When::Amid => buffer.len() >= FIRST_BYTES,
            When::After => seen.complete,
        };
        if enough {
            buffer.drain(..used);
            return seen;
        }
        let limit = if when == When::Amid { FIRST_BYTES } else { READ_CHUNK };
        buffer.reserve(limit);
        match (&mut *tcp).take(limit as u64).read_buf(buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return seen,
        }
    }
}

async fn until_closed(tcp: &mut TcpStream) -> io::Result<()> {
    let mut sink = [0; 4096];
    while tcp.read(&mut sink).await? > 0 {}
    Ok(())
}

impl Truth {
    fn note(&self, seen: Seen) {
        self.change(|state| {
            if !state.forgets {
                state.seen.push(seen)
            }
        });
    }

    /// Notes a request and what it is answered, before the client can know.
    fn decide(&self, mut seen: Seen, act: Act) -> Deed {
        self.change(|state| {
            state.complete += u64::from(seen.complete);
            let deed = if seen.complete && !http::is_signed(&seen) {
                Deed::answer(http::refusal(403, "IncompleteSignatureException", "its signature has no shape"))
            } else {
                act.deed(&seen, state.complete)
            };
            seen.status = http::status(&deed.write);
            if !state.forgets {
                state.seen.push(seen);
            }
            deed
        })
    }
}
