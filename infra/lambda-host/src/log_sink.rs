//! Where a function's standard output and error go.

use std::{
    fs::{self, OpenOptions},
    io,
    path::PathBuf,
    process::Stdio,
};

/// Takes the output of all processes of one function.
#[derive(Debug, Clone, Default)]
pub enum LogSink {
    /// The host's own standard output and error.
    #[default]
    Inherit,
    /// A file that is appended to; folders on the way are created.
    File(PathBuf),
    /// Nowhere.
    Discard,
}

impl LogSink {
    /// A process's standard output and standard error, in that order.
    ///
    /// # Errors
    ///
    /// The file cannot be opened for appending.
    pub(crate) fn open(&self) -> io::Result<(Stdio, Stdio)> {
        match self {
            Self::Inherit => Ok((Stdio::inherit(), Stdio::inherit())),
            Self::Discard => Ok((Stdio::null(), Stdio::null())),
            Self::File(path) => {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                Ok((file.try_clone()?.into(), file.into()))
            }
        }
    }
}
