//! Sends one batch of recipients.
