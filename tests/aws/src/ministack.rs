//! The stand-in for AWS, as a process.
//!
//! It listens on one free port of 127.0.0.1, keeps everything in memory, and runs functions as processes of its own. They
//! inherit its environment, which is how they learn where AWS is, and belong to its process group, with which they are
//! ended.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::client::{REGION, Requests};
use crate::error::Error;
use crate::tools;

/// How long it may take to start: two seconds of computing on a machine with nothing else to do.
const START: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A running stand-in. Dropping it ends it and all its functions.
#[derive(Debug)]
pub struct Ministack {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Ministack {
    /// Starts one that keeps its files in `folder`.
    ///
    /// # Errors
    ///
    /// If the tool cannot be installed or does not start.
    pub async fn start(folder: &Path) -> Result<Self, Error> {
        let program = tools::install("ministack").await?.join("ministack");
        let log = folder.join("ministack.log");
        let port = free_port().map_err(Error::file("a free port"))?;
        let out = File::create(&log).map_err(Error::file(&log))?;
        let err = out.try_clone().map_err(Error::file(&log))?;
        let mut command = Command::new(&program);
        command.envs(environment(port)).env("TMPDIR", folder).current_dir(folder);
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0).kill_on_drop(true);
        let process = command.spawn().map_err(|source| Error::Start { program, source })?;
        let mut started = Self { process, port, log };
        started.wait_until_ready().await?;
        Ok(started)
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A client of it.
    #[must_use]
    pub fn requests(&self) -> Requests {
        Requests::new(self.port)
    }

    /// What it printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn wait_until_ready(&mut self) -> Result<(), Error> {
        let requests = self.requests();
        let ready = async {
            loop {
                if let Ok(Some(_)) = self.process.try_wait() {
                    return false;
                }
                if requests.rest("s3", "GET", "/_ministack/health", &Value::Null).await.is_ok() {
                    return true;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(START, ready).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::Failed { program: "ministack".into(), said: self.log() }),
        }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        let group = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // It may have ended already; then there is nobody to tell.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Its own variables, and those that the functions and `sam` read.
#[must_use]
pub fn environment(port: u16) -> Vec<(&'static str, String)> {
    vec![
        ("BIND_HOST", "127.0.0.1".into()),
        ("GATEWAY_PORT", port.to_string()),
        ("MINISTACK_REGION", REGION.into()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_DEFAULT_REGION", REGION.into()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
    ]
}

/// A port that is free now. Whoever takes it first has it; the stand-in says so and ends.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
