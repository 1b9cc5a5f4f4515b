//! Turns content and a recipient into a message and hands it to a provider.
