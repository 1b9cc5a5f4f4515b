//! Picks up whatever was left behind.
