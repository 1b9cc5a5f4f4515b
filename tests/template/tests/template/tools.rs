//! The pinned tools, and how they are called.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folder with `sam`, `cfn-lint` and `python`. The first call may install them.
pub(crate) fn tools() -> &'static Path {
    static TOOLS: OnceLock<PathBuf> = OnceLock::new();
    TOOLS.get_or_init(|| {
        let out = Command::new(root().join("infra/tools/install")).arg("sam").output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "the tools cannot be installed (python3 with venv is needed): {said}");
        PathBuf::from(String::from_utf8(out.stdout).unwrap().trim_end())
    })
}

/// Calls one of them in the root, without a network and without anybody's settings.
pub(crate) fn call(tool: &str, args: &[&str]) -> Output {
    Command::new(tools().join(tool))
        .args(args)
        .current_dir(root())
        .env("SAM_CLI_TELEMETRY", "0")
        .env_remove("AWS_DEFAULT_REGION")
        .env_remove("AWS_PROFILE")
        .output()
        .unwrap()
}

/// What it printed on stdout.
///
/// # Panics
///
/// If it failed, with all it said.
pub(crate) fn output_of(tool: &str, args: &[&str]) -> String {
    let out = call(tool, args);
    assert!(out.status.success(), "{tool} {args:?}: {}", said(&out));
    String::from_utf8(out.stdout).unwrap()
}

/// Everything it said.
pub(crate) fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}
