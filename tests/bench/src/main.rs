//! The `fanmail-bench` command. Wiring only.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The DynamoDB engine spends a fifth of its time in the system's allocator (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    fanmail_bench::cli::run()
}
