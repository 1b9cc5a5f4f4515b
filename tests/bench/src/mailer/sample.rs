//! What one run of one contestant measured, and the medians of several. Pure.

use serde::Serialize;

use crate::figures::median;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Messages sent.
    pub messages: u64,
    /// Wall-clock time of the client process, in microseconds.
    pub elapsed_us: u64,
    /// CPU time of the client process, in microseconds.
    pub cpu_us: u64,
    /// CPU time of the server meanwhile, in microseconds.
    pub server_cpu_us: u64,
    /// Octets that the server counted.
    pub octets: u64,
    /// Load average when it began.
    pub load: f64,
    /// The server counted what the client did: nothing lost, nothing doubled.
    pub is_whole: bool,
}

/// Medians of one contestant. Names end in their unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Messages per second.
    pub messages_per_s: f64,
    /// The slowest and the fastest run.
    pub messages_per_s_range: (f64, f64),
    /// CPU time of the client per message.
    pub cpu_us_per_message: f64,
    /// CPU time of the server per message.
    pub server_cpu_us_per_message: f64,
    /// How much of its core the server used. Near 1 it is the server that was measured.
    pub server_busy: f64,
    /// Octets of one message, as the server counts them.
    pub octets_per_message: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts and microseconds of a benchmark are far below 2^53")]
impl Figures {
    /// `None` without samples.
    #[must_use]
    pub fn of(samples: &[Sample]) -> Option<Self> {
        let each = |value: fn(&Sample) -> f64| samples.iter().map(value).collect::<Vec<_>>();
        let rate = |sample: &Sample| sample.messages as f64 * 1e6 / sample.elapsed_us.max(1) as f64;
        let (slowest, fastest) =
            (each(rate).into_iter().reduce(f64::min)?, each(rate).into_iter().reduce(f64::max)?);
        Some(Self {
            messages_per_s: median(each(rate))?,
            messages_per_s_range: (slowest, fastest),
            cpu_us_per_message: median(each(|s| s.cpu_us as f64 / s.messages.max(1) as f64))?,
            server_cpu_us_per_message: median(each(|s| s.server_cpu_us as f64 / s.messages.max(1) as f64))?,
            server_busy: median(each(|s| s.server_cpu_us as f64 / s.elapsed_us.max(1) as f64))?,
            octets_per_message: median(each(|s| s.octets as f64 / s.messages.max(1) as f64))?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample(elapsed_us: u64, cpu_us: u64) -> Sample {
        Sample {
            messages: 1_000,
            elapsed_us,
            cpu_us,
            server_cpu_us: 50_000,
            octets: 7_000_000,
            load: 1.0,
            is_whole: true,
        }
    }

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let samples = [sample(100_000, 60_000), sample(200_000, 40_000), sample(50_000, 50_000)];
        let figures = Figures::of(&samples).unwrap();
        assert_eq!(figures.messages_per_s, 10_000.0);
        assert_eq!(figures.messages_per_s_range, (5_000.0, 20_000.0));
        assert_eq!(figures.cpu_us_per_message, 50.0);
        assert_eq!(figures.server_cpu_us_per_message, 50.0);
        assert_eq!(figures.server_busy, 0.5);
        assert_eq!(figures.octets_per_message, 7_000.0);
        assert_eq!(Figures::of(&[]), None);
    }
}
