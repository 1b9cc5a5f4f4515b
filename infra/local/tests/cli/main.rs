//! The `fanmail` command, as a person or a script meets it: the real program, as a process.
//!
//! Every scene is an own folder, with an own folder for temporary files, and looks at its end whether a process
//! or a temporary file was left behind. Where a witness has to outlive the program, it is an inbox of the test
//! that the program takes for a relay.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]

mod crash;
mod example;
mod http_api;
mod interrupts;
mod relays;
mod scene;
mod soak;
mod tokens;
mod up;
mod wrong_input;
