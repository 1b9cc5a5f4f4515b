//! One connection, from the greeting to QUIT.
//!
//! A connection is *in step* when every command written has had its complete reply read. Only then may it
//! carry another message. So a transaction takes the wire out of the connection and puts it back when it
//! ends in step; after anything else, a dropped future included, the wire is gone and TCP closed.

use std::io;
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::auth;
use crate::budget::{Budget, clip};
use crate::capabilities::Capabilities;
use crate::classify::{Verdict, classify};
use crate::commands::Debt;
use crate::config::{ServerConfig, Tls};
use crate::failure::Failure;
use crate::outcome::{Outcome, Phase};
use crate::reply::Reply;
use crate::stream::Stream;
use crate::timeouts::Timeouts;
use crate::transcript::SharedRecorder;
use crate::wire::Wire;

const QUIT: &[u8] = b"QUIT\r\n";

/// Longest wait for the answer to QUIT; nothing depends on it.
const QUIT_PATIENCE: Duration = Duration::from_secs(1);

/// Why no session came about.
#[derive(Debug, thiserror::Error)]
#[error("no session with the server: failed at {phase}")]
pub struct ConnectError {
    /// Which step failed.
    pub phase: Phase,
    /// What happened.
    #[source]
    pub why: Failure,
}

impl ConnectError {
    /// The same as the outcome of a message that needed the session.
    pub fn into_outcome(self) -> Outcome {
        Outcome::conclude(self.phase, Err(self.why))
    }
}

/// One session with a server: greeted and, where credentials are given, authenticated.
///
/// Dropping it closes the TCP connection at once; [`Connection::quit`] is the polite way.
#[derive(Debug)]
pub struct Connection {
    /// Present when in step.
    pub(crate) wire: Option<Wire>,
    pub(crate) timeouts: Timeouts,
    capabilities: Capabilities,
    /// What the last transaction left unsaid.
    pub(crate) debt: Debt,
    /// Transactions begun.
    pub(crate) messages: u32,
}

impl Connection {
    /// Connects, reads the greeting, says EHLO (HELO where that is unknown) and authenticates.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] with the step that failed; the TCP connection is closed then.
    pub async fn connect(config: &ServerConfig) -> Result<Self, ConnectError> {
        Self::connect_within(config, Budget::begin(config.timeouts.message)).await
    }

    /// The same, with what is left of a budget.
    pub(crate) async fn connect_within(config: &ServerConfig, budget: Budget) -> Result<Self, ConnectError> {
        Self::connect_recorded(config, budget, None).await
    }

    /// The same, and everything said is recorded.
    pub(crate) async fn connect_recorded(
        config: &ServerConfig,
        budget: Budget,
        recorder: Option<SharedRecorder>,
    ) -> Result<Self, ConnectError> {
        let at = |phase| move |why| ConnectError { phase, why };
        if config.hello.is_empty() || config.hello.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(at(Phase::Hello)(Failure::Setting("hello name")));
        }
        let until = budget.before_body();
        let limit = clip(config.timeouts.connect, until);
        let tcp = dial(&config.host, config.port, limit).await.map_err(at(Phase::Connect))?;
        let mut stream = Stream::plain(tcp).map_err(|err| at(Phase::Connect)(Failure::Connect(err)))?;
        if let Some(recorder) = recorder {
            stream = stream.recorded(recorder);
        }

        let (mut wire, capabilities) = handshake(stream, config, until).await?;
        wire.set_deadline(None);
        Ok(Self::new(wire, config.timeouts, capabilities))
    }

    fn new(wire: Wire, timeouts: Timeouts, capabilities: Capabilities) -> Self {
        Self { wire: Some(wire), timeouts, capabilities, debt: Debt::None, messages: 0 }
    }

    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The same connection, which forgets that the server takes commands ahead of replies.
    pub(crate) fn in_lockstep(mut self) -> Self {
        self.capabilities = Capabilities { pipelining: false, chunking: false, ..self.capabilities };
        self
    }

    /// Another message may be sent: every command so far has had its complete reply.
    pub fn is_usable(&self) -> bool {
        self.wire.is_some()
    }

    /// Usable, and the server has not closed the connection or said 421 meanwhile, as far as can be
    /// seen without asking it. A connection that vanished silently (a firewall, a dead host) still looks well.
    pub fn is_alive(&mut self) -> bool {
        self.wire.as_mut().is_some_and(Wire::is_quiet)
    }

    /// Says QUIT, waits at most a second for the answer, and closes.
    pub async fn quit(self) {
        if let Some(mut wire) = self.wire {
            // Whatever the server says or fails to say, the connection ends here.
            let _ = wire.command(QUIT, self.timeouts.command.min(QUIT_PATIENCE)).await;
        }
    }

    /// Says QUIT and closes without waiting for the answer. RFC 5321 4.1.1.10 says SHOULD wait; Postfix
    /// does not either (`smtp_skip_quit_response`), and here a caller would pay for it.
    pub(crate) fn farewell(self) {
        if let Some(mut wire) = self.wire
            && self.debt != Debt::Dot
        {
            wire.try_write(QUIT);
        }
    }
}

