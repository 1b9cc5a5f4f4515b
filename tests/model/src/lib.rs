//! draft
mod backwards;
mod fan_out;
mod fingerprint;
mod finish;
pub mod model;
mod moves;
pub mod properties;
pub mod scope;
pub mod search;
mod sender;
mod sweeper;
pub mod world;
