//! TLS against a server in the same process: what an idle connection may hold, and what roots must be.

use std::io::Write as _;

use rustls::ServerConfig as TlsServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, server};

use super::*;
use crate::stream::Stream;

const ROOT: &[u8] = include_bytes!("../../tests/smtp/certificates/root.pem");
const SERVER: &[u8] = include_bytes!("../../tests/smtp/certificates/server.pem");
const KEY: &[u8] = include_bytes!("../../tests/smtp/certificates/server.key");

type Client = TlsStream<TcpStream>;
type Server = server::TlsStream<TcpStream>;

/// A client that has not read anything since its handshake, and a server that has sent its tickets.
async fn pair() -> (Client, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = ServerConfig::new("localhost", listener.local_addr().unwrap().port());
    config.roots = Roots::and(ROOT).unwrap();
    let client = async {
        let tcp = TcpStream::connect(("127.0.0.1", config.port)).await.unwrap();
        handshake(tcp, &config, Duration::from_secs(10)).await.unwrap()
    };
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut server = acceptor().accept(tcp).await.unwrap();
        server.flush().await.unwrap();
        server
    };
    tokio::join!(client, server)
}

fn acceptor() -> TlsAcceptor {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(SERVER).collect();
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let config = TlsServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Waits until the kernel has something to read for the client.
async fn something_arrived(client: &Client) {
    let mut byte = [std::mem::MaybeUninit::uninit()];
    while SockRef::from(client.get_ref().0).peek(&mut byte).is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn tickets_that_wait_do_not_make_an_idle_connection_look_spoiled() {
    let (client, _server) = pair().await;
    something_arrived(&client).await;
    let mut stream = Stream::Tls(Box::new(client));

    assert!(stream.is_quiet());

    let Stream::Tls(client) = stream else { panic!("TLS does not end") };
    assert!(
        client.get_ref().1.tls13_tickets_received() > 0,
        "they had been read before; this proves nothing"
    );
}

#[tokio::test]
async fn what_waits_inside_rustls_goes_out_while_the_answer_is_awaited() {
    let (client, mut server) = pair().await;
    let mut stream = Stream::Tls(Box::new(client));
    let mut written = 0;
    while !matches!(&stream, Stream::Tls(tls) if tls.get_ref().1.wants_write()) {
        written += stream.write(&[b'x'; 50_000]).await.unwrap();
    }
    let answer = async {
        let mut everything = vec![0; written];
        server.read_exact(&mut everything).await.unwrap();
        server.write_all(b"250 ok").await.unwrap();
        server.flush().await.unwrap();
    };

    let mut buffer = [0; 32];
    let exchange = async { tokio::join!(stream.read(&mut buffer), answer).0 };
    let read = timeout(Duration::from_secs(10), exchange).await.expect("the rest never went out").unwrap();

    assert_eq!(&buffer[..read], b"250 ok");
}

#[tokio::test]
async fn content_is_seen_and_not_lost() {
    let (mut client, mut server) = pair().await;
    something_arrived(&client).await;
    assert!(is_quiet(&mut client));
    server.write_all(b"421 bye\r\n").await.unwrap();
    server.flush().await.unwrap();
    something_arrived(&client).await;

    assert!(!is_quiet(&mut client));
    assert!(!is_quiet(&mut client), "looking takes nothing away");
    let mut buffer = [0; 32];
    let n = client.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..n], b"421 bye\r\n");
}

#[tokio::test]
async fn every_kind_of_end_is_seen() {
    // Each keeps the socket open, so that only what it wrote can be seen, or closes it.
    type End = fn(&mut Option<Server>);
    let ends: [(&str, End); 3] = [
        ("close_notify", |server| {
            let (tcp, session) = server.as_mut().unwrap().get_mut();
            session.send_close_notify();
            session.write_tls(&mut &*SockRef::from(&*tcp)).unwrap();
        }),
        ("FIN", |server| drop(server.take())),
        ("a record that is none", |server| {
            let tcp = server.as_ref().unwrap().get_ref().0;
            (&*SockRef::from(tcp)).write_all(b"250 this is not encrypted\r\n").unwrap();
        }),
    ];
    for (name, end) in ends {
        let (mut client, server) = pair().await;
        let mut server = Some(server);
        something_arrived(&client).await;
        assert!(is_quiet(&mut client));
        end(&mut server);
        something_arrived(&client).await;
        assert!(!is_quiet(&mut client), "{name}");
    }
}

#[tokio::test]
async fn a_write_fails_only_for_bytes_of_which_none_has_left() {
    let (client, server) = pair().await;
    something_arrived(&client).await;
    server.get_ref().0.set_zero_linger().unwrap();
    drop(server);
    while SockRef::from(client.get_ref().0).take_error().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    let mut stream = Stream::Tls(Box::new(client));

    assert_eq!(stream.write(b"taken before anybody could know").await.unwrap(), 31);
    assert!(stream.write(b"and this is about what was taken").await.is_err());
    assert!(stream.read(&mut [0; 8]).await.is_err());
}

#[test]
fn roots_are_read_once_and_must_be_certificates() {
    assert!(Roots::and(ROOT).is_ok());
    assert_eq!(Roots::and(b"").err(), Some(RootsError::Empty));
    assert_eq!(Roots::and(KEY).err(), Some(RootsError::Empty));
    let cut = &ROOT[..ROOT.len() / 2];
    assert_eq!(Roots::and(cut).err(), Some(RootsError::Damaged));
    let hollow = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(Roots::and(hollow).err(), Some(RootsError::Damaged));
}

#[test]
fn clones_share_what_handshakes_need_and_the_two_kinds_do_not() {
    let roots = Roots::and(ROOT).unwrap();
    let clone = roots.clone();
    let made = roots.client_config(true);
    assert!(Arc::ptr_eq(&made, &clone.client_config(true)));
    assert!(!Arc::ptr_eq(&made, &roots.client_config(false)));
}
