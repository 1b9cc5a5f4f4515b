//! Being one of the functions.
//!
//! One `cargo run` builds one binary, so `fanmail` starts itself again as each function: `fanmail function
//! sender`. What runs then is the function crate's own `run()`, as in its deployed `bootstrap`.

use fanmail_runtime::Error;

/// The functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Function {
    /// The HTTP API.
    Api,
    /// Fan-out.
    Start,
    /// Sending.
    Sender,
    /// Recovery.
    Sweeper,
}

impl Function {
    /// Its name: of the function, its queue, its alarm and its log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Start => "start",
            Self::Sender => "sender",
            Self::Sweeper => "sweeper",
        }
    }

    /// Serves the Lambda Runtime API as this function until the process is ended.
    ///
    /// # Errors
    ///
    /// If the environment does not fit, or the Runtime API is gone.
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::Api => fanmail_api::run().await,
            Self::Start => fanmail_start::run().await,
            Self::Sender => fanmail_sender::run().await,
            Self::Sweeper => fanmail_sweeper::run().await,
        }
    }
}
