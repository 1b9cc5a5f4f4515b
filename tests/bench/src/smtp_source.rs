//! Postfix's load tool against the same inbox: what a plain C client without bookkeeping reaches here and now.
//!
//! `smtp-source` (Debian package `postfix`) sends one message over and over: lockstep, no templates, no ledger.
//! 16 sessions that stay open (`-s 16 -d`), as many octets per message as the campaign's had on average.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, io};

use fanmail_lambda_host::ProcessUsage;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::machine::HostCpu;

/// Where Debian puts it, which is not in every `PATH`.
const SBIN: &str = "/usr/sbin";
const SESSIONS: usize = 16;
/// Whom it writes to.
pub const RECIPIENT: &str = "yardstick@example.com";

/// What the tool reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Yardstick {
    /// Messages sent.
    pub messages: u64,
    /// How long that took.
    pub elapsed: Duration,
    /// CPU time of the tool, in microseconds.
    pub cpu_us: u64,
    /// CPU time of this process meanwhile, nearly all of it the inbox's, in microseconds.
    pub inbox_cpu_us: u64,
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of a benchmark are far below 2^53")]
impl Yardstick {
    /// Messages per second.
    #[must_use]
    pub fn messages_per_s(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// CPU microseconds of the tool per message.
    #[must_use]
    pub fn cpu_us_per_message(&self) -> f64 {
        self.cpu_us as f64 / self.messages.max(1) as f64
    }

    /// CPU microseconds of the inbox per message.
    #[must_use]
    pub fn inbox_cpu_us_per_message(&self) -> f64 {
        self.inbox_cpu_us as f64 / self.messages.max(1) as f64
    }
}

/// Where the tool is, if it is installed.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([PathBuf::from(SBIN)]);
    folders.map(|folder| folder.join("smtp-source")).find(|tool| tool.is_file())
}

/// Sends `messages` of `message_bytes` to `inbox` and waits for the end. Blocks.
///
/// # Errors
///
/// If the tool cannot be started, or says that it failed.
pub fn run(tool: &Path, inbox: SocketAddr, messages: u64, message_bytes: u64) -> io::Result<Yardstick> {
    let host = HostCpu::now();
    let started = Instant::now();
    let mut child = command(tool, inbox, SESSIONS, messages, message_bytes).stdin(Stdio::null()).spawn()?;
    let used = usage_at_end(&child);
    let elapsed = started.elapsed();
    let status = child.wait()?;
    if !status.success() {
        return Err(io::Error::other(format!("smtp-source: {status}")));
    }
    let inbox_cpu_us = HostCpu::now().since(host).all_us;
    Ok(Yardstick { messages, elapsed, cpu_us: used?.cpu_us, inbox_cpu_us })
}

/// Sends `messages` of `message_bytes` to `server` over `sessions` connections that stay open.
#[must_use]
pub fn command(
    tool: &Path,
    server: SocketAddr,
    sessions: usize,
    messages: u64,
    message_bytes: u64,
) -> Command {
    let mut command = Command::new(tool);
    command.args(["-s", &sessions.to_string(), "-d"]);
    command.args(["-m", &messages.to_string(), "-l", &message_bytes.to_string()]);
    command.args(["-f", "news@acme.example", "-t", RECIPIENT, &server.to_string()]);
    command
}

/// Waits until the process has ended, and reads what it used before it is buried.
pub(crate) fn usage_at_end(child: &Child) -> io::Result<ProcessUsage> {
    let pid = Pid::from_child(child);
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(ProcessUsage::of(child.id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yardstick_is_per_second_and_per_message() {
        let yardstick = Yardstick {
            messages: 2_000,
            elapsed: Duration::from_millis(500),
            cpu_us: 100_000,
            inbox_cpu_us: 50_000,
        };
        assert_eq!(yardstick.messages_per_s(), 4_000.0);
        assert_eq!(yardstick.cpu_us_per_message(), 50.0);
        assert_eq!(yardstick.inbox_cpu_us_per_message(), 25.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_process_used_is_read_after_its_end() {
        let work = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        let mut child = Command::new("sh").args(["-c", work]).spawn().unwrap();
        let used = usage_at_end(&child).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(used.cpu_us >= 10_000, "{used:?}");
    }
}
