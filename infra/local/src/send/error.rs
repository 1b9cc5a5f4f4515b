//! What can be wrong with a `send`, in words for the person at the terminal.

use std::io;
use std::path::PathBuf;

use super::client::ClientError;
use crate::stack::StackError;

/// What is wrong with the arguments, the input or the machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// An input file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An output file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The list is no list.
    #[error("{} cannot be used as a list: {reason}", path.display())]
    List {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The list has nobody on it.
    #[error("{} has nobody who could be written to: {rejected} rows were rejected, none is left", path.display())]
    EmptyList {
        /// Which file.
        path: PathBuf,
        /// How many rows were rejected.
        rejected: usize,
    },
    /// The template, the subject or the From header cannot be used.
    #[error("{0}")]
    Content(String),
    /// The relay cannot be used.
    #[error("cannot send through {server}: {reason}")]
    Relay {
        /// Host and port, without credentials.
        server: String,
        /// What is wrong.
        reason: String,
    },
    /// The stack cannot be started.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The HTTP API refused something.
    #[error(transparent)]
    Api(#[from] ClientError),
    /// Signals cannot be listened to.
    #[error("cannot listen for Ctrl-C")]
    Signal(#[source] io::Error),
    /// The program does not know its own file.
    #[error("cannot find this program's own file, which the functions are started from")]
    OwnProgram(#[source] io::Error),
}

impl SendError {
    /// An error of reading `path`.
    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.into(), source }
    }

    /// An error of writing `path`.
    pub(super) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.into(), source }
    }
}
