//! What a test decides on, what it can decide, and what the server has seen.

use std::sync::Arc;

use tokio::sync::Barrier;

/// How a server takes commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One after another.
    Lockstep,
    /// Several at once, and 503 to DATA where no recipient was accepted.
    Pipelined,
    /// The same, but 354 to DATA in any case, and a refusal after the dot.
    Lenient,
    /// Several at once, and BDAT.
    Chunked,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::Lockstep, Self::Pipelined, Self::Lenient, Self::Chunked];
    pub(crate) const WITH_DATA: [Self; 3] = [Self::Lockstep, Self::Pipelined, Self::Lenient];
}

/// How a server's replies travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Each when it is known.
    AtOnce,
    /// All to the commands that are there, in one write (RFC 2920 section 3.2).
    Together,
    /// Octet by octet.
    Octets,
}

/// What a script decides on.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// Connections before this one.
    pub(crate) session: usize,
    /// Messages begun (MAIL) on all connections before this one.
    pub(crate) message: usize,
    pub(crate) verb: String,
    pub(crate) line: String,
    /// The client has sent more than this already.
    pub(crate) more: bool,
}

impl Said {
    /// The given verb of the very first message.
    pub(crate) fn first(&self, verb: &str) -> bool {
        self.message == 0 && self.verb == verb
    }
}

/// What a script can decide.
pub(crate) enum Act {
    /// As a friendly server would.
    Usual,
    /// This reply (CRLF is added) and go on.
    Say(String),
    /// This reply, then an orderly end.
    SayAndClose(String),
    /// These bytes, one write each.
    Pieces(Vec<Vec<u8>>),
    /// An orderly end.
    Fin,
    /// A reset.
    Rst,
    /// No reply, and none to anything later; go on listening.
    Silence,
    /// This reply, if any, and no listening for the rest of the test.
    Deaf(Option<String>),
    /// Only for `.`: keep the message, then do that.
    StoreAnd(Box<Act>),
    /// As usual, once that many sessions have come to this point.
    Together(Arc<Barrier>),
}

pub(crate) fn say(reply: &str) -> Act {
    Act::Say(reply.to_owned())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) session: usize,
    pub(crate) mail: String,
    pub(crate) rcpt: String,
    /// Without added dots and terminator.
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Session and line.
    pub(crate) heard: Vec<(usize, String)>,
    pub(crate) stored: Vec<Stored>,
    pub(crate) sessions: usize,
    pub(crate) closed: Vec<usize>,
    pub(crate) open: usize,
    pub(crate) most_open: usize,
    pub(crate) messages: usize,
    /// Texts for nobody.
    pub(crate) lone: usize,
}
