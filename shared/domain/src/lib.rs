//! The rules of fanmail, without I/O, clock or randomness.
