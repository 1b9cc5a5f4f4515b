//! What can go wrong between a checkout and a deployed stack.

use std::io;
use std::path::PathBuf;

/// Why something did not work on the stand-in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or a folder could not be read or written.
    #[error("could not use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program could not be started.
    #[error("could not start {program}")]
    Start {
        /// Which.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program said no.
    #[error("{program} failed:\n{said}")]
    Failed {
        /// Which.
        program: String,
        /// The end of what it printed.
        said: String,
    },
    /// The inbox did not start.
    #[error("could not start the inbox")]
    Inbox(#[source] fanmail_inbox::StartError),
    /// No HTTP answer.
    #[error("no answer to {request}")]
    NoAnswer {
        /// Method and path.
        request: String,
        /// What the connection said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An HTTP answer that is a refusal.
    #[error("{request} was answered with {status}: {body}")]
    Refused {
        /// Method and path.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        body: String,
    },
    /// An answer that is not what it should be.
    #[error("no {what} in {answer}")]
    Answer {
        /// What was looked for.
        what: &'static str,
        /// Where.
        answer: String,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {within_s} s; last seen: {last}")]
    TooLate {
        /// What was waited for.
        what: String,
        /// For how long.
        within_s: u64,
        /// How it stood.
        last: String,
    },
}

impl Error {
    /// An error about a file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}
