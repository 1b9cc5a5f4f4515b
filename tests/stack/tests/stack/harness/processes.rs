//! Ending, stopping and looking for processes of the stack.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(pid.try_into().unwrap()).unwrap()
}

/// `kill -9`. A process that is gone already is none to kill.
pub(crate) fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Stops a process where it stands.
pub(crate) fn freeze(pid: u32) {
    signal(pid, Signal::STOP);
}

/// Lets a frozen process go on.
pub(crate) fn thaw(pid: u32) {
    signal(pid, Signal::CONT);
}

/// Whether there is such a process, and not only its entry: waiting for a parent that never asks (`Z`), or
/// being buried just now (`X`, which follows `Z` for a moment).
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ended = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']));
    test_kill_process(pid_of(pid)).is_ok() && !ended
}

fn signal(pid: u32, signal: Signal) {
    match kill_process(pid_of(pid), signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot send {signal:?} to {pid}: {error}"),
    }
}
