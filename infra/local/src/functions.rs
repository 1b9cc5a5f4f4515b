//! Being one of the functions.
//!
//! One `cargo run` builds one binary, so `fanmail` starts itself again as each function: `fanmail function
//! sender`. What runs then is the function crate's own `run()`, as in its deployed `bootstrap`.

use std::os::unix::process::parent_id;
use std::time::Duration;

use fanmail_runtime::Error;

/// How often a function looks whether its host still lives.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Function {
    /// The HTTP API.
    Api,
    /// Fan-out.
    Start,
    /// Sending.
    Sender,
    /// The provider's events.
    Feedback,
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
            Self::Feedback => "feedback",
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
            Self::Api => Box::pin(fanmail_api::run()).await,
            Self::Start => Box::pin(fanmail_start::run()).await,
            Self::Sender => Box::pin(fanmail_sender::run()).await,
            Self::Feedback => Box::pin(fanmail_feedback::run()).await,
            Self::Sweeper => Box::pin(fanmail_sweeper::run()).await,
        }
    }
}

/// Sees to it that this process ends soon after the one that started it was killed.
///
/// With the host the engines are gone: nothing could be written down any more, while a sender in the middle of
/// a window would go on handing messages over. What it leaves behind is *submitting* either way.
pub fn end_with_parent() {
    let parent = parent_id();
    let watch = move || {
        while parent_id() == parent {
            std::thread::sleep(LOOK_EVERY);
        }
        std::process::exit(1);
    };
    if let Err(error) = std::thread::Builder::new().name("parent".into()).spawn(watch) {
        eprintln!("fanmail: cannot watch the host of this function: {error}");
    }
}
