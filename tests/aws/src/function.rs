//! Being one of the functions.
//!
//! Every function's `bootstrap` is the same program here, and learns from its environment which one it is to be. What runs
//! then is the function crate's own `run()`, as in its deployed `bootstrap`.

use clap::ValueEnum;
use fanmail::functions::{Function, end_with_parent};

/// Where Lambda says which function this is (AWS Lambda developer guide, "Defined runtime environment variables").
const NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// The function that this process was started as, by the last part of its name: `STACK-sender`.
#[must_use]
pub fn wanted() -> Option<String> {
    let name = std::env::var(NAME).ok()?;
    Some(name.rsplit('-').next().unwrap_or_default().to_owned())
}

/// Serves the Lambda Runtime API as this function until the process is ended.
///
/// # Errors
///
/// If there is no such function, its environment does not fit, or the Runtime API is gone.
pub async fn run(name: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    end_with_parent();
    Function::from_str(name, false)?.run().await
}
