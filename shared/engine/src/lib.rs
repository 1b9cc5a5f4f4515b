//! The use cases of fanmail over ports.
