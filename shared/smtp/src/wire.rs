//! Commands out, replies in, each within its time.
//!
//! Lockstep: [`Wire::command`] writes one line and reads one reply. Pipelining will write several
//! lines and call [`Wire::reply`] as often.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::budget::clip;
use crate::failure::Failure;
use crate::reply::{Reply, ReplyError, ReplyReader};
use crate::stream::Stream;

/// Replies are short; EHLO's fits too.
const READ_CHUNK: usize = 2048;

/// How long to look for the reason after the server stopped taking a body. It has been sent by then or never will.
const LAST_WORD_PATIENCE: Duration = Duration::from_millis(100);

/// A stream that speaks in lines and replies.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    replies: ReplyReader,
    /// Past this moment nothing is waited for.
    until: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, replies: ReplyReader::default(), until: None }
    }

    /// The stream alone, where nothing has been read beyond the last reply: what came in the clear must not be
    /// taken for an answer under TLS (RFC 3207 section 6).
    pub(crate) fn into_stream(self) -> Result<Stream, Failure> {
        if self.replies.is_empty() { Ok(self.stream) } else { Err(Failure::Protocol(ReplyError::Unasked)) }
    }

    /// Lets no later step wait past `until`.
    pub(crate) fn set_deadline(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// One command (with its CRLF) and its reply, both within `limit`.
    pub(crate) async fn command(&mut self, line: &[u8], limit: Duration) -> Result<Reply, Failure> {
        if !self.replies.is_empty() {
            return self.unasked(limit).await;
        }
        let limit = clip(limit, self.until);
        let exchange = async {
            let mut written = 0;
            write_all(&mut self.stream, line, &mut written).await?;
            read_reply(&mut self.stream, &mut self.replies).await
        };
        timeout(limit, exchange).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self, limit: Duration) -> Result<Reply, Failure> {
        let limit = clip(limit, self.until);
        let read = read_reply(&mut self.stream, &mut self.replies);
        timeout(limit, read).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    /// Writes all of a body in as few writes as the kernel allows. An error means that its last byte was
    /// surely not written; `Ok(Some)` too: then the server gave its verdict and stopped listening.
    pub(crate) async fn body(&mut self, bytes: &[u8], limit: Duration) -> Result<Option<Reply>, Failure> {
        let limit = clip(limit, self.until);
        let patience = LAST_WORD_PATIENCE.min(limit / 10);
        let mut written = 0;
        let write = write_all(&mut self.stream, bytes, &mut written);
        let result = match timeout(limit - patience, write).await {
            Ok(result) => result,
            Err(_) => Err(Failure::TimedOut(limit)),
        };
        // A body that was written up to its last byte counts as sent, however the call ended.
        if written == bytes.len() {
            return Ok(None);
        }
        match (result, self.last_word(patience).await) {
            (Err(_), Some(reply)) => Ok(Some(reply)),
            (Err(failure), None) => Err(failure),
            (Ok(()), _) => Ok(None),
        }
    }

    /// Why the server stopped taking a body, where it says so.
    async fn last_word(&mut self, patience: Duration) -> Option<Reply> {
        self.reply(patience).await.ok().filter(|reply| reply.class() >= 4)
    }

    /// What the server says without being asked: a 421 is an answer to anything, the rest is an error.
    pub(crate) async fn unasked(&mut self, limit: Duration) -> Result<Reply, Failure> {
        let reply = self.reply(limit).await?;
        if reply.code() == 421 { Ok(reply) } else { Err(Failure::Protocol(ReplyError::Unasked)) }
    }

    /// Nothing is left to read and the server has not gone, as far as can be seen without asking it.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.replies.is_empty() && self.stream.is_quiet()
    }

    /// Writes without waiting and without knowing whether it worked.
    pub(crate) fn try_write(&mut self, line: &[u8]) {
        // Nothing depends on a farewell.
        let _ = self.stream.try_write(line);
    }
}

/// `written` counts also when the future is dropped.
async fn write_all(stream: &mut Stream, bytes: &[u8], written: &mut usize) -> Result<(), Failure> {
    while *written < bytes.len() {
        match stream.write(&bytes[*written..]).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(n) => *written += n,
            Err(err) => return Err(Failure::Write(err)),
        }
    }
    Ok(())
}

async fn read_reply(stream: &mut Stream, replies: &mut ReplyReader) -> Result<Reply, Failure> {
    let mut chunk = [0; READ_CHUNK];
    loop {
        if let Some(reply) = replies.next().map_err(Failure::Protocol)? {
            return Ok(reply);
        }
        match stream.read(&mut chunk).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(n) => replies.push(&chunk[..n]),
            Err(err) => return Err(Failure::Read(err)),
        }
    }
}
