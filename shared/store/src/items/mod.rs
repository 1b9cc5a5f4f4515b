//! Each kind of item: how it is written, and how it is read back.

pub(crate) mod batch;
pub(crate) mod campaign;
pub(crate) mod content;
pub(crate) mod failure;
pub(crate) mod ids;
pub(crate) mod journal;
pub(crate) mod lane;
pub(crate) mod list;
pub(crate) mod membership;
pub(crate) mod servers;
pub(crate) mod settings;
pub(crate) mod subscriber;
pub(crate) mod token;
pub(crate) mod window;

#[cfg(test)]
mod round_trips;
