//! What the inbox looks at in a message: stuffed dots and a few headers.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::{memchr, memmem};

/// Takes the dot away that the client put before each line that began with one (RFC 5321, 4.5.2).
pub(super) fn unstuff(content: &[u8]) -> Cow<'_, [u8]> {
    let starts_with_dot = content.first() == Some(&b'.');
    let dots = memmem::Finder::new(b"\r\n.");
    if !starts_with_dot && dots.find(content).is_none() {
        return Cow::Borrowed(content);
    }

    let mut plain = Vec::with_capacity(content.len());
    let mut from = usize::from(starts_with_dot);
    while let Some(at) = dots.find(&content[from..]) {
        plain.extend_from_slice(&content[from..from + at + 2]);
        from += at + 3;
    }
    plain.extend_from_slice(&content[from..]);
    Cow::Owned(plain)
}

/// The headers that are kept: Message-ID, and those that the configuration names.
#[derive(Debug, Default)]
pub(super) struct Headers {
    pub(super) message_id: Option<String>,
    pub(super) kept: Vec<(Arc<str>, String)>,
}

impl Headers {
    /// Reads the header section, up to the first empty line.
    pub(super) fn read(message: &[u8], keep: &[Arc<str>]) -> Self {
        let mut headers = Self::default();
        let mut rest = message;
        while let Some((field, after)) = next_field(rest) {
            rest = after;
            let Some(colon) = memchr(b':', field) else { continue };
            let (name, value) = (field[..colon].trim_ascii_end(), &field[colon + 1..]);
            if name.eq_ignore_ascii_case(b"message-id") {
                headers.message_id.get_or_insert_with(|| unfold(value));
            }
            if let Some(kept) = keep.iter().find(|kept| name.eq_ignore_ascii_case(kept.as_bytes())) {
                headers.kept.push((kept.clone(), unfold(value)));
            }
        }
        headers
    }
}

/// One field with its continuation lines, and what follows. `None` at the end of the header section.
fn next_field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() || text.starts_with(b"\r\n") || text.starts_with(b"\n") {
        return None;
    }
    let mut end = 0;
    while let Some(at) = memchr(b'\n', &text[end..]) {
        end += at + 1;
        if !matches!(text.get(end), Some(b' ' | b'\t')) {
            return Some(text.split_at(end));
        }
    }
    Some((text, b""))
}

/// The value on one line: line ends taken out (RFC 5322, 2.2.3), and the white space around it.
fn unfold(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value.trim_ascii());
    if text.contains(['\r', '\n']) { text.replace(['\r', '\n'], "") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_dot_of_a_line_is_taken_away() {
        let plain = |content: &[u8]| String::from_utf8(unstuff(content).into_owned()).unwrap();
        assert_eq!(plain(b"..a\r\n...\r\nb.\r\n..\r\n"), ".a\r\n..\r\nb.\r\n.\r\n");
        assert_eq!(plain(b"a\r\nb\r\n"), "a\r\nb\r\n");
    }

    #[test]
    fn headers_are_unfolded_and_those_of_the_body_do_not_count() {
        let message = b"X-A: one\r\n two\r\nmessage-ID: <1@x>\r\nX-B:no\r\n\r\nX-A: body\r\n";
        let headers = Headers::read(message, &["x-a".into()]);
        assert_eq!(headers.message_id.as_deref(), Some("<1@x>"));
        assert_eq!(headers.kept, [("x-a".into(), "one two".to_owned())]);
    }
}
