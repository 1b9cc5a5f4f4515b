//! What can be in the way of a stack, in words for the person at the terminal.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use fanmail_engine::ports::BoxError;
use fanmail_inbox::StartError;
use fanmail_lambda_host::HostError;

/// What is in the way of a stack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// The API's port is taken.
    #[error(
        "cannot listen on {addr} for the HTTP API, stop what runs there or choose another port with --port"
    )]
    ApiPort {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No free port could be taken.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] io::Error),
    /// No temporary folder could be made.
    #[error("cannot make a temporary folder; choose one with --data-dir")]
    TempDir(#[source] io::Error),
    /// The data folder cannot be used.
    #[error("cannot use {} as the data folder, choose another with --data-dir", path.display())]
    DataDir {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The data folder is of another version.
    #[error(
        "{} holds data of version {found}, and this fanmail reads version {expected}: use the fanmail that wrote it, or another --data-dir",
        path.display()
    )]
    DataDirVersion {
        /// The folder.
        path: PathBuf,
        /// What it says it is.
        found: String,
        /// What this program reads.
        expected: &'static str,
    },
    /// The data folder holds something else.
    #[error("{} holds files that are not fanmail's: choose an empty or new folder for --data-dir", .0.display())]
    ForeignDataDir(PathBuf),
    /// Another process has the data folder.
    #[error("{} is in use by another fanmail: wait until it has ended, or choose another --data-dir", .0.display())]
    DataDirInUse(PathBuf),
    /// The database cannot be opened.
    #[error("cannot open the database: {0}")]
    Database(String),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// Tables or queues could not be made.
    #[error("cannot create the tables and queues")]
    Provision(#[source] BoxError),
    /// The queues could not be purged.
    #[error("cannot purge the queues")]
    Purge(#[source] BoxError),
    /// The inbox could not be started.
    #[error("cannot start the inbox")]
    Inbox(#[from] StartError),
    /// The Lambda host refused a function.
    #[error("cannot start the functions")]
    Host(#[from] HostError),
}
