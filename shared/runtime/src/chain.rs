//! Printing an error with its causes.

use std::error::Error;
use std::fmt;

/// An error and its causes on one line: `could not read a batch: the table is gone`.
#[derive(Clone, Copy)]
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_engine::ports::PortError;

    #[test]
    fn causes_follow_from_outside_to_inside() {
        let error = PortError::new("read a batch", "the table is gone");
        assert_eq!(Chain(&error).to_string(), "could not read a batch: the table is gone");
    }
}
