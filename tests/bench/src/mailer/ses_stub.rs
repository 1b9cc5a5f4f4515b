//! An HTTP server that says to every `SendEmail` that it was accepted, and counts. Connections are kept open.
//!
//! It reads each request to its end and looks at the path only: a request to elsewhere is answered 404, which no
//! client takes for accepted.

use std::convert::Infallible;
use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::sink::Counter;

/// Where `SendEmail` goes ([API reference]).
///
/// [API reference]: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
const PATH: &str = "/v2/email/outbound-emails";
const ACCEPTED: &[u8] = br#"{"MessageId":"010f0190a1b2c3d4-5e6f7a8b-9c0d-1e2f-3a4b-5c6d7e8f9a0b-000000"}"#;

/// Serves every connection to `listener`, for ever.
///
/// # Errors
///
/// If connections cannot be accepted any more.
pub async fn serve(listener: TcpListener, counter: Counter) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse(stream, counter.clone()));
    }
}

async fn converse(stream: TcpStream, counter: Counter) {
    let service = service_fn(move |request| answer(request, counter.clone()));
    // A client that breaks off shows in the count.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(request: Request<Incoming>, counter: Counter) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_send = request.method() == Method::POST && request.uri().path() == PATH;
    let body = request.into_body().collect().await.map(|body| body.to_bytes());
    let mut response = Response::new(Full::new(Bytes::from_static(ACCEPTED)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match body {
        Ok(body) if is_send => counter.with(|tally| tally.add(0, body.len() as u64)),
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn calls_are_counted_on_one_connection_and_what_is_no_call_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (addr, counter) = (listener.local_addr().unwrap(), Counter::default());
        tokio::spawn(serve(listener, counter.clone()));
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let call = "POST /v2/email/outbound-emails HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}";
        let other =
            "POST /v2/email/identities HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all([call, call, other].concat().as_bytes()).await.unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        assert_eq!(answers.matches("200 OK").count(), 2, "{answers}");
        assert_eq!(answers.matches("404 Not Found").count(), 1, "{answers}");
        assert_eq!((counter.take().messages, counter.take().octets), (2, 0));
    }
}
