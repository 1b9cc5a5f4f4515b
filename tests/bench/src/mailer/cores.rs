//! A core for the client and a core for the server.
//!
//! A child begins on the cores that the thread that starts it may use, so the pin is set on a thread made for it.
//! Linux only: elsewhere, and on one core, nothing is pinned and the report says so.

use std::io;
use std::process::{Child, Command};

use serde::Serialize;

/// Which core is whose; `None` where it is not pinned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cores {
    /// The client's.
    pub client: Option<usize>,
    /// The server's.
    pub server: Option<usize>,
}

impl Cores {
    /// The first two that this process may use.
    #[must_use]
    pub fn two() -> Self {
        match allowed().as_slice() {
            [client, server, ..] => Self { client: Some(*client), server: Some(*server) },
            _ => Self::default(),
        }
    }
}

/// Starts `command` on `core` alone.
///
/// # Errors
///
/// What the system says about the core or the program.
pub fn spawn(command: &mut Command, core: Option<usize>) -> io::Result<Child> {
    let Some(core) = core else { return command.spawn() };
    let start = || {
        pin(core)?;
        command.spawn()
    };
    let started = std::thread::scope(|scope| scope.spawn(start).join());
    started.unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
}

#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    use rustix::thread::{CpuSet, sched_getaffinity};
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core)).collect()
}

#[cfg(target_os = "linux")]
fn pin(core: usize) -> io::Result<()> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn pin(_: usize) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_child_runs_on_its_core_and_this_process_where_it_did() {
        let before = allowed();
        for core in before.clone() {
            let mut command = Command::new("grep");
            command.args(["Cpus_allowed_list", "/proc/self/status"]).stdout(Stdio::piped());
            let output = spawn(&mut command, Some(core)).unwrap().wait_with_output().unwrap();
            let list = String::from_utf8(output.stdout).unwrap();
            assert_eq!(list.split_whitespace().last(), Some(core.to_string().as_str()));
        }
        assert_eq!(allowed(), before);
    }
}
