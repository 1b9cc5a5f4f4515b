//! The inbox over real sockets: raw TCP clients in front, the handle and the pages behind.
#![allow(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod chunk_faults;
mod chunks;
mod client;
mod counting;
mod faults;
mod pages;
mod protocol;
