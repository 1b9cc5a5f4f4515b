//! The `fanmail-bench` command. Wiring only.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// The DynamoDB engine makes and drops thousands of small values for each request (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    fanmail_bench::cli::run()
}
