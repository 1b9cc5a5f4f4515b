//! fanmail deployed as on AWS, without AWS.
//!
//! [`ministack::Ministack`] is a stand-in for AWS (CloudFormation, Lambda, DynamoDB, SQS, EventBridge Scheduler, API
//! Gateway, Secrets Manager and more) in one process on 127.0.0.1. [`deployment::deploy`] takes the way that people
//! take: `sam deploy` of `infra/template.yaml`, with credentials that mean nothing. What the stand-in lacks is left out
//! of the template by name ([`left_out`]). The functions that then run are the real ones, called by its API gateway,
//! its queues and its scheduler; mail leaves over SMTP to an inbox ([`stage::Stage`]), which is the witness.
//!
//! What this shows: that the template's resources fit together, and that the functions do their work with what it gives
//! them. What it does not: permissions (the stand-in grants everything), limits, prices and timing of AWS.
//!
//! `cargo run -p fanmail-aws-tests --bin try-on-ministack` is the same for a person to watch.

pub mod client;
pub mod deployment;
pub mod error;
pub mod function;
pub mod left_out;
pub mod ministack;
pub mod stage;
pub mod tools;
