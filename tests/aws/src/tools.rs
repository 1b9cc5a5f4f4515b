//! Tools that are not in the workspace: below `target/tools`, laid there by `infra/tools/install`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::error::Error;

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    // Two folders up from `tests/aws`.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Whether the tools can be laid out at all: they are Python, in environments of their own.
#[must_use]
pub fn are_available() -> bool {
    let mut python = std::process::Command::new("python3");
    python.args(["-c", "import ensurepip, venv"]).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

/// Lays a tool out, unless it is there, and answers the folder of its executables. The first time takes a minute or two.
///
/// # Errors
///
/// [`Error::Start`] or [`Error::Failed`] with what the script said.
pub async fn install(name: &str) -> Result<PathBuf, Error> {
    let script = root().join("infra/tools/install");
    let run = Command::new(&script).arg(name).output().await;
    let run = run.map_err(|source| Error::Start { program: script, source })?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        return Err(Error::Failed { program: format!("infra/tools/install {name}"), said });
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&run.stdout).trim()))
}
