//! An SMTP server that accepts everything and only counts: fast enough not to be what is measured.
//!
//! One thread. With a delay it is as far away as that round trip: each connection has a line of replies that are
//! due one delay after what they answer came in, so what arrived together is answered together. (A sleep before
//! each reply would charge a pipelining client for every command.)

mod dialogue;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

use super::tally::Tally;
use dialogue::Dialogue;

/// How the sink behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct SinkOptions {
    /// The round trip that it seems to be away.
    pub delay: Duration,
    /// Whether it offers CHUNKING.
    pub chunking: bool,
}

/// What has been counted since it was last asked.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<Mutex<Tally>>);

impl Counter {
    /// The count so far; the next one begins at zero.
    #[must_use]
    pub fn take(&self) -> Tally {
        self.with(std::mem::take)
    }

    /// Counts.
    pub fn with<R>(&self, count: impl FnOnce(&mut Tally) -> R) -> R {
        // A tally is never left half changed.
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves every connection to `listener`, for ever.
///
/// # Errors
///
/// If connections cannot be accepted any more.
pub async fn serve(listener: TcpListener, options: SinkOptions, counter: Counter) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let counter = counter.clone();
        // A client that breaks off shows in the count.
        tokio::spawn(async move { drop(converse(stream, options, &counter).await) });
    }
}

async fn converse(mut stream: TcpStream, options: SinkOptions, counter: &Counter) -> io::Result<()> {
    let mut dialogue = Dialogue::new(options.chunking);
    let mut late = DelayLine::new(options.delay);
    late.push(Dialogue::GREETING.to_vec());
    loop {
        while let Some(replies) = late.take_due() {
            stream.write_all(&replies).await?;
        }
        if dialogue.is_over() && late.line.is_empty() {
            return stream.shutdown().await;
        }
        tokio::select! {
            read = stream.read_buf(dialogue.room()), if !dialogue.is_over() => {
                if read? == 0 {
                    return Ok(());
                }
                let mut replies = Vec::new();
                counter.with(|tally| dialogue.answer(&mut replies, tally));
                late.push(replies);
            }
            () = late.due(), if !late.line.is_empty() => {}
        }
    }
}

/// Replies on their way.
struct DelayLine {
    delay: Duration,
    line: VecDeque<(Instant, Vec<u8>)>,
}

impl DelayLine {
    fn new(delay: Duration) -> Self {
        Self { delay, line: VecDeque::new() }
    }

    fn push(&mut self, replies: Vec<u8>) {
        if !replies.is_empty() {
            self.line.push_back((Instant::now() + self.delay, replies));
        }
    }

    /// What has arrived at the other end.
    fn take_due(&mut self) -> Option<Vec<u8>> {
        let (due, _) = self.line.front()?;
        let is_due = self.delay.is_zero() || *due <= Instant::now();
        if is_due { self.line.pop_front().map(|(_, replies)| replies) } else { None }
    }

    /// Waits for the first in the line.
    async fn due(&self) {
        if let Some((due, _)) = self.line.front() {
            sleep_until(*due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailer::tally::hash;

    async fn connect(options: SinkOptions) -> (TcpStream, Counter) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, counter) = (listener.local_addr().unwrap(), Counter::default());
        tokio::spawn(serve(listener, options, counter.clone()));
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let mut greeting = vec![0; Dialogue::GREETING.len()];
        stream.read_exact(&mut greeting).await.unwrap();
        (stream, counter)
    }

    #[tokio::test]
    async fn commands_that_came_together_are_answered_together_one_round_trip_later() {
        let delay = Duration::from_millis(60);
        let (mut stream, _) = connect(SinkOptions { delay, chunking: false }).await;
        let asked = Instant::now();
        stream.write_all(b"NOOP\r\n".repeat(20).as_slice()).await.unwrap();
        let mut replies = vec![0; 20 * b"250 2.0.0 ok\r\n".len()];
        stream.read_exact(&mut replies).await.unwrap();
        let waited = asked.elapsed();
        assert!(waited >= delay, "{waited:?}");
        assert!(waited < 10 * delay, "twenty commands waited for one by one: {waited:?}");
    }

    #[tokio::test]
    async fn what_came_later_does_not_queue_behind_what_came_before() {
        let delay = Duration::from_millis(200);
        let (mut stream, _) = connect(SinkOptions { delay, chunking: false }).await;
        stream.set_nodelay(true).unwrap();
        let asked = Instant::now();
        for _ in 0..20 {
            stream.write_all(b"NOOP\r\n").await.unwrap();
            // Arrivals of their own.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let mut replies = vec![0; 20 * b"250 2.0.0 ok\r\n".len()];
        stream.read_exact(&mut replies).await.unwrap();
        let waited = asked.elapsed();
        assert!(waited >= delay && waited < 10 * delay, "{waited:?}");
    }

    #[tokio::test]
    async fn a_count_begins_anew_when_it_is_taken() {
        let (mut stream, counter) = connect(SinkOptions::default()).await;
        let wire = b"MAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\nbody\r\n.\r\nQUIT\r\n";
        stream.write_all(wire).await.unwrap();
        let mut replies = String::new();
        stream.read_to_string(&mut replies).await.unwrap();
        let tally = counter.take();
        assert_eq!((tally.messages, tally.recipients), (1, hash(b"a@x.example")), "{replies}");
        assert_eq!(counter.take(), Tally::default());
    }
}
