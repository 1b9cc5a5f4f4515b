//! `fanmail-bench coldstart`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::campaign::BenchError;
use crate::coldstart::{Binary, ColdStart, Report, find, probe};

use super::function::{FUNCTIONS, binary, missing};
use super::{io, write_json};

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
        if !self.functions.is_empty() {
            return self.functions.iter().map(|name| binary(&self.bin_dir, name)).collect();
        }
        let there: Vec<_> =
            FUNCTIONS.iter().filter_map(|function| find(&self.bin_dir, function.name())).collect();
        if there.is_empty() { Err(missing(&self.bin_dir, "a function")) } else { Ok(there) }
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
