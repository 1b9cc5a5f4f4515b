//! A small SMTP client that says exactly what became of a message.
