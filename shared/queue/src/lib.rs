//! The SQS adapter and the versioned message bodies.
