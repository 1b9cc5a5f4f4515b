//! Runs Lambda functions as processes on one machine, the way AWS does it.
//!
//! A [`Host`] owns functions. Each function is a program that speaks the documented [Lambda Runtime API]:
//! it asks for its next invocation, answers it, asks again. One process serves one invocation at a time, so
//! a function's concurrency is its number of processes; they are started on demand and kept warm.
//!
//! ```text
//!   HTTP ─ gateway ──┐
//!   SQS ── event_source ──┐            ┌─ process (runtime_api) ── function binary
//!   timer ─ schedule ──── function ── pool ─ process (runtime_api) ── function binary
//!   SDK ── lambda_api ┘                └─ …
//! ```
//!
//! What invokes a function first takes a *unit of concurrency* from its pool, then a warm or new process. Who
//! gets no unit is throttled, as on AWS; the SQS event source asks for a unit before it receives, so that
//! throttling costs no receive count.
//!
//! Nothing here knows what the functions do.
//!
//! [Lambda Runtime API]: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

mod clock;
mod environment;
mod event_source;
mod function;
pub mod gateway;
mod host;
mod init_backoff;
mod invocation;
pub mod lambda_api;
mod log_sink;
mod message_queue;
mod partial_batch;
mod pool;
mod process;
mod registry;
mod runtime_api;
mod rustack_queue;
mod schedule;
mod spec;
mod sqs_event;
mod sync;
mod usage;

pub use event_source::EventSourceSpec;
pub use function::FunctionStats;
pub use host::{Host, HostError};
pub use invocation::{FunctionError, InvokeError};
pub use log_sink::LogSink;
pub use message_queue::{MessageAttribute, MessageQueue, QueueError, ReceivedMessage};
pub use process::ProcessInfo;
pub use rustack_queue::RustackQueue;
pub use schedule::Schedule;
pub use spec::{FunctionSpec, HostConfig};
pub use usage::{FunctionUsage, ProcessUsage};
