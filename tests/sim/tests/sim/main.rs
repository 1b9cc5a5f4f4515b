//! Thousands of simulated campaigns, and whether the oracle would notice.

mod command;
mod executor;
mod sabotage;
mod worlds;
