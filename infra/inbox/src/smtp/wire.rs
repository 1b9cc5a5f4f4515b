//! Bytes in, bytes out: lines, message bodies and replies over one TCP stream.

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Room for one read. A pipelined message of usual size fits.
const READ_BYTES: usize = 16 * 1024;

/// Longest line that is taken as a command: what RFC 4954 (section 4) asks for AUTH, the longest there is.
const MAX_LINE: usize = 12_288;

/// Longest wait for a client to close its side after ours. Long enough for its last bytes, so that they do not
/// turn our orderly end into a reset; a client that stays is dropped.
const LINGER: Duration = Duration::from_secs(1);

/// The end of a message (RFC 5321, 4.1.1.4).
const TERMINATOR: &[u8] = b"\r\n.\r\n";

/// One step of input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A complete line, without its CRLF.
    Text(Bytes),
    /// Over [`MAX_LINE`]; what belongs to it was skipped.
    TooLong,
    /// Ended by a bare LF, which is no line end (RFC 5321, 2.3.8).
    BareLf,
}

/// A complete message.
#[derive(Debug)]
pub(super) enum Content {
    /// As it came, without the terminator, still dot-stuffed.
    Stuffed(Bytes),
    /// More than allowed; it was read and thrown away.
    TooLarge,
}

