//! Commands out, replies in, each within its time.
//!
//! Lockstep: [`Wire::command`] writes one line and reads one reply. Pipelining (RFC 2920) fills the buffer
//! [`Wire::out`] with several lines, lets [`Wire::flush`] or [`Wire::body`] write it, and calls
//! [`Wire::reply`] as often.

use std::io::IoSlice;
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
    /// Commands to be written. Keeps its memory.
    pub(crate) out: Vec<u8>,
    /// Past this moment nothing is waited for.
    until: Option<Instant>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, replies: ReplyReader::default(), out: Vec::new(), until: None }
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

    /// What is left of `limit` before the deadline.
    pub(crate) fn clip(&self, limit: Duration) -> Duration {
        clip(limit, self.until)
    }

    /// One command (with its CRLF) and its reply, both within `limit`.
    pub(crate) async fn command(&mut self, line: &[u8], limit: Duration) -> Result<Reply, Failure> {
        if !self.replies.is_empty() {
            return self.unasked(limit).await;
        }
        let limit = clip(limit, self.until);
        let exchange = async {
            write_all(&mut self.stream, line).await?;
            read_reply(&mut self.stream, &mut self.replies).await
        };
        timeout(limit, exchange).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    /// The next reply, if it has been read already.
    pub(crate) fn read_ahead(&mut self) -> Option<Result<Reply, Failure>> {
        self.replies.next().map_err(Failure::Protocol).transpose()
    }

    /// The next reply. Cancel safe: a dropped call has lost nothing.
    pub(crate) async fn reply(&mut self, limit: Duration) -> Result<Reply, Failure> {
        let limit = clip(limit, self.until);
        let read = read_reply(&mut self.stream, &mut self.replies);
        timeout(limit, read).await.unwrap_or(Err(Failure::TimedOut(limit)))
    }

    /// Writes what is in `out`.
    pub(crate) async fn flush(&mut self, limit: Duration) -> Result<(), Failure> {
        let limit = clip(limit, self.until);
        let write = write_all(&mut self.stream, &self.out);
        let result = timeout(limit, write).await.unwrap_or(Err(Failure::TimedOut(limit)));
        self.out.clear();
        result
    }

    /// Writes what is in `out`, all of `body` and, as far as the kernel takes it along, `behind`; the rest of that
    /// stays in `out`. As few writes as the kernel allows. An error means that the last byte of the body was
    /// surely not written; `Ok(Some)` too: then the server gave its verdict and stopped listening.
    pub(crate) async fn body(
        &mut self,
        body: &[u8],
        behind: &[u8],
        limit: Duration,
    ) -> Result<Option<Reply>, Failure> {
        let limit = clip(limit, self.until);
        let patience = LAST_WORD_PATIENCE.min(limit / 10);
        let write = write_joined(&mut self.stream, &mut self.out, body, behind);
        match timeout(limit - patience, write).await.unwrap_or(Err(Failure::TimedOut(limit))) {
            Ok(()) => Ok(None),
            Err(failure) => self.last_word(patience).await.map_or(Err(failure), |reply| Ok(Some(reply))),
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

async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        match stream.write(bytes).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(n) => bytes = &bytes[n..],
            Err(err) => return Err(Failure::Write(err)),
        }
    }
    Ok(())
}

/// Ends when the last byte of `body` is written. Whoever drops it cannot know how far it came, so it leaves no
/// moment in which that byte is written and it has not ended: the last `write` decides both.
async fn write_joined(
    stream: &mut Stream,
    out: &mut Vec<u8>,
    body: &[u8],
    behind: &[u8],
) -> Result<(), Failure> {
    let end = out.len() + body.len();
    let mut parts = [IoSlice::new(out), IoSlice::new(body), IoSlice::new(behind)];
    let (mut left, mut written) = (&mut parts[..], 0);
    while written < end {
        match stream.write_vectored(left).await {
            Ok(0) => return Err(Failure::Closed),
            Ok(n) => {
                written += n;
                IoSlice::advance_slices(&mut left, n);
            }
            Err(err) => return Err(Failure::Write(err)),
        }
    }
    out.clear();
    out.extend_from_slice(&behind[written - end..]);
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn what_the_kernel_does_not_take_with_the_body_follows_later() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut wire = Wire::new(Stream::plain(tcp).unwrap());
        let (body, limit) = (b"text\r\n.\r\n", Duration::from_secs(10));
        // More than the kernel keeps between two sockets, and nobody reads yet.
        let behind = b"NOOP\r\n".repeat(5_000_000);

        assert!(matches!(wire.body(body, &behind, limit).await, Ok(None)));
        assert!(!wire.out.is_empty(), "the kernel took all; this proves nothing");
        let mut read = Vec::new();
        let all = body.len() + behind.len();
        let reader = async {
            while read.len() < all {
                peer.read_buf(&mut read).await.unwrap();
            }
        };
        let (flushed, ()) = tokio::join!(wire.flush(limit), reader);

        flushed.unwrap();
        assert!(read.starts_with(body) && read[body.len()..] == behind[..]);
    }
}
