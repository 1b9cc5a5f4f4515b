//! One connection: a request out, its answer in, and again.
//!
//! A connection is *usable* when the answer to its last request has been read to its end and the server means to
//! keep it. Anything else, a dropped future included, leaves it unusable, and it is closed.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::endpoint::Endpoint;
use crate::failure::{Broken, Failure, Phase};
use crate::response::{MAX_BYTES, Response};
use crate::stream::Stream;

/// How long to look for the reason after the server stopped taking a request. It has been sent by then or never will.
const LAST_WORD_PATIENCE: Duration = Duration::from_millis(100);

/// When a call has to have come how far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    whole: Duration,
    begun: Instant,
}

impl Limits {
    pub(crate) fn begin(whole: Duration) -> Self {
        Self { whole, begun: Instant::now() }
    }

    /// Until when the request has to be out.
    fn request(&self) -> Instant {
        self.begun + self.whole * 3 / 4
    }

    /// Until when the answer has to be there.
    fn end(&self) -> Instant {
        self.begun + self.whole
    }

    /// Does a step of before the answer in time.
    pub(crate) async fn before_answer<T>(
        &self,
        phase: Phase,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Broken> {
        let result = timeout_at(self.request(), step).await;
        result.unwrap_or(Err(Failure::TimedOut(self.whole))).map_err(Broken::at(phase))
    }
}

/// A connection to the endpoint.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    /// What came and has not been understood yet.
    buffer: Vec<u8>,
    usable: bool,
}

impl Connection {
    /// Connects, with TLS where there is a connector.
    pub(crate) async fn open(endpoint: &Endpoint, tls: Option<&TlsConnector>) -> Result<Self, Failure> {
        let tcp = dial(&endpoint.host, endpoint.port).await?;
        // Without it, the end of a request could wait for a delayed acknowledgement, about 40 ms.
        tcp.set_nodelay(true).map_err(Failure::Connect)?;
        let stream = match tls {
            None => Stream::Plain(tcp),
            Some(connector) => {
                let name = ServerName::try_from(endpoint.host.clone());
                let name = name.map_err(|err| Failure::Tls(io::Error::other(err)))?;
                Stream::Tls(Box::new(connector.connect(name, tcp).await.map_err(Failure::Tls)?))
            }
        };
        Ok(Self { stream, buffer: Vec::new(), usable: true })
    }

    /// Another request may be written.
    pub(crate) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Usable, and the server has not closed it or said anything meanwhile, as far as can be seen without asking.
    pub(crate) fn is_alive(&self) -> bool {
        self.usable && self.stream.is_quiet()
    }

    /// Writes a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8], limits: Limits) -> Result<Response, Broken> {
        self.usable = false;
        let written = async { self.stream.write(request).await.map_err(Failure::Write) };
        if let Err(broken) = limits.before_answer(Phase::Request, written).await {
            return self.last_word().await.ok_or(broken);
        }
        let response = match timeout_at(limits.end(), self.answer()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(why)) => self.cut_off(why),
            Err(_) => self.cut_off(Failure::TimedOut(limits.whole)),
        };
        let response = response.map_err(Broken::at(Phase::Answer))?;
        self.usable = response.whole && response.keep_alive && self.buffer.is_empty();
        Ok(response)
    }

    async fn answer(&mut self) -> Result<Response, Failure> {
        loop {
            if let Some((response, used)) = Response::parse(&self.buffer).map_err(Failure::Protocol)? {
                self.buffer.drain(..used);
                return Ok(response);
            }
            if self.buffer.len() > MAX_BYTES {
                return Err(Failure::Protocol("it is too long"));
            }
            match self.stream.read(&mut self.buffer).await {
                Ok(0) => return Err(Failure::Closed),
                Ok(_) => {}
                Err(err) => return Err(Failure::Read(err)),
            }
        }
    }

    /// A status line that came before things went wrong is an answer.
    fn cut_off(&mut self, why: Failure) -> Result<Response, Failure> {
        Response::cut_off(&self.buffer, matches!(why, Failure::Closed)).ok_or(why)
    }

    /// Why the server stopped taking a request, where it says so: too large, for example. 408 says what we know.
    async fn last_word(&mut self) -> Option<Response> {
        let patience = Instant::now() + LAST_WORD_PATIENCE;
        let said = timeout_at(patience, self.answer()).await.ok()?.ok()?;
        Some(said).filter(|said| (400..500).contains(&said.status) && said.status != 408)
    }
}

/// Connects to the first address that answers.
async fn dial(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let mut last = Failure::Resolve(io::ErrorKind::NotFound.into());
    for address in lookup_host((host, port)).await.map_err(Failure::Resolve)? {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(err) => last = Failure::Connect(err),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn nothing_waits_for_an_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();

        let connection = Connection::open(&endpoint, None).await.unwrap();

        assert!(matches!(connection.stream, Stream::Plain(tcp) if tcp.nodelay().unwrap()));
    }
}
