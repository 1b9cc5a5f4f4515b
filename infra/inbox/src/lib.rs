//! An SMTP server that catches mail, keeps count and can be told to misbehave.
