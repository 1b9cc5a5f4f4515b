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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tokio::time::timeout;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

    use super::*;
    use crate::config::Roots;

    const CERTIFICATE: &[u8] = include_bytes!("../tests/ses/localhost.crt");
    const KEY: &[u8] = include_bytes!("../tests/ses/localhost.key");

    /// Less than a TLS session holds back (64 KB), more than these two kernels take.
    const STUCK: usize = 60_000;
    const LITTLE_ROOM: usize = 4096;

    /// A client and a server that has shaken hands and reads nothing of its own accord.
    async fn pair() -> (Stream, tokio_rustls::server::TlsStream<TcpStream>) {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        SockRef::from(&listener).set_recv_buffer_size(LITTLE_ROOM).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        SockRef::from(&tcp).set_send_buffer_size(LITTLE_ROOM).unwrap();
        let connector = Roots::Pem(CERTIFICATE.into()).connector().unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let server = async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap() };
        let (client, server) = tokio::join!(connector.connect(name, tcp), server);
        (Stream::Tls(Box::new(client.unwrap())), server)
    }

    #[tokio::test]
    async fn what_is_stuck_in_a_tls_session_is_not_written() {
        let (mut stream, mut server) = pair().await;
        let request = vec![b'x'; STUCK];

        let stuck = timeout(Duration::from_millis(100), stream.write(&request)).await;
        assert!(stuck.is_err(), "the session took it, the kernel did not");

        let (_, mut received) = (drop(stream), Vec::new());
        // The end of TCP without an end of TLS is an error.
        let _ = server.read_to_end(&mut received).await;
        assert!(received.len() < STUCK, "a call that was dropped leaves nothing to be sent later");
    }

    #[tokio::test]
    async fn what_was_stuck_is_written_once_it_is_read() {
        let (mut stream, mut server) = pair().await;
        let (request, mut received) = (vec![b'x'; STUCK], vec![0; STUCK]);
        let both = async { tokio::join!(stream.write(&request), server.read_exact(&mut received)) };
        let (written, read) = timeout(Duration::from_secs(60), both).await.expect("nothing is left behind");
        assert!(written.is_ok() && read.is_ok() && received == request);
    }
}
