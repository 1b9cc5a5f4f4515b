//! What processes cost: CPU time and peak memory.
//!
//! Both are read from `/proc`, so they are zero on other systems. CPU time counts in ticks of 10 ms and is read
//! once more between a process's end and its burial, so it is complete. Peak memory is gone by then; it is
//! sampled after invocations, at most ten times a second. (`ru_maxrss` would not do: a child inherits its parent's
//! peak through fork and exec, and the parent is large.)

use std::sync::Mutex;

use crate::sync::lock;

/// What one process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// User and system time of all its threads, in microseconds.
    pub cpu_us: u64,
    /// Largest resident set so far, in KiB.
    pub peak_rss_kib: u64,
}

impl ProcessUsage {
    /// Reads what is to be had about `pid` now; what is not is zero.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self { cpu_us: cpu_us(pid).unwrap_or(0), peak_rss_kib: peak_rss_kib(pid).unwrap_or(0) }
    }

    /// The larger of both, field by field: neither value ever falls.
    #[must_use]
    pub(crate) fn or_later(self, later: Self) -> Self {
        Self {
            cpu_us: self.cpu_us.max(later.cpu_us),
            peak_rss_kib: self.peak_rss_kib.max(later.peak_rss_kib),
        }
    }
}

/// What all processes of a function have used, the ended ones and the living.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionUsage {
    /// Number of processes.
    pub processes: u64,
    /// CPU time of all together, in microseconds.
    pub cpu_us: u64,
    /// Peak memory of the largest, in KiB.
    pub max_peak_rss_kib: u64,
}

impl FunctionUsage {
    /// Counts one more process.
    pub(crate) fn add(&mut self, usage: ProcessUsage) {
        self.processes += 1;
        self.cpu_us += usage.cpu_us;
        self.max_peak_rss_kib = self.max_peak_rss_kib.max(usage.peak_rss_kib);
    }
}

/// Usage of a function's ended processes.
#[derive(Debug, Default)]
pub(crate) struct EndedUsage(Mutex<FunctionUsage>);

impl EndedUsage {
    pub(crate) fn add(&self, usage: ProcessUsage) {
        lock(&self.0).add(usage);
    }

    pub(crate) fn total(&self) -> FunctionUsage {
        *lock(&self.0)
    }
}

/// Fields 14 and 15 of `/proc/PID/stat` ([proc_pid_stat(5)]), which also exist for a process that has ended and
/// not been waited for.
///
/// [proc_pid_stat(5)]: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
#[cfg(target_os = "linux")]
fn cpu_us(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

#[cfg(target_os = "linux")]
fn peak_rss_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn cpu_us(_pid: u32) -> Option<u64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn peak_rss_kib(_pid: u32) -> Option<u64> {
    None
}
