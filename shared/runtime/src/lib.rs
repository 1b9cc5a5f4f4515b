//! Lambda glue: what every function needs around its handler, written once.
//!
//! [`vars`] reads the configuration, all of it, and reports every error at once. [`aws`] makes the clients,
//! which live as long as the process. [`invocation`] turns a Lambda context into who we are and how long we
//! may go on. [`secrets`] reads passwords from where the settings say they are, and [`signed`] asks services
//! for which a client would be too much. [`sqs_batch`] is the loop over records with its partial batch
//! response. [`telemetry`] writes the log, [`usage`] the one line per invocation that says what it cost, and
//! [`metrics`] the one that CloudWatch counts by. `http` is the connection
//! beneath the clients, and `tls` trusts whom the system trusts.

pub mod aws;
pub mod chain;
pub mod clock;
mod http;
pub mod invocation;
pub mod metrics;
pub mod secrets;
pub mod signed;
pub mod sqs_batch;
#[cfg(any(test, feature = "stub"))]
pub mod stub;
pub mod telemetry;
mod tls;
pub mod usage;
pub mod vars;

pub use chain::Chain;
pub use clock::SystemClock;
pub use lambda_runtime::{Error, LambdaEvent, service_fn};
pub use secrets::{SecretError, Secrets};
pub use tls::roots;
