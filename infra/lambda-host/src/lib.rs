//! Runs Lambda functions as processes on one machine.
