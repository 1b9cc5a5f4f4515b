//! Sizes and cold starts, for people and for programs.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Binary, ColdStart};
use crate::figures::median;
use crate::machine;

/// One function's figures.
#[derive(Debug, Clone, Serialize)]
struct Row {
    function: String,
    binary_mb: f64,
    zip_mb: f64,
    cpu_ms: f64,
    cpu_ms_least: f64,
    wall_ms: f64,
    peak_mb: f64,
}

/// All functions' figures.
#[derive(Debug, Clone, Default)]
pub struct Report {
    rows: Vec<Row>,
    runs: usize,
}

const MB: f64 = 1_000_000.0;

impl Report {
    /// Adds a function's cold starts; those of all functions should be as many.
    ///
    /// # Errors
    ///
    /// If the binary cannot be read or `gzip` is missing.
    #[expect(clippy::cast_precision_loss, reason = "sizes of programs are far below 2^53")]
    pub fn add(&mut self, binary: &Binary, starts: &[ColdStart]) -> std::io::Result<()> {
        let of = |figure: fn(&ColdStart) -> f64| median(starts.iter().map(figure).collect()).unwrap_or(0.0);
        let cpu = |start: &ColdStart| start.cpu.as_secs_f64() * 1_000.0;
        self.rows.push(Row {
            function: binary.name.clone(),
            binary_mb: binary.octets()? as f64 / MB,
            zip_mb: binary.zipped_octets()? as f64 / MB,
            cpu_ms: of(cpu),
            cpu_ms_least: starts.iter().map(cpu).fold(f64::INFINITY, f64::min),
            wall_ms: of(|start| start.wall.as_secs_f64() * 1_000.0),
            peak_mb: of(|start| start.peak_rss_kib as f64 / 1_024.0),
        });
        self.runs = self.runs.max(starts.len());
        Ok(())
    }

    /// The same as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({ "benchmark": "coldstart", "runs": self.runs, "load": machine::load(), "functions": self.rows })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exec to the first question for an invocation, medians of {} starts each", self.runs)?;
        let head = ["function", "binary MB", "zip MB", "CPU ms", "least", "wall ms", "peak MB"];
        let [name, rest @ ..] = head;
        write!(f, "{name:<10}")?;
        rest.iter().try_for_each(|title| write!(f, "{title:>11}"))?;
        writeln!(f)?;
        for row in &self.rows {
            let Row { function, binary_mb, zip_mb, cpu_ms, cpu_ms_least, wall_ms, peak_mb } = row;
            write!(f, "{function:<10}{binary_mb:>11.2}{zip_mb:>11.2}{cpu_ms:>11.2}")?;
            writeln!(f, "{cpu_ms_least:>11.2}{wall_ms:>11.1}{peak_mb:>11.1}")?;
        }
        Ok(())
    }
}
