//! The real engine in simulation.
//!
//! One number, the seed, decides everything: who is on the lists, which settings the campaign has, how many
//! functions run, what goes wrong and when, and in which order processes take their steps. The engine's use
//! cases run unchanged over simulated ports, on a small executor with a virtual clock. A storm of faults
//! rages for a while; then the world has to come to rest, and the [`oracle`], who knows what the provider
//! took, judges the ledger. The same seed gives the same run, step by step.

pub mod cli;
pub mod executor;
pub mod faults;
pub mod fleet;
pub mod oracle;
pub mod processes;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod time;
pub mod trace;
pub mod world;
