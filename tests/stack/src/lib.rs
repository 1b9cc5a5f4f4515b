//! Scenarios against the whole stack with real processes.
