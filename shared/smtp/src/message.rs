//! One message on its way: from whom, to whom, and its text in the form SMTP wants.
//!
//! Put into that form once, when it is made: whoever sends it again, to another server for example, copies
//! nothing. Cheap to share behind an [`Arc`](std::sync::Arc).

use std::borrow::Cow;
use std::fmt;

use crate::dot::{self, Content};
use crate::envelope::Envelope;

/// A message and its envelope. `Debug` shows its size alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    envelope: Envelope,
    /// As it travels after DATA, terminator included.
    wire: Vec<u8>,
    content: Content,
}

impl Message {
    /// Takes a whole message, header included, with any line ends.
    #[must_use]
    pub fn new(envelope: Envelope, text: Vec<u8>) -> Self {
        let (wire, content) = dot::encode(text);
        Self { envelope, wire, content }
    }

    /// From whom and to whom.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Octets with CRLF line ends, without added dots and terminator: the SIZE of RFC 1870 section 5.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.content.size
    }

    /// The message itself: lines ended by CRLF (RFC 5322 2.1), no dot added. Borrowed where no line begins with one.
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        let body = &self.wire[..self.wire.len() - dot::TERMINATOR.len()];
        if self.content.added_dots == 0 { Cow::Borrowed(body) } else { Cow::Owned(dot::remove(body)) }
    }

    /// As it travels after DATA, terminator included.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// What the commands before DATA must say about it.
    pub(crate) fn content(&self) -> Content {
        self.content
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} octets)", self.content.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_comes_back_without_added_dots_and_terminator() {
        for (text, back) in [
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb", "a\r\nb\r\n"),
            (".a\n..b\r\na.b\r", ".a\r\n..b\r\na.b\r\n"),
            ("", ""),
        ] {
            let envelope = Envelope::new("a@x", "b@y").unwrap();
            let message = Message::new(envelope, text.into());
            assert_eq!(message.text(), back.as_bytes(), "{text:?}");
            assert_eq!(message.size(), back.len() as u64, "{text:?}");
        }
    }
}
