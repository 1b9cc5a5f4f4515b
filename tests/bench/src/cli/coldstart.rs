//! `fanmail-bench coldstart`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::campaign::BenchError;
use crate::coldstart::{Binary, ColdStart, Report, find, probe};

use super::{io, write_json};

/// All functions there are.
const FUNCTIONS: [&str; 5] = ["api", "start", "sender", "feedback", "sweeper"];

/// What the user chose.
#[derive(Debug, Args)]
pub(super) struct ColdStartArgs {
    /// Where the functions' binaries are, as cargo, `cargo lambda` or `sam build` left them
    #[arg(long, value_name = "DIR", default_value = "target/lambda")]
    bin_dir: PathBuf,
    /// Functions to start; without it all that are there
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,
    /// Starts of each function; the medians are reported
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
    /// Write the figures here, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl ColdStartArgs {
    fn binaries(&self) -> Result<Vec<Binary>, BenchError> {
        let named = |name: &String| find(&self.bin_dir, name).ok_or_else(|| self.missing(name));
        if !self.functions.is_empty() {
            return self.functions.iter().map(named).collect();
        }
        let there: Vec<_> = FUNCTIONS.iter().filter_map(|name| find(&self.bin_dir, name)).collect();
        if there.is_empty() { Err(self.missing("a function")) } else { Ok(there) }
    }

    fn missing(&self, name: &str) -> BenchError {
        let what = format!("find the binary of {name} below {}", self.bin_dir.display());
        io(&what)(std::io::ErrorKind::NotFound.into())
    }
}

/// Measures and reports.
pub(super) fn run(args: &ColdStartArgs) -> Result<ExitCode, BenchError> {
    let binaries = args.binaries()?;
    let mut starts: Vec<Vec<ColdStart>> = vec![Vec::new(); binaries.len()];
    for _ in 0..args.repeat {
        for (binary, starts) in binaries.iter().zip(&mut starts) {
            starts.push(probe(binary)?);
        }
    }
    let mut report = Report::default();
    for (binary, starts) in binaries.iter().zip(&starts) {
        report.add(binary, starts).map_err(io(&format!("measure {}", binary.path.display())))?;
    }
    print!("{report}");
    if let Some(file) = &args.json {
        write_json(file, &report.json())?;
    }
    Ok(ExitCode::SUCCESS)
}
