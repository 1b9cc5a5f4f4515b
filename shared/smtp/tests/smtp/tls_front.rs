//! TLS in front of a scripted server: what comes out of TLS goes to that server, and its replies go back.
//!
//! Whatever the scripted server does to its connection happens to the client's: an orderly end is one here too
//! (with `close_notify`), a reset is a reset. With STARTTLS the front speaks the part before TLS itself; the scripted
//! server's greeting is then left out, because after the handshake nobody expects one.

use std::sync::Arc;
use std::time::Duration;

use fanmail_smtp::{Roots, ServerConfig, Tls};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::PATIENT;
use crate::server::Server;

const ROOT: &[u8] = include_bytes!("certificates/root.pem");
const KEY: &[u8] = include_bytes!("certificates/server.key");
/// For `localhost` and `127.0.0.1`.
pub(crate) const RIGHT: &[u8] = include_bytes!("certificates/server.pem");
/// For `other.test`.
pub(crate) const WRONG: &[u8] = include_bytes!("certificates/other.pem");

/// How the front comes to TLS.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    Implicit,
    /// Offered in the reply to EHLO, and answered so; bytes are written as they stand.
    StartTls {
        answer: &'static str,
    },
}

/// Says what must be forgotten under TLS: with it no message would be small enough.
const OFFER: &str = "250-mx.test\r\n250-SIZE 1\r\n250 STARTTLS\r\n";

#[derive(Default)]
pub(crate) struct FrontLog {
    /// Lines heard in the clear before TLS.
    pub(crate) clear: Vec<String>,
    pub(crate) handshakes: Vec<HandshakeKind>,
    /// Handshakes that failed.
    pub(crate) failed: usize,
    /// Connections that the scripted server ended, and the front then.
    pub(crate) ended: usize,
}

pub(crate) struct Front {
    pub(crate) port: u16,
    log: watch::Sender<FrontLog>,
}

#[derive(Clone)]
struct Session {
    backend: u16,
    manner: Manner,
    acceptor: TlsAcceptor,
    log: watch::Sender<FrontLog>,
}

impl Front {
    pub(crate) async fn start(server: &Server, manner: Manner) -> Self {
        Self::with_acceptor(server, manner, acceptor(RIGHT, rustls::ALL_VERSIONS)).await
    }

    pub(crate) async fn with_certificate(server: &Server, manner: Manner, certificate: &[u8]) -> Self {
        Self::with_acceptor(server, manner, acceptor(certificate, rustls::ALL_VERSIONS)).await
    }

    /// Knows nothing newer.
    pub(crate) async fn of_tls_1_2(server: &Server, manner: Manner) -> Self {
        Self::with_acceptor(server, manner, acceptor(RIGHT, &[&rustls::version::TLS12])).await
    }

    async fn with_acceptor(server: &Server, manner: Manner, acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = watch::Sender::new(FrontLog::default());
        let session = Session { backend: server.port, manner, acceptor, log: log.clone() };
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let session = session.clone();
                tokio::spawn(async move { session.run(tcp).await });
            }
        });
        Self { port, log }
    }

    /// A client of this front that trusts its root.
    pub(crate) fn config(&self, tls: Tls) -> ServerConfig {
        let roots = Roots::and(ROOT).unwrap();
        ServerConfig { timeouts: PATIENT, tls, roots, ..ServerConfig::new("localhost", self.port) }
    }

    pub(crate) fn read<T>(&self, what: impl FnOnce(&FrontLog) -> T) -> T {
        what(&self.log.borrow())
    }

    /// Waits, at most ten seconds, until the log says so.
    pub(crate) async fn until(&self, condition: impl FnMut(&FrontLog) -> bool) {
        let mut log = self.log.subscribe();
        let wait = log.wait_for(condition);
        tokio::time::timeout(Duration::from_secs(10), wait).await.expect("the front never saw it").unwrap();
    }
}

fn acceptor(certificate: &[u8], versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), PrivateKeyDer::from_pem_slice(KEY).unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Session {
    async fn run(&self, tcp: TcpStream) {
        tcp.set_nodelay(true).unwrap();
        let mut tcp = BufReader::new(tcp);
        let begins = match self.manner {
            Manner::Implicit => Some(true),
            Manner::StartTls { answer } => self.talk_in_the_clear(&mut tcp, answer).await,
        };
        let Some(secured) = begins else { return };
        let mut backend = BufReader::new(TcpStream::connect(("127.0.0.1", self.backend)).await.unwrap());
        backend.get_ref().set_nodelay(true).unwrap();
        if matches!(self.manner, Manner::StartTls { .. }) {
            backend.read_line(&mut String::new()).await.unwrap();
        }
        if !secured {
            return self.pass(tcp, backend, BufReader::get_ref).await;
        }
        match self.acceptor.accept(tcp.into_inner()).await {
            Ok(tls) => {
                let kind = tls.get_ref().1.handshake_kind();
                self.log.send_modify(|log| log.handshakes.extend(kind));
                self.pass(tls, backend, |tls: &TlsStream<TcpStream>| tls.get_ref().0).await;
            }
            Err(_) => self.log.send_modify(|log| log.failed += 1),
        }
    }

    /// Up to the answer to STARTTLS. True where TLS begins, false where it was refused.
    async fn talk_in_the_clear(&self, tcp: &mut BufReader<TcpStream>, answer: &str) -> Option<bool> {
        tcp.write_all(b"220 mx.test ready\r\n").await.ok()?;
        loop {
            let mut line = String::new();
            tcp.read_line(&mut line).await.ok().filter(|&n| n > 0)?;
            let line = line.trim_end().to_owned();
            let starts = line == "STARTTLS";
            self.log.send_modify(|log| log.clear.push(line));
            let reply = match starts {
                true => answer,
                false if answer.starts_with("220") => OFFER,
                false => "250-mx.test\r\n250 STARTTLS\r\n",
            };
            tcp.write_all(reply.as_bytes()).await.ok()?;
            if starts {
                return Some(answer.starts_with("220"));
            }
        }
    }

    /// Passes everything on in both directions until one side ends.
    async fn pass<C>(&self, client: C, mut backend: BufReader<TcpStream>, tcp: fn(&C) -> &TcpStream)
    where
        C: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_backend, mut to_backend) = tokio::io::split(&mut backend);
        let reset = tokio::select! {
            up = tokio::io::copy(&mut from_client, &mut to_backend) => up.is_err(),
            down = tokio::io::copy(&mut from_backend, &mut to_client) => {
                let _ = to_client.shutdown().await;
                self.log.send_modify(|log| log.ended += 1);
                down.is_err()
            }
        };
        let mut client = from_client.unsplit(to_client);
        if reset {
            tcp(&client).set_zero_linger().unwrap();
            return;
        }
        // No reset comes from bytes that nobody read.
        while client.read(&mut [0; 1024]).await.is_ok_and(|n| n > 0) {}
    }
}
