//! The HTTP client beneath all AWS clients of a process: hyper's, which Lambda's own client brings along.
//!
//! The AWS clients' default connector speaks HTTP/2 and proxies as well, which DynamoDB and SQS do not answer and Lambda
//! does not have; without them a function's archive is smaller and its start shorter (`fanmail-bench coldstart`). A process
//! has one pool for all `https://` endpoints, so clients of the same host share their connections; each client of an `http://`
//! endpoint, which only a test has, its own.
//!
//! - A request waits for a connection as long as its attempt may last; TCP alone has [`CONNECT_TIMEOUT`].
//! - An attempt that is given up closes its connection (HTTP/1.1 cannot do otherwise). One whose answer made the AWS client
//!   doubt the server is not used again, either.
//! - An error on the way is one of input and output, so the AWS clients repeat. What is sent through here may arrive twice.

use std::sync::LazyLock;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::{Request, Response, body::Incoming};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{
    CaptureConnection, Connect, Connected, HttpConnector as Tcp, capture_connection,
};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::aws::CONNECT_TIMEOUT;
use crate::chain::Chain;
use crate::tls;

/// What is behind every `https://` endpoint.
static HTTPS: LazyLock<SharedHttpConnector> = LazyLock::new(https);

/// A client for a service: at this endpoint, or at its own.
pub(crate) fn client(endpoint: Option<&str>) -> SharedHttpClient {
    // Made now, while the process starts: on AWS it has more of a processor then than later.
    let connector = connector(endpoint.unwrap_or("https://"));
    http_client_fn(move |_, _| connector.clone())
}

/// What leads to a service at this URL; with `http://` no TLS, and no certificates to load.
pub(crate) fn connector(url: &str) -> SharedHttpConnector {
    if url.starts_with("http://") { pooled(tcp()) } else { HTTPS.clone() }
}

fn tcp() -> Tcp {
    let mut tcp = Tcp::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp
}

fn https() -> SharedHttpConnector {
    match tls::client_config(tls::roots()) {
        Ok(config) => encrypted(config),
        Err(error) => {
            // No request succeeds then: TCP alone refuses `https://`.
            tracing::error!(error = %Chain(&error), "TLS could not be set up");
            pooled(tcp())
        }
    }
}

fn encrypted(config: ClientConfig) -> SharedHttpConnector {
    let mut tcp = tcp();
    tcp.enforce_http(false);
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
    pooled(builder.enable_http1().wrap_connector(tcp))
}

fn pooled<C>(connect: C) -> SharedHttpConnector
where
    C: Connect + Clone + Send + Sync + std::fmt::Debug + 'static,
{
    let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connect);
    SharedHttpConnector::new(Pool { client })
}

/// hyper's client as the AWS clients want it.
#[derive(Debug)]
struct Pool<C> {
    client: Client<C, SdkBody>,
}

impl<C> HttpConnector for Pool<C>
where
    C: Connect + Clone + Send + Sync + std::fmt::Debug + 'static,
{
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        tell_its_connection(&mut request);
        let answer = self.client.request(request);
        HttpConnectorFuture::new(async { answer.await.map_err(failure).and_then(response) })
    }
}

/// Lets the AWS client say of this request's connection that it should not be used again.
fn tell_its_connection(request: &mut Request<SdkBody>) {
    let connection = capture_connection(request);
    if let Some(asked) = request.extensions().get::<CaptureSmithyConnection>() {
        asked.set_connection_retriever(move || Some(metadata(connection.clone())));
    }
}

fn metadata(connection: CaptureConnection) -> ConnectionMetadata {
    let poison = move || connection.connection_metadata().iter().for_each(Connected::poison);
    ConnectionMetadata::builder().proxied(false).poison_fn(poison).build()
}

fn response(response: Response<Incoming>) -> Result<HttpResponse, ConnectorError> {
    let response = response.map(SdkBody::from_body_1_x);
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}

fn failure(error: Error) -> ConnectorError {
    ConnectorError::io(error.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::crypto::ring::default_provider;
    use rustls::{RootCertStore, ServerConfig};
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::stub::Stub;

    async fn ask(connector: &SharedHttpConnector, url: &str) -> Result<u16, ConnectorError> {
        let mut request = HttpRequest::new(SdkBody::from("question!"));
        request.set_uri(url).unwrap();
        connector.call(request).await.map(|response| response.status().as_u16())
    }

    #[tokio::test]
    async fn an_answer_is_the_services() {
        let stub = Stub::answering(vec![(418, "", "{}".into())]).await;
        let url = stub.url.clone();
        assert_eq!(ask(&connector(&url), &format!("{url}/path?query")).await.unwrap(), 418);
        let asked = stub.asked().await.remove(0);
        assert_eq!((asked.line.as_str(), asked.body.as_str()), ("GET /path?query HTTP/1.1", "question!"));
        assert_eq!(asked.header("host"), url.trim_start_matches("http://"));
    }

    /// Answers each exclamation mark with this status.
    async fn answer(number: u16, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut lines = BufStream::new(stream);
        while lines.read_until(b'!', &mut Vec::new()).await.is_ok_and(|read| read > 0) {
            let answer = format!("HTTP/1.1 {number} Fine\r\ncontent-length: 0\r\n\r\n");
            lines.write_all(answer.as_bytes()).await.unwrap();
            lines.flush().await.unwrap();
        }
    }

    /// Says in each answer's status on which connection it came: 201 on the first.
    async fn numbered_connections() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            for number in 201.. {
                tokio::spawn(answer(number, listener.accept().await.unwrap().0));
            }
        });
        url
    }

    const CERTIFICATE: &[u8] = include_bytes!("tls/localhost.pem");

    /// Serves `localhost` over TLS; answers its URL.
    async fn over_tls() -> String {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/localhost.key")).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                if let Ok(stream) = acceptor.accept(listener.accept().await.unwrap().0).await {
                    tokio::spawn(answer(201, stream));
                }
            }
        });
        url
    }

    #[tokio::test]
    async fn https_reaches_whom_it_trusts_and_nobody_else() {
        let url = over_tls().await;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
        let trusting = encrypted(tls::client_config(Arc::new(roots)).unwrap());
        assert_eq!(ask(&trusting, &url).await.unwrap(), 201);
        assert!(ask(&connector(&url), &url).await.unwrap_err().is_io());
        let plain = url.replace("https://", "http://");
        assert!(ask(&trusting, &plain).await.is_err(), "nothing leaves without TLS");
    }

    #[tokio::test]
    async fn a_connection_is_used_again_until_the_client_doubts_it() {
        let url = numbered_connections().await;
        let connector = connector(&url);
        let mut statuses = Vec::new();
        for doubts in [false, true, false] {
            let connection = CaptureSmithyConnection::new();
            let mut request = HttpRequest::new(SdkBody::from("!"));
            request.set_uri(url.as_str()).unwrap();
            request.add_extension(connection.clone());
            statuses.push(connector.call(request).await.unwrap().status().as_u16());
            if doubts {
                connection.get().unwrap().poison();
            }
        }
        assert_eq!(statuses, [201, 201, 202]);
    }

    #[tokio::test]
    async fn a_port_where_nobody_listens_is_an_error_that_may_pass() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://127.0.0.1:{port}/");
            assert!(ask(&connector(&url), &url).await.unwrap_err().is_io(), "{url}");
        }
    }
}
