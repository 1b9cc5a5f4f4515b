//! The conversation on one connection (RFC 5321).
//!
//! Input is read into one buffer and taken from it command by command; replies gather in another, which is
//! written when no complete command is left. So a burst of commands is answered in order and in one write
//! (RFC 2920), wherever the network cut it.

mod chunks;
mod command;
mod content;
mod instead;
mod login;
mod session;
mod transaction;
mod wire;

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::script::HangUp;
use crate::shared::Shared;
use wire::Wire;

/// How the conversation goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// With the next command.
    Go,
    /// Not: written replies are delivered, then the connection ends in order.
    Close,
    /// Not: the connection is reset.
    Reset,
}

impl From<HangUp> for Flow {
    fn from(by: HangUp) -> Self {
        match by {
            HangUp::Close => Self::Close,
            HangUp::Reset => Self::Reset,
        }
    }
}

/// Talks to one client until either side has enough.
///
/// # Errors
///
/// The client went away in the middle of something.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut wire = Wire::new(stream, shared.config.capabilities.enhanced_status_codes);
    let limit = shared.director().script.max_connections;
    let Some(admitted) = shared.admit(limit) else {
        wire.reply(421, "4.7.0", "too many connections");
        return wire.close().await;
    };

    let mut session = session::Session::new(wire, shared, admitted.number);
    let flow = session.run().await;
    // Not open any more from the moment the client can see it: it may connect again at once.
    drop(admitted);
    match flow? {
        Flow::Go => Ok(()),
        Flow::Close => session.into_wire().close().await,
        Flow::Reset => session.into_wire().reset().await,
    }
}