/// One connection with its buffers.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    input: BytesMut,
    /// How much of `input` was searched for an end before.
    searched: usize,
    /// What is being read is over its limit and is thrown away.
    skipping: bool,
    output: Vec<u8>,
    enhanced: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, enhanced: bool) -> Self {
        let input = BytesMut::with_capacity(READ_BYTES);
        Self { stream, input, searched: 0, skipping: false, output: Vec::with_capacity(512), enhanced }
    }

    /// Queues a one-line reply. `status` is left out if the inbox offers no enhanced status codes.
    pub(super) fn reply(&mut self, code: u16, status: &str, text: &str) {
        let gap = if self.enhanced && !status.is_empty() { " " } else { "" };
        let status = if self.enhanced { status } else { "" };
        self.raw(format_args!("{code}{gap}{status} {text}\r\n"));
    }

    /// Queues anything.
    pub(super) fn raw(&mut self, text: std::fmt::Arguments<'_>) {
        self.output.write_fmt(text).expect("writing to a Vec does not fail");
    }

    /// Writes what is queued, at once.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }

    /// The next line; writes what is queued before it waits. `None` at the end of the stream.
    pub(super) async fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take_line() {
                return Ok(Some(line));
            }
            self.flush().await?;
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Waits for the first octets of a message; writes what is queued before. `false` at the end of the stream.
    pub(super) async fn body_began(&mut self) -> io::Result<bool> {
        if self.input.is_empty() {
            self.flush().await?;
            return self.read().await;
        }
        Ok(true)
    }

    /// Exactly so many octets, whatever they are. `None` at the end of the stream.
    pub(super) async fn next_octets(&mut self, len: usize) -> io::Result<Option<Bytes>> {
        while self.input.len() < len {
            self.flush().await?;
            if !self.read().await? {
                return Ok(None);
            }
        }
        Ok(Some(self.input.split_to(len).freeze()))
    }

    /// Throws so many octets away as they come. `false` at the end of the stream.
    pub(super) async fn skip(&mut self, mut len: u64) -> io::Result<bool> {
        loop {
            let here = self.input.len().min(usize::try_from(len).unwrap_or(usize::MAX));
            self.input.advance(here);
            len -= here as u64;
            if len == 0 {
                return Ok(true);
            }
            self.flush().await?;
            if !self.read().await? {
                return Ok(false);
            }
        }
    }

    /// The rest of the message. `None` at the end of the stream.
    pub(super) async fn next_content(&mut self, max_bytes: usize) -> io::Result<Option<Content>> {
        loop {
            if let Some(content) = self.take_content(max_bytes) {
                return Ok(Some(content));
            }
            self.flush().await?;
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Completes when the client has gone; what it sends meanwhile is kept for later.
    pub(super) async fn gone(&mut self) {
        // A client that sends that much before it has its answer does not need to be watched any more.
        while self.input.len() < 64 * READ_BYTES {
            if !self.read().await.unwrap_or(false) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Ends the connection in order: the client reads all replies, then an end of file.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.shutdown().await?;
        let rest = async {
            while self.read().await? {
                self.input.clear();
            }
            Ok(())
        };
        tokio::time::timeout(LINGER, rest).await.unwrap_or(Ok(()))
    }

    /// Ends the connection hard: the client reads earlier replies at best, then "connection reset".
    pub(super) async fn reset(mut self) -> io::Result<()> {
        self.flush().await?;
        self.stream.set_zero_linger()
    }

    async fn read(&mut self) -> io::Result<bool> {
        self.input.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.input).await? > 0)
    }

    fn take_line(&mut self) -> Option<Line> {
        let Some(end) = memchr::memchr(b'\n', &self.input[self.searched..]) else {
            self.searched = self.input.len();
            if self.searched > MAX_LINE {
                self.skipping = true;
                self.input.clear();
                self.searched = 0;
            }
            return None;
        };
        let mut line = self.input.split_to(self.searched + end).freeze();
        self.input.advance(1);
        self.searched = 0;

        if std::mem::take(&mut self.skipping) || line.len() > MAX_LINE {
            return Some(Line::TooLong);
        }
        if line.last() != Some(&b'\r') {
            return Some(Line::BareLf);
        }
        line.truncate(line.len() - 1);
        Some(Line::Text(line))
    }

    fn take_content(&mut self, max_bytes: usize) -> Option<Content> {
        let Some((len, end)) = self.find_end() else {
            // Searched again: as much as a terminator can lack.
            self.searched = self.input.len().saturating_sub(TERMINATOR.len() - 1);
            if self.input.len() > max_bytes + TERMINATOR.len() {
                self.skipping = true;
                self.input.advance(self.searched);
                self.searched = 0;
            }
            return None;
        };
        let content = self.input.split_to(len).freeze();
        self.input.advance(end - len);
        self.searched = 0;
        let too_large = std::mem::take(&mut self.skipping) || content.len() > max_bytes;
        Some(if too_large { Content::TooLarge } else { Content::Stuffed(content) })
    }

    /// Length of the content and of all up to the next command.
    fn find_end(&self) -> Option<(usize, usize)> {
        // The CRLF before the dot may be that of DATA: an empty message.
        if self.searched == 0 && !self.skipping && self.input.starts_with(&TERMINATOR[2..]) {
            return Some((0, 3));
        }
        let at = self.searched + memmem::find(&self.input[self.searched..], TERMINATOR)?;
        Some((at + 2, at + TERMINATOR.len()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Our end of a connection, and the client's.
    async fn connected() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Wire::new(listener.accept().await.unwrap().0, true), client)
    }

    #[tokio::test]
    async fn octets_that_are_thrown_away_take_no_room() {
        const LEN: usize = 8 * 1024 * 1024;
        let (mut wire, mut client) = connected().await;
        let sending = tokio::spawn(async move {
            client.write_all(&vec![b'x'; LEN]).await.unwrap();
            client.write_all(b"NOOP\r\n").await.unwrap();
            client
        });
        assert!(wire.skip(LEN as u64).await.unwrap());
        assert!(!wire.input.try_reclaim(LEN / 8), "the buffer grew with them");
        assert_eq!(wire.next_line().await.unwrap(), Some(Line::Text("NOOP".into())));
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn octets_that_came_are_taken_where_they_lie_and_before_anything_is_written() {
        let (mut wire, _client) = connected().await;
        wire.input.extend_from_slice(b"octets and more");
        wire.reply(250, "", "ok");
        let here = wire.input.as_ptr();

        assert!(wire.body_began().await.unwrap());
        let octets = wire.next_octets(6).await.unwrap().unwrap();
        assert_eq!((&*octets, octets.as_ptr()), (&b"octets"[..], here));
        assert!(wire.skip(5).await.unwrap());
        assert_eq!((&*wire.input, &*wire.output), (&b"more"[..], &b"250 ok\r\n"[..]));
    }
}
