//! Simulated ports, faults, a virtual clock and builders for tests.
