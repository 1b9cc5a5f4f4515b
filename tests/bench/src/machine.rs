//! What this process and the machine report about themselves. Linux only: zero elsewhere.

use std::fs;

use fanmail_lambda_host::ProcessUsage;

/// The load average of the last minute.
#[must_use]
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// Cores this process may use.
#[must_use]
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// CPU time that this process has used: engines, Lambda host and inbox are threads of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostCpu {
    /// Of all threads, in microseconds; counts in ticks of 10 ms.
    pub all_us: u64,
    /// Of the DynamoDB engine's thread alone.
    pub dynamodb_us: u64,
}

impl HostCpu {
    /// Until now.
    #[must_use]
    pub fn now() -> Self {
        Self { all_us: ProcessUsage::of(std::process::id()).cpu_us, dynamodb_us: thread_us("dynamodb") }
    }

    /// What came since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            all_us: self.all_us.saturating_sub(earlier.all_us),
            dynamodb_us: self.dynamodb_us.saturating_sub(earlier.dynamodb_us),
        }
    }
}

/// CPU time of this process's living threads with this name, in microseconds.
fn thread_us(name: &str) -> u64 {
    threads_ns("self", |comm| comm == name) / 1_000
}

/// CPU time of all living threads of process `pid`, in nanoseconds.
#[must_use]
pub(crate) fn process_cpu_ns(pid: u32) -> u64 {
    threads_ns(&pid.to_string(), |_| true)
}

/// Whether every thread of process `pid` waits for something: the kernel adds up a thread's time when it stops running,
/// so until then the time that is told lacks up to a tick.
#[must_use]
pub(crate) fn is_waiting(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    let mut stats =
        threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    // The state follows the program's name, which is in parentheses and may hold blanks.
    stats.all(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('R')))
}

/// CPU time of a process's living threads whose names are `wanted`: the first number of [`schedstat`] is
/// nanoseconds on a CPU.
///
/// [`schedstat`]: https://docs.kernel.org/scheduler/sched-stats.html
fn threads_ns(process: &str, wanted: impl Fn(&str) -> bool) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return 0 };
    let named = threads
        .flatten()
        .map(|thread| thread.path())
        .filter(|path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| wanted(comm.trim_end())));
    let on_cpu_ns = named.filter_map(|path| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    on_cpu_ns.sum()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_of_a_named_thread_is_seen_apart() {
        let before = HostCpu::now();
        let thread = std::thread::Builder::new().name("dynamodb".into());
        let (done, wait) = std::sync::mpsc::channel();
        let (seen, hold) = std::sync::mpsc::channel::<()>();
        let worker = thread
            .spawn(move || {
                let mut sum = 0_u64;
                while thread_us("dynamodb") < 30_000 {
                    sum = std::hint::black_box(sum + 1);
                }
                done.send(()).unwrap();
                hold.recv().unwrap();
            })
            .unwrap();
        wait.recv().unwrap();
        let used = HostCpu::now().since(before);
        seen.send(()).unwrap();
        worker.join().unwrap();
        assert!(used.dynamodb_us >= 30_000, "{used:?}");
        assert!(used.all_us >= 10_000, "{used:?}");
        assert_eq!(thread_us("no such thread"), 0);
    }
}
