//! The transport under a session: TCP, or TLS over it.
//!
//! With TLS, bytes that [`Stream::write`] has taken may still wait inside rustls (64 KB at most) until the socket takes
//! them. They are pushed on by the next write or read, count as written from the moment they are taken, and
//! what goes wrong with them shows then. So an error of a write is never about bytes of which some may have
//! left, and whoever asks whether the server *surely* lacks the last byte of a message is never told too much.

use std::future::poll_fn;
use std::io::{self, IoSlice, Write as _};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::config::ServerConfig;
use crate::failure::Failure;
use crate::tls;
use crate::transcript::SharedRecorder;

/// As much as rustls takes at once.
const JOINED: usize = 64 * 1024;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP without TLS.
    Plain(TcpStream),
    /// TCP with TLS, after its handshake.
    Tls(Box<TlsStream<TcpStream>>),
    /// One of the others, and what passes through it is recorded.
    Recorded(Box<Recorded>),
}

/// See [`Stream::Recorded`].
#[derive(Debug)]
pub(crate) struct Recorded {
    stream: Stream,
    recorder: SharedRecorder,
}

impl Stream {
    /// Takes a fresh TCP connection. Without `TCP_NODELAY` every message would wait for a delayed
    /// acknowledgement, about 40 ms.
    pub(crate) fn plain(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        Ok(Self::Plain(tcp))
    }

    /// The same connection, recorded from here on.
    pub(crate) fn recorded(self, recorder: SharedRecorder) -> Self {
        if let Self::Plain(tcp) = &self
            && let Ok(peer) = tcp.peer_addr()
        {
            recorder.borrow().note(&format!("connected to {peer}"));
        }
        Self::Recorded(Box::new(Recorded { stream: self, recorder }))
    }

    /// The same connection under TLS, after a handshake of at most `limit`.
    pub(crate) async fn secure(self, config: &ServerConfig, limit: Duration) -> Result<Self, Failure> {
        match self {
            Self::Plain(tcp) => Ok(Self::Tls(Box::new(tls::handshake(tcp, config, limit).await?))),
            Self::Tls(_) => Ok(self),
            Self::Recorded(recorded) => {
                let Recorded { stream, recorder } = *recorded;
                let stream = Box::pin(stream.secure(config, limit)).await?;
                if let Self::Tls(tls) = &stream {
                    recorder.borrow().note(&tls::description(tls));
                }
                Ok(Self::Recorded(Box::new(Recorded { stream, recorder })))
            }
        }
    }

    /// Bytes read; 0 is the end.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer).await,
            Self::Tls(tls) => poll_fn(|cx| poll_read(tls, cx, buffer)).await,
            Self::Recorded(recorded) => {
                let read = Box::pin(recorded.stream.read(buffer)).await?;
                recorded.recorder.borrow().hear(&buffer[..read]);
                Ok(read)
            }
        }
    }

    /// Bytes taken by the kernel, or by rustls. Cancel safe: a dropped call has written nothing.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes).await,
            Self::Tls(tls) => poll_fn(|cx| poll_write(tls, cx, bytes)).await,
            Self::Recorded(recorded) => {
                let written = Box::pin(recorded.stream.write(bytes)).await?;
                recorded.recorder.borrow().say(&bytes[..written]);
                Ok(written)
            }
        }
    }

    /// The same of several parts, as if they were one. TLS has to copy them anyway, and gets them together.
    pub(crate) async fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write_vectored(parts).await,
            Self::Tls(_) | Self::Recorded(_) => self.write(&joined(parts)).await,
        }
    }

    /// Writes what the kernel (or rustls) takes at once, without waiting.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
            Self::Tls(tls) => {
                let (tcp, session) = tls.get_mut();
                session.writer().write_all(bytes)?;
                let socket = SockRef::from(&*tcp);
                let mut socket: &Socket = &socket;
                session.write_tls(&mut socket)?;
                Ok(bytes.len())
            }
            Self::Recorded(recorded) => {
                let written = recorded.stream.try_write(bytes)?;
                recorded.recorder.borrow().say(&bytes[..written]);
                Ok(written)
            }
        }
    }

    /// The peer has neither sent anything nor ended the connection, as far as this machine knows.
    ///
    /// Asks the kernel itself (`recv` with `MSG_PEEK`, below 1 us): tokio's own idea of readiness is
    /// out of date right after a frozen process thaws.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => return tls::is_quiet(tls),
            Self::Recorded(recorded) => return recorded.stream.is_quiet(),
        };
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(&*tcp).peek(&mut byte) {
            Ok(_) => false,
            Err(err) => err.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// Takes bytes when none wait any more, and pushes them on as far as the socket takes them. tokio-rustls would tell an
/// error of the push as one of the write, though the first records may have left.
fn poll_write(tls: &mut TlsStream<TcpStream>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    if tls.get_ref().1.wants_write() {
        ready!(Pin::new(&mut *tls).poll_flush(cx))?;
    }
    let taken = tls.get_mut().1.writer().write(bytes)?;
    // Whatever comes of it shows at the next call.
    let _ = Pin::new(tls).poll_flush(cx);
    Poll::Ready(Ok(taken))
}

/// The beginning of all parts, as one.
fn joined(parts: &[IoSlice<'_>]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut all = Vec::with_capacity(len.min(JOINED));
    for part in parts {
        let room = JOINED - all.len();
        all.extend_from_slice(&part[..part.len().min(room)]);
    }
    all
}

/// Reads, and meanwhile pushes on what waits to be written. A peer that has stopped listening may still have
/// said why, so a failed write is told only when there is nothing to read.
fn poll_read(
    tls: &mut TlsStream<TcpStream>,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let waiting = tls.get_ref().1.wants_write();
    let pushed = if waiting { Pin::new(&mut *tls).poll_flush(cx) } else { Poll::Pending };
    let mut buffer = ReadBuf::new(buffer);
    match (Pin::new(tls).poll_read(cx, &mut buffer), pushed) {
        (Poll::Ready(read), _) => Poll::Ready(read.map(|()| buffer.filled().len())),
        (Poll::Pending, Poll::Ready(Err(err))) => Poll::Ready(Err(err)),
        (Poll::Pending, _) => Poll::Pending,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn nothing_waits_for_an_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!tcp.nodelay().unwrap(), "the system's default has changed; this test proves nothing");

        let Stream::Plain(tcp) = Stream::plain(tcp).unwrap() else { panic!("not plain") };

        assert!(tcp.nodelay().unwrap());
    }

    #[test]
    fn parts_are_joined_up_to_what_is_taken_at_once() {
        let (few, many) = (b"few".as_slice(), vec![b'm'; JOINED]);
        let join = |parts: &[&[u8]]| joined(&parts.iter().map(|part| IoSlice::new(part)).collect::<Vec<_>>());
        assert_eq!(join(&[few, few, b"", b"er"]), b"fewfewer");
        let cut = join(&[few, &many, few]);
        assert!(cut.len() == JOINED && cut.starts_with(b"fewm") && cut.ends_with(b"m"));
    }

    #[tokio::test]
    async fn an_end_is_seen_before_the_runtime_has_heard_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        let mut stream = Stream::plain(tcp).unwrap();
        assert!(stream.is_quiet());

        // No await from here on: as after a thaw, the runtime has had no turn.
        drop(peer);

        assert!(!stream.is_quiet());
    }
}
