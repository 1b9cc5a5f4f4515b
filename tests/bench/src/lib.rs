//! Every figure in the docs.
