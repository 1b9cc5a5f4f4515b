//! What the server does with one request.

use std::time::Duration;

use super::{Seen, http};

/// What the server does with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Accepts it.
    Accept,
    /// Accepts it, promises to keep the connection, and closes it at once: an idle connection's end.
    AcceptThenClose,
    /// Accepts it, and says something that nobody asked for.
    AcceptThenTalk,
    /// Accepts it, says that this was the last one, and leaves it to the client to close.
    AcceptAsLast,
    /// Accepts it after this time.
    Slow(Duration),
    /// An error of SES: HTTP status, error name, text.
    Refuse(u16, &'static str, &'static str),
    /// This status and body.
    Answer(u16, String),
    /// These bytes, and the end of the connection.
    Raw(Vec<u8>),
    /// The first bytes of the answer that accepts, and the end of the connection.
    Cut(usize),
    /// An answer that accepts and promises more body than comes, and the end of the connection.
    WrongLength,
    /// These bytes after the first of the request, of which nothing more is read.
    Early(Vec<u8>),
    /// The end of the connection, in an orderly way.
    Close(When),
    /// The end of the connection by RST.
    Reset(When),
    /// Nothing at all; what has not been read by then never is.
    Stall(When),
}

/// At which point of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before anything of it is read.
    Before,
    /// After its first bytes.
    Amid,
    /// After its last byte.
    After,
}

/// What an act comes to.
pub(super) struct Deed {
    pub(super) delay: Duration,
    pub(super) write: Vec<u8>,
    pub(super) then: Then,
}

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It is kept.
    Keep,
    /// An orderly end.
    Close,
    /// RST.
    Reset,
    /// Nothing, until the client goes.
    Wait,
    /// Nothing, and nothing more is read, until the server stops.
    Hang,
}

impl Deed {
    pub(super) fn answer(write: Vec<u8>) -> Self {
        Self { delay: Duration::ZERO, write, then: Then::Keep }
    }

    fn and(write: Vec<u8>, then: Then) -> Self {
        Self { then, ..Self::answer(write) }
    }
}

impl Act {
    /// At which point it does something else than reading; `After` for what answers.
    pub(super) fn when(&self) -> When {
        match self {
            Self::Close(when) | Self::Reset(when) | Self::Stall(when) => *when,
            Self::Early(_) => When::Amid,
            Self::Accept
            | Self::AcceptThenClose
            | Self::AcceptThenTalk
            | Self::AcceptAsLast
            | Self::Slow(_)
            | Self::Refuse(..)
            | Self::Answer(..)
            | Self::Raw(_)
            | Self::Cut(_)
            | Self::WrongLength => When::After,
        }
    }

    /// What is written, and what becomes of the connection.
    pub(super) fn deed(self, seen: &Seen, number: u64) -> Deed {
        let success = || http::success(seen, number);
        match self {
            Self::Accept => Deed::answer(success()),
            Self::AcceptThenClose => Deed::and(success(), Then::Close),
            Self::AcceptThenTalk => {
                Deed::and([success(), http::refusal(408, "RequestTimeout", "idle")].concat(), Then::Wait)
            }
            Self::AcceptAsLast => Deed::and(http::as_last(success()), Then::Wait),
            Self::Slow(delay) => Deed { delay, ..Deed::answer(success()) },
            Self::Refuse(status, name, text) => Deed::answer(http::refusal(status, name, text)),
            Self::Answer(status, body) => Deed::answer(http::answer(status, "", &body)),
            Self::Raw(bytes) => Deed::and(bytes, Then::Close),
            Self::Cut(end) => {
                let mut bytes = success();
                bytes.truncate(end);
                Deed::and(bytes, Then::Close)
            }
            Self::WrongLength => {
                let whole = http::answer(200, "", &" ".repeat(999));
                Deed::and(whole[..whole.len() - 900].to_vec(), Then::Close)
            }
            Self::Early(bytes) => Deed::and(bytes, Then::Hang),
            Self::Close(_) => Deed::and(Vec::new(), Then::Close),
            Self::Reset(_) => Deed::and(Vec::new(), Then::Reset),
            Self::Stall(When::After) => Deed::and(Vec::new(), Then::Wait),
            Self::Stall(_) => Deed::and(Vec::new(), Then::Hang),
        }
    }
}
