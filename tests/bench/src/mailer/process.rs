//! The other processes, as this one sees them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use fanmail_lambda_host::ProcessUsage;
use serde::de::DeserializeOwned;

use super::tally::Tally;
use super::{MailerError, cores};
use crate::smtp_source::usage_at_end;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Server {
    /// Starts `command` on `core` and waits until it listens.
    ///
    /// # Errors
    ///
    /// [`MailerError`] if it does not start.
    pub fn start(command: &mut Command, core: Option<usize>) -> Result<Self, MailerError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = cores::spawn(command, core).map_err(MailerError::io("start a server"))?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or(MailerError::Premise("a pipe"))?);
        // From here on it is ended and waited for, whatever it says.
        let mut server = Self { child, ask, answers, addr: SocketAddr::from(([0; 4], 0)) };
        server.addr = read_line(&mut server.answers)?;
        Ok(server)
    }

    /// What came since this was last asked.
    ///
    /// # Errors
    ///
    /// [`MailerError`] if it does not answer.
    pub fn take_tally(&mut self) -> Result<Tally, MailerError> {
        if let Some(ask) = &mut self.ask {
            ask.write_all(b"\n").map_err(MailerError::io("ask a server"))?;
        }
        read_line(&mut self.answers)
    }

    /// CPU time so far, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        ProcessUsage::of(self.child.id()).cpu_us
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.ask.take());
        let _ = self.child.wait();
    }
}

fn read_line<T: DeserializeOwned>(from: &mut impl BufRead) -> Result<T, MailerError> {
    let mut line = String::new();
    from.read_line(&mut line).map_err(MailerError::io("read from a server"))?;
    serde_json::from_str(&line).map_err(|error| MailerError::Answer("a server", error))
}

/// A client that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// From its start to its end.
    pub elapsed: Duration,
    /// CPU time of all its threads, in microseconds.
    pub cpu_us: u64,
    /// What it printed.
    pub stdout: String,
}

/// Runs `command` on `core` to its end. `who` is what errors call it.
///
/// # Errors
///
/// [`MailerError`] if it does not start or fails.
pub fn run(command: &mut Command, core: Option<usize>, who: &'static str) -> Result<Ended, MailerError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let started = Instant::now();
    let mut child = cores::spawn(command, core).map_err(MailerError::io("start a client"))?;
    // It prints less than a pipe holds.
    let used = usage_at_end(&child).map_err(MailerError::io("wait for a client"));
    let elapsed = started.elapsed();
    let status = child.wait().map_err(MailerError::io("wait for a client"))?;
    let mut stdout = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut stdout).map_err(MailerError::io("read from a client"))?;
    }
    if !status.success() {
        return Err(MailerError::Ended(who, status));
    }
    Ok(Ended { elapsed, cpu_us: used?.cpu_us, stdout })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_client_that_fails_is_no_measurement() {
        let ended = run(&mut shell("echo 1; exit 3"), None, "it");
        assert!(matches!(ended, Err(MailerError::Ended("it", _))), "{ended:?}");
        assert_eq!(run(&mut shell("echo 1"), None, "it").unwrap().stdout, "1\n");
    }

    #[test]
    fn a_server_that_says_nothing_is_no_server() {
        assert!(matches!(Server::start(&mut shell("exit 0"), None), Err(MailerError::Answer(..))));
    }
}
