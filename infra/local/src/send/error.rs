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
    /// What is to be written could not be.
    #[error("cannot write {}, choose another with {option}", path.display())]
    Output {
        /// Which file or folder.
        path: PathBuf,
        /// The option that names another.
        option: &'static str,
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
    #[error("nobody in {} can be written to: {why}", path.display())]
    EmptyList {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The template, the subject or the From header cannot be used.
    #[error("{0}")]
    Content(String),
    /// The relay cannot be used.
    #[error("--smtp: {0}")]
    Relay(String),
    /// The stack cannot be started.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The HTTP API refused something.
    #[error(transparent)]
    Api(#[from] ClientError),
    /// Ctrl-C came before the campaign was started.
    #[error("stopped before the campaign was started: nothing was sent")]
    Interrupted,
    /// The campaign was started, and then something broke.
    #[error("the campaign was left where it is, what is under way may be in doubt; to go on: {how}")]
    LeftRunning {
        /// What is to be said to go on.
        how: String,
        /// What broke; nothing if an end at once was asked for.
        #[source]
        source: Option<Box<SendError>>,
    },
    /// Signals cannot be listened to.
    #[error("cannot listen for Ctrl-C")]
    Signal(#[source] io::Error),
    /// The program does not know its own file.
    #[error("cannot find this program's own file, which the functions are started from")]
    OwnProgram(#[source] io::Error),
}

impl SendError {
    /// Whether the arguments or the input are at fault, and nothing was begun.
    #[must_use]
    pub fn is_wrong_input(&self) -> bool {
        !matches!(self, Self::Interrupted | Self::LeftRunning { .. })
    }

    /// Whether the API refused a request and did nothing: otherwise it may have done what it was asked for.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Api(ClientError::Refused { status: 400..=499, .. }))
    }

    /// An error of reading `path`.
    pub(super) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { path: path.into(), source }
    }

    /// An error of writing `path`.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write { path: path.into(), source }
    }
}
