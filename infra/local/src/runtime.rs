//! The threads of a program that runs a stack.

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::runtime::Builder;

/// A runtime for a [`crate::stack::Stack`] and whoever uses it: with a thread for every second core.
///
/// The functions are processes of their own and the DynamoDB engine has threads of its own, so more of them would
/// only wake each other (docs/benchmarks.md).
#[must_use]
pub fn builder() -> Builder {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(cores.div_ceil(2)).enable_all();
    builder
}
