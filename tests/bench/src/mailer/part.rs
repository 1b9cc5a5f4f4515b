//! What the other processes of the benchmark are: hidden commands of the same program.
//!
//! A server prints its address, then its count ([`Tally`]) whenever a line comes on its standard input, and ends
//! with that input. A client prints its own count and ends. Everything printed is one line of JSON.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use tokio::net::TcpListener;

use super::sink::{Counter, SinkOptions, serve};
use super::tally::Tally;
use super::{MailerError, Work, lettre_client, ours, render, ses_ours, ses_sdk, ses_stub};

/// One process of the benchmark.
#[derive(Debug, Clone, Subcommand)]
pub enum Part {
    /// The SMTP server
    Sink {
        /// How far away it seems to be
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
        /// Offer CHUNKING
        #[arg(long)]
        chunking: bool,
    },
    /// The server that plays SES
    SesStub,
    /// A client
    Send(SendArgs),
    /// Rendering alone
    Render {
        /// Messages to make
        #[arg(long)]
        messages: usize,
    },
}

/// A client's orders.
#[derive(Debug, Clone, Copy, Args)]
pub struct SendArgs {
    /// Which one
    client: Client,
    #[arg(long)]
    server: SocketAddr,
    #[arg(long)]
    messages: usize,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    in_flight: usize,
}

/// The clients that are part of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Client {
    /// Our mailer over SMTP.
    Fanmail,
    /// The Rust library.
    Lettre,
    /// Our client of SES.
    SesFanmail,
    /// The plain SDK call.
    SesSdk,
}

/// Plays the part to its end.
///
/// # Errors
///
/// [`MailerError`].
pub fn run(part: Part) -> Result<ExitCode, MailerError> {
    match part {
        Part::Sink { delay_ms, chunking } => {
            let options = SinkOptions { delay: Duration::from_millis(delay_ms), chunking };
            block_on(be_server(|listener, counter| serve(listener, options, counter)))
        }
        Part::SesStub => block_on(be_server(ses_stub::serve)),
        Part::Send(args) => say(&block_on(send(args))?),
        Part::Render { messages } => say(&render::run(messages)?),
    }
}

/// One thread: a core is what is measured.
fn block_on<T>(part: impl Future<Output = Result<T, MailerError>>) -> Result<T, MailerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(MailerError::io("start a runtime"))?.block_on(part)
}

async fn send(args: SendArgs) -> Result<Tally, MailerError> {
    let SendArgs { client, server, messages, connections, in_flight } = args;
    let work = Work { server, messages, connections, in_flight };
    match client {
        Client::Fanmail => ours::send(work).await,
        Client::Lettre => lettre_client::send(work).await,
        Client::SesFanmail => ses_ours::send(work).await,
        Client::SesSdk => ses_sdk::send(work).await,
    }
}

async fn be_server<F>(serve: impl FnOnce(TcpListener, Counter) -> F) -> Result<ExitCode, MailerError>
where
    F: Future<Output = io::Result<()>>,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(MailerError::io("listen"))?;
    say(&listener.local_addr().map_err(MailerError::io("listen"))?)?;
    let counter = Counter::default();
    let asked = tokio::task::spawn_blocking({
        let counter = counter.clone();
        move || tell(&counter)
    });
    tokio::select! {
        served = serve(listener, counter) => served.map(|()| ExitCode::SUCCESS).map_err(MailerError::io("serve")),
        _ = asked => Ok(ExitCode::SUCCESS),
    }
}

/// Says the count whenever a line comes; returns when nobody will ask any more.
fn tell(counter: &Counter) {
    let lines = io::stdin().lock().lines();
    let _ = lines.map_while(Result::ok).try_for_each(|_| say(&counter.take()).map(|_| ()));
}

fn say(what: &impl Serialize) -> Result<ExitCode, MailerError> {
    let line = serde_json::to_string(what).map_err(|error| MailerError::Answer("this process", error))?;
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map(|()| ExitCode::SUCCESS).map_err(MailerError::io("write the answer"))
}
