//! The same over TLS: a relay in front of the stub that has a certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use fanmail_ses::stub::{Act, Stub};
use fanmail_ses::{Client, ConfigError, Failure, Roots, SesConfig};
use socket2::SockRef;
use tokio::io::{AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use crate::support::{LARGE, config, send, word};

/// Of `localhost` and nobody else, until 2126; the key protects nothing.
const CERTIFICATE: &[u8] = include_bytes!("localhost.crt");
const KEY: &[u8] = include_bytes!("localhost.key");

/// So that a large request gets stuck in the client and not in the relay.
const LITTLE_ROOM: usize = 16 * 1024;

/// Takes TLS off and passes on to the stub. Tells when it has closed a connection because the stub did. Ends with
/// the test's runtime.
async fn relay(to: SocketAddr) -> (SocketAddr, UnboundedReceiver<()>) {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    SockRef::from(&listener).set_recv_buffer_size(LITTLE_ROOM).unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, closes) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, closed) = (acceptor.clone(), closed.clone());
            tokio::spawn(async move { pass(acceptor.accept(tcp).await?, to, &closed).await });
        }
    });
    (address, closes)
}

async fn pass(tls: TlsStream<TcpStream>, to: SocketAddr, closed: &UnboundedSender<()>) -> io::Result<()> {
    let stub = TcpStream::connect(to).await?;
    SockRef::from(&stub).set_send_buffer_size(LITTLE_ROOM)?;
    let (mut from_stub, mut to_stub) = stub.into_split();
    let (mut from_client, mut to_client) = split(tls);
    tokio::select! {
        _ = copy(&mut from_client, &mut to_stub) => {}
        _ = copy(&mut from_stub, &mut to_client) => {}
    }
    to_client.shutdown().await?;
    // The test may have ended.
    let _ = closed.send(());
    Ok(())
}

fn secure(relay: SocketAddr, host: &str, roots: Roots) -> Result<Client, ConfigError> {
    Client::new(SesConfig { roots, ..config(format!("https://{host}:{}", relay.port())) })
}

#[tokio::test]
async fn messages_go_over_tls_and_the_connection_is_kept() {
    let stub = Stub::start().unwrap();
    let client = secure(relay(stub.address()).await.0, "localhost", Roots::Pem(CERTIFICATE.into())).unwrap();
    for octets in [10, 7000, 300_000] {
        assert_eq!(word(&send(&client, octets).await), "accepted");
    }
    assert_eq!((stub.complete(), client.counts().opened), (3, 1));
}

#[tokio::test]
async fn a_request_that_gets_stuck_in_the_session_arrives_in_the_end() {
    let stub = Stub::start().unwrap();
    let client = secure(relay(stub.address()).await.0, "localhost", Roots::Pem(CERTIFICATE.into())).unwrap();
    let answer = send(&client, LARGE).await;
    assert_eq!((word(&answer), stub.complete()), ("accepted", 1), "{answer}");
}

#[tokio::test(flavor = "current_thread")]
async fn an_end_is_seen_beneath_tls() {
    let stub = Stub::start().unwrap();
    let (relay, mut closes) = relay(stub.address()).await;
    let client = secure(relay, "localhost", Roots::Pem(CERTIFICATE.into())).unwrap();
    stub.script([Act::AcceptThenClose]);
    assert_eq!(word(&send(&client, 7000).await), "accepted");
    closes.recv().await.unwrap();

    assert_eq!(word(&send(&client, 7000).await), "accepted");

    assert_eq!((stub.complete(), client.counts().found_stale), (2, 1));
}

#[tokio::test]
async fn who_has_no_good_certificate_gets_no_byte_of_a_request() {
    let stub = Stub::start().unwrap();
    let (relay, _) = relay(stub.address()).await;
    let stranger = secure(relay, "127.0.0.1", Roots::Pem(CERTIFICATE.into())).unwrap();
    let answer = send(&stranger, 10).await;
    assert!(matches!(answer.failure(), Some(Failure::Tls(_))), "{answer}");
    assert_eq!((word(&answer), stub.opened()), ("provider", 0));

    assert!(matches!(secure(relay, "localhost", Roots::Pem(b"none".into())), Err(ConfigError::Roots)));
}
