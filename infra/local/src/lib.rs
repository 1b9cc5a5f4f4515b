//! The whole of fanmail on one machine.
