//! The whole of fanmail on one machine.
//!
//! [`stack`] starts the engines, the Lambda host with the real functions, the HTTP API and the inbox.
//! [`functions`] is what the function processes run: the same program, started again under another name.
//! [`send`] takes one campaign from a file to its end, [`soak`] strikes at a stack and audits what comes of it,
//! [`token`] makes and takes back tokens of the API, here and on AWS, [`cli`] is the command around them, and
//! [`runtime`] has its threads.

pub mod cli;
pub mod functions;
pub mod runtime;
pub mod send;
pub mod soak;
pub mod stack;
pub mod token;
