//! What a test decides on, what it can decide, and what the server has seen.

use std::sync::Arc;

use tokio::sync::Barrier;

/// What a script decides on.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// Connections before this one.
    pub(crate) session: usize,
    /// Messages begun (MAIL) on all connections before this one.
    pub(crate) message: usize,
    pub(crate) verb: String,
    pub(crate) line: String,
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
    /// No reply; go on listening.
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
}
