//! The server's side of an SMTP connection (RFC 5321) that accepts everything and only counts. No I/O.
//!
//! Input comes as the network cuts it; what came together is answered together, so that a pipelining client
//! (RFC 2920) costs one write per arrival. Bodies are not kept: a search for the line with the lone dot walks over
//! them once.

use bytes::{Buf, BytesMut};
use memchr::memchr;
use memchr::memmem::Finder;

use crate::mailer::tally::{Tally, hash};

/// Room for one arrival.
const READ: usize = 64 * 1024;
/// A command line that is longer is no command (RFC 5321 4.5.3.1.4 says 512).
const MAX_LINE: usize = 4096;
const TERMINATOR: &[u8] = b"\r\n.\r\n";
const ACCEPTED: &[u8] = b"250 2.0.0 accepted\r\n";

/// What comes next on the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Command,
    /// In a body that ends with a lone dot; `octets` of it have gone by.
    Body {
        octets: u64,
    },
    /// In a chunk of known length (RFC 3030).
    Chunk {
        left: u64,
        last: bool,
    },
    /// The client said QUIT.
    Closing,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Dialogue {
    input: BytesMut,
    state: State,
    terminator: Finder<'static>,
    chunking: bool,
    /// The hash of the recipient of the message under way.
    recipient: u64,
    /// Octets of the chunks of the message under way.
    chunks: u64,
}

impl Dialogue {
    pub(crate) fn new(chunking: bool) -> Self {
        Self {
            input: BytesMut::new(),
            state: State::Command,
            terminator: Finder::new(TERMINATOR),
            chunking,
            recipient: 0,
            chunks: 0,
        }
    }

    /// What the server says first.
    pub(crate) const GREETING: &[u8] = b"220 sink.example ESMTP\r\n";

    /// Where to read the next arrival to.
    pub(crate) fn room(&mut self) -> &mut BytesMut {
        self.input.reserve(READ);
        &mut self.input
    }

    /// Answers all that has come.
    pub(crate) fn answer(&mut self, replies: &mut Vec<u8>, tally: &mut Tally) {
        while self.step(replies, tally).is_some() {}
    }

    /// Nothing more is to be said.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Closing
    }

    /// One command, or one piece of a message; `None` until more comes.
    fn step(&mut self, replies: &mut Vec<u8>, tally: &mut Tally) -> Option<()> {
        match self.state {
            State::Command => self.command(replies, tally),
            State::Body { octets } => self.body(octets, replies, tally),
            State::Chunk { left, last } => self.chunk(left, last, replies, tally),
            State::Closing => None,
        }
    }

    fn command(&mut self, replies: &mut Vec<u8>, tally: &mut Tally) -> Option<()> {
        let Some(end) = memchr(b'\n', &self.input) else {
            if self.input.len() > MAX_LINE {
                self.state = State::Closing;
                replies.extend_from_slice(b"500 5.5.2 too long\r\n");
            }
            return None;
        };
        let line = self.input[..end].trim_ascii_end();
        let (verb, rest) = line.split_at(line.len().min(4));
        let mut word = [0; 4];
        word[..verb.len()].copy_from_slice(verb);
        word.make_ascii_uppercase();
        let reply: &[u8] = match &word {
            b"EHLO" if self.chunking => {
                b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n250-CHUNKING\r\n\
                  250 ENHANCEDSTATUSCODES\r\n"
            }
            b"EHLO" => {
                b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n\
                  250 ENHANCEDSTATUSCODES\r\n"
            }
            b"RCPT" => {
                self.recipient = hash(path(rest));
                b"250 2.1.5 recipient\r\n"
            }
            b"DATA" => {
                self.state = State::Body { octets: 0 };
                b"354 go on\r\n"
            }
            b"BDAT" => match chunk_of(rest) {
                Some((left, last)) => {
                    self.state = State::Chunk { left, last };
                    b""
                }
                None => b"501 5.5.4 how many octets?\r\n",
            },
            b"HELO" | b"MAIL" | b"RSET" | b"NOOP" => b"250 2.0.0 ok\r\n",
            b"QUIT" => {
                self.state = State::Closing;
                b"221 2.0.0 bye\r\n"
            }
            _ => b"500 5.5.1 unknown\r\n",
        };
        replies.extend_from_slice(reply);
        self.input.advance(end + 1);
        // An empty chunk needs no further input.
        if let State::Chunk { left: 0, last } = self.state {
            return self.chunk(0, last, replies, tally);
        }
        Some(())
    }

    fn body(&mut self, octets: u64, replies: &mut Vec<u8>, tally: &mut Tally) -> Option<()> {
        // The line break before the dot of an empty body is the one of DATA.
        let is_empty = octets == 0 && self.input.starts_with(&TERMINATOR[2..]);
        let end = if is_empty { Some(3) } else { self.terminator.find(&self.input).map(|at| at + 5) };
        let Some(end) = end else {
            // Its first bytes may be here already.
            let seen = self.input.len().saturating_sub(TERMINATOR.len() - 1);
            self.input.advance(seen);
            self.state = State::Body { octets: octets + seen as u64 };
            return None;
        };
        self.input.advance(end);
        self.state = State::Command;
        tally.add(self.recipient, octets + end as u64);
        replies.extend_from_slice(ACCEPTED);
        Some(())
    }

    fn chunk(&mut self, left: u64, last: bool, replies: &mut Vec<u8>, tally: &mut Tally) -> Option<()> {
        let here = left.min(self.input.len() as u64);
        self.input.advance(usize::try_from(here).unwrap_or(self.input.len()));
        self.chunks += here;
        if here < left {
            self.state = State::Chunk { left: left - here, last };
            return None;
        }
        self.state = State::Command;
        if last {
            tally.add(self.recipient, std::mem::take(&mut self.chunks));
        }
        replies.extend_from_slice(ACCEPTED);
        Some(())
    }
}

/// What stands between the brackets of `RCPT TO:<...>`.
fn path(rest: &[u8]) -> &[u8] {
    let from = memchr(b'<', rest).map_or(0, |at| at + 1);
    let to = memchr(b'>', rest).unwrap_or(rest.len());
    rest.get(from..to).unwrap_or_default()
}

/// The `42 LAST` of `BDAT 42 LAST`.
fn chunk_of(rest: &[u8]) -> Option<(u64, bool)> {
    let mut words = std::str::from_utf8(rest).ok()?.split_ascii_whitespace();
    let octets = words.next()?.parse().ok()?;
    Some((octets, words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST"))))
}

#[cfg(test)]
mod tests;
