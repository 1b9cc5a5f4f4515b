//! The cold start of each function: from exec to its first question for an invocation.
//!
//! 1. A Runtime API of our own listens on a free port; it answers nothing.
//! 2. The function's binary is started with the environment that the template gives it: HTTPS endpoints, so that
//!    certificates are loaded as on AWS. Nothing is sent there before an invocation.
//! 3. When `GET /2018-06-01/runtime/invocation/next` arrives, the process's CPU time and peak memory are read from
//!    `/proc`, and it is killed.
//!
//! Functions take turns, so that a change of the machine's load meets all of them. CPU time is what the scheduler
//! counted, in nanoseconds; the loading of the program is part of it.

mod binary;
mod probe;
mod report;

pub use binary::{Binary, find};
pub use probe::{ColdStart, ProbeError, probe};
pub use report::Report;
