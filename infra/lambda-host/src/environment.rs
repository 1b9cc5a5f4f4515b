//! The environment a function's process gets: what [AWS defines], then the function's own.
//!
//! [AWS defines]: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

use std::{net::SocketAddr, path::Path};

use tokio::process::Command;

use crate::{
    clock::{self, Utc},
    spec::{FunctionSpec, HostConfig},
};

/// Search path on `provided.al2023`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// Clears the environment of `command` and sets the one that the function would see on AWS.
///
/// `AWS_ACCESS_KEY_ID` and its companions are the role's on AWS; here they are the function's own affair.
pub(crate) fn set(command: &mut Command, spec: &FunctionSpec, config: &HostConfig, runtime_api: SocketAddr) {
    let task_root = spec.command.parent().unwrap_or_else(|| Path::new("."));
    command.env_clear();
    command.env("PATH", PATH).env("LANG", "en_US.UTF-8").env("TZ", ":UTC");
    command.env("LAMBDA_TASK_ROOT", task_root);
    command.env("_HANDLER", "bootstrap");
    command.env("AWS_REGION", &config.region).env("AWS_DEFAULT_REGION", &config.region);
    command.env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
    command.env("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string());
    command.env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    command.env("AWS_LAMBDA_FUNCTION_NAME", &spec.name);
    command.env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string());
    command.env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name));
    command.env("AWS_LAMBDA_LOG_STREAM_NAME", log_stream());
    command.envs(&spec.env);
}

/// `2026/10/09/[$LATEST]` and 32 hexadecimal digits.
fn log_stream() -> String {
    let date = Utc::at(clock::epoch_ms()).date('/');
    format!("{date}/[$LATEST]{}", uuid::Uuid::new_v4().simple())
}
