//! The bytes under a request: TCP, or TLS over it.

use std::io;
use std::mem::MaybeUninit;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Answers are short: a head of some 300 bytes and an id.
const READ_CHUNK: usize = 2048;

/// A connected byte stream.
#[derive(Debug)]
pub(crate) enum Stream {
    /// For a server on the same machine.
    Plain(TcpStream),
    /// For everybody else.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Writes all of it, and returns when its last byte has been handed to the kernel.
    ///
    /// An error, or a call dropped before it returned, means that the last byte has *not* been handed over: of TCP
    /// because `write` says how much the kernel took, of TLS because a record that is not complete with the
    /// kernel stays with the session (`wants_write`), and the flush does not end before.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.write_all(bytes).await,
            Self::Tls(tls) => {
                tls.write_all(bytes).await?;
                tls.flush().await
            }
        }
    }

    /// Bytes added to the buffer; 0 is the end.
    pub(crate) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        buffer.reserve(READ_CHUNK);
        match self {
            Self::Plain(tcp) => tcp.read_buf(buffer).await,
            Self::Tls(tls) => tls.read_buf(buffer).await,
        }
    }

    /// The peer has neither sent anything nor ended the connection, as far as this machine knows.
    ///
    /// Asks the kernel itself (`recv` with `MSG_PEEK`, below 1 us): tokio's own idea of readiness is out of date
    /// right after a frozen process thaws.
    pub(crate) fn is_quiet(&self) -> bool {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        };
        let mut byte = [MaybeUninit::uninit()];
        match SockRef::from(tcp).peek(&mut byte) {
            Ok(_) => false,
            Err(err) => err.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
