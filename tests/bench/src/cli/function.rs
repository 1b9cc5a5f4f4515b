//! What is started for a function: this program again, or what would be deployed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;
use fanmail::functions::Function;
use fanmail::stack::FunctionProgram;

use crate::campaign::BenchError;
use crate::coldstart::{Binary, find};

use super::io;

/// Everything that is deployed.
pub(super) const FUNCTIONS: [Function; 5] =
    [Function::Api, Function::Start, Function::Sender, Function::Feedback, Function::Sweeper];

/// Which function this process becomes.
#[derive(Debug, Args)]
pub(super) struct FunctionArgs {
    /// Be the binary from this folder
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Which one
    name: Function,
}

/// This program, which becomes each function: by itself, or as the binary in `bin_dir`.
pub(super) fn functions(bin_dir: Option<&Path>) -> Result<FunctionProgram, BenchError> {
    let path = std::env::current_exe().map_err(io("find the path of the own program"))?;
    let mut args = vec!["function".to_owned()];
    if let Some(folder) = bin_dir {
        for function in FUNCTIONS {
            binary(folder, function.name())?;
        }
        // Functions have a working directory of their own.
        let folder = std::path::absolute(folder).map_err(io("find the working directory"))?;
        args.extend(["--bin-dir".to_owned(), folder.display().to_string()]);
    }
    Ok(FunctionProgram { path, args })
}

/// The binary of a function below `folder`.
pub(super) fn binary(folder: &Path, name: &str) -> Result<Binary, BenchError> {
    find(folder, name).ok_or_else(|| missing(folder, name))
}

/// What to say where there is none.
pub(super) fn missing(folder: &Path, name: &str) -> BenchError {
    let what = format!("find the binary of {name} below {}", folder.display());
    io(&what)(std::io::ErrorKind::NotFound.into())
}

/// Serves invocations until this process is ended.
pub(super) async fn run(args: FunctionArgs) -> Result<ExitCode, BenchError> {
    let name = args.name.name();
    if let Some(folder) = args.bin_dir {
        let path = binary(&folder, name)?.path;
        // Comes back only if it failed.
        return Err(io(&format!("start {}", path.display()))(Command::new(&path).exec()));
    }
    // As the functions' own `main`.
    Ok(match args.name.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fanmail-bench function {name}: {error}");
            ExitCode::FAILURE
        }
    })
}