/// Connects to the first address that answers; each gets an equal share of the time that is left.
async fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let start = Instant::now();
    let addresses: Vec<_> = match timeout(limit, lookup_host((host, port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(err)) => return Err(Failure::Resolve(err)),
        Err(_) => return Err(Failure::TimedOut(limit)),
    };

    let mut last = Failure::Resolve(io::ErrorKind::NotFound.into());
    for (address, addresses_left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let left = limit.saturating_sub(start.elapsed());
        let share = left / u32::try_from(addresses_left).unwrap_or(u32::MAX);
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(err)) => Failure::Connect(err),
            Err(_) => Failure::TimedOut(share),
        };
    }
    Err(last)
}

/// From the first byte to the last reply before MAIL. What the server offered in the clear is forgotten when TLS
/// begins: somebody else may have written it (RFC 3207 section 4.2).
async fn handshake(
    stream: Stream,
    config: &ServerConfig,
    until: Option<Instant>,
) -> Result<(Wire, Capabilities), ConnectError> {
    let limit = config.timeouts.command;
    let mut wire = match config.tls {
        Tls::Implicit => secure(stream, config, until).await?,
        Tls::Off | Tls::Opportunistic | Tls::Required => Wire::new(stream),
    };
    wire.set_deadline(until);

    let greeted = greet(&mut wire, config).await;
    let mut capabilities = or_quit(&mut wire, greeted)?;
    let begun = start_tls(&mut wire, config, &capabilities).await;
    if or_quit(&mut wire, begun)? {
        let stream = wire.into_stream().map_err(|why| ConnectError { phase: Phase::Tls, why })?;
        wire = secure(stream, config, until).await?;
        wire.set_deadline(until);
        let answer = hello(&mut wire, &config.hello, limit).await;
        capabilities = or_quit(&mut wire, answer)?;
    }
    if let Some(credentials) = &config.credentials {
        let answer = auth::authenticate(&mut wire, &capabilities, credentials, limit).await;
        or_quit(&mut wire, expect(Phase::Auth, answer))?;
    }
    Ok((wire, capabilities))
}

async fn secure(stream: Stream, config: &ServerConfig, until: Option<Instant>) -> Result<Wire, ConnectError> {
    let secured = stream.secure(config, clip(config.timeouts.command, until)).await;
    secured.map(Wire::new).map_err(|why| ConnectError { phase: Phase::Tls, why })
}

async fn greet(wire: &mut Wire, config: &ServerConfig) -> Result<Capabilities, ConnectError> {
    expect(Phase::Greeting, wire.reply(config.timeouts.greeting).await)?;
    hello(wire, &config.hello, config.timeouts.command).await
}

/// STARTTLS where it is wanted (RFC 3207). True when the server waits for the TLS handshake, false when the session goes
/// on in the clear.
async fn start_tls(
    wire: &mut Wire,
    config: &ServerConfig,
    offered: &Capabilities,
) -> Result<bool, ConnectError> {
    match config.tls {
        Tls::Off | Tls::Implicit => return Ok(false),
        Tls::Opportunistic if !offered.start_tls => return Ok(false),
        Tls::Required if !offered.start_tls => {
            return Err(ConnectError { phase: Phase::Tls, why: Failure::NoTls });
        }
        Tls::Opportunistic | Tls::Required => {}
    }
    let answer = wire.command(b"STARTTLS\r\n", config.timeouts.command).await;
    let refused = answer.as_ref().is_ok_and(|reply| reply.class() >= 4 && reply.code() != 421);
    if refused && config.tls == Tls::Opportunistic {
        return Ok(false);
    }
    expect(Phase::Tls, answer).map(|_| true)
}

/// Takes leave of a server that can still be spoken to.
fn or_quit<T>(wire: &mut Wire, result: Result<T, ConnectError>) -> Result<T, ConnectError> {
    if result.is_err() {
        wire.try_write(QUIT);
    }
    result
}

/// EHLO, and HELO where the server refuses it for good (RFC 5321 4.1.4).
async fn hello(wire: &mut Wire, name: &str, limit: Duration) -> Result<Capabilities, ConnectError> {
    let answer = wire.command(format!("EHLO {name}\r\n").as_bytes(), limit).await;
    if answer.as_ref().is_ok_and(|reply| reply.class() == 5) {
        expect(Phase::Hello, wire.command(format!("HELO {name}\r\n").as_bytes(), limit).await)?;
        return Ok(Capabilities::default());
    }
    expect(Phase::Hello, answer).map(|reply| Capabilities::parse(&reply))
}

fn expect(phase: Phase, answer: Result<Reply, Failure>) -> Result<Reply, ConnectError> {
    match (classify(phase, answer.as_ref()), answer) {
        (Verdict::Proceed, Ok(reply)) => Ok(reply),
        (_, Ok(reply)) => Err(ConnectError { phase, why: Failure::Reply(reply) }),
        (_, Err(why)) => Err(ConnectError { phase, why }),
    }
}
