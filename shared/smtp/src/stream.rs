//! The transport under a session. One variant today; TLS becomes the second.

use std::io;
use std::mem::MaybeUninit;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP without TLS.
    Plain(TcpStream),
}

impl Stream {
    /// Takes a fresh TCP connection. Without `TCP_NODELAY` every message would wait for a delayed
    /// acknowledgement, about 40 ms.
    pub(crate) fn plain(tcp: TcpStream) -> io::Result<Self> {
        tcp.set_nodelay(true)?;
        Ok(Self::Plain(tcp))
    }

    /// Bytes read; 0 is the end.
    pub(crate) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer).await,
        }
    }

    /// Bytes taken by the kernel. Cancel safe: a dropped call has written nothing.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes).await,
        }
    }

    /// Writes what the kernel takes at once, without waiting.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write(bytes),
        }
    }

    /// The peer has neither sent anything nor ended the connection, as far as this machine knows.
    ///
    /// Asks the kernel itself (`recv` with `MSG_PEEK`, below 1 us): tokio's own idea of readiness is
    /// out of date right after a frozen process thaws.
    pub(crate) fn is_quiet(&self) -> bool {
        let Self::Plain(tcp) = self;
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(tcp).peek(&mut byte) {
            Ok(_) => false,
            Err(err) => err.kind() == io::ErrorKind::WouldBlock,
        }
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

        let Stream::Plain(tcp) = Stream::plain(tcp).unwrap();

        assert!(tcp.nodelay().unwrap());
    }

    #[tokio::test]
    async fn an_end_is_seen_before_the_runtime_has_heard_of_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        let stream = Stream::plain(tcp).unwrap();
        assert!(stream.is_quiet());

        // No await from here on: as after a thaw, the runtime has had no turn.
        drop(peer);

        assert!(!stream.is_quiet());
    }
}
