//! A message as it travels after DATA (RFC 5321 2.3.8, 4.5.2).
//!
//! Lines end in CRLF and nothing else: a lone CR or LF becomes CRLF, so that no server can read a
//! line end (and with it the end of the message) where we saw none. A line that starts with a dot
//! gets another one. The terminator `. CRLF` is part of the same buffer, because body and terminator in two
//! writes cost 40 ms per message (Nagle's algorithm against delayed acknowledgements).

/// What ends a message.
pub(crate) const TERMINATOR: &[u8] = b".\r\n";

/// What the commands before DATA must say about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Octets with CRLF line ends, without added dots and terminator: the SIZE of RFC 1870 section 5.
    pub(crate) size: u64,
    /// Has octets above 127.
    pub(crate) eight_bit: bool,
    /// Dots that were added to lines that begin with one.
    pub(crate) added_dots: u64,
}

/// `message` as it travels, terminator included. What is in that form already is not copied.
pub(crate) fn encode(mut message: Vec<u8>) -> (Vec<u8>, Content) {
    let eight_bit = !message.is_ascii();
    if is_in_form(&message) {
        let size = message.len() as u64;
        message.extend_from_slice(TERMINATOR);
        return (message, Content { size, eight_bit, added_dots: 0 });
    }

    // Room for the terminator and for some line ends and dots to grow.
    let mut wire = Vec::with_capacity(message.len() + message.len() / 32 + 16);

    let mut added_dots = 0;
    let mut rest = &message[..];
    while !rest.is_empty() {
        let (line, tail) = split_line(rest);
        if line.first() == Some(&b'.') {
            wire.push(b'.');
            added_dots += 1;
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
        rest = tail;
    }

    let size = wire.len() as u64 - added_dots;
    wire.extend_from_slice(TERMINATOR);
    (wire, Content { size, eight_bit, added_dots })
}

/// Octets that are looked at between two decisions: enough for vectors, and little to look at in vain.
const BLOCK: usize = 256;

/// Every line ends in CRLF, the last one included, there is no other CR or LF, and no line begins with a dot.
///
/// Each octet is looked at with the one behind it, without a branch, so that the compiler does it in vectors: a
/// search from line to line was a quarter of making a message.
fn is_in_form(message: &[u8]) -> bool {
    let Some((first, behind)) = message.split_first() else { return true };
    let before = &message[..behind.len()];
    let pairs = || before.chunks(BLOCK).zip(behind.chunks(BLOCK));
    !matches!(first, b'.' | b'\n')
        && message.ends_with(b"\r\n")
        && pairs().all(|(before, behind)| {
            !before.iter().zip(behind).fold(false, |is_broken, (&a, &b)| {
                let ends_alone = (a == b'\r') != (b == b'\n');
                let begins_with_dot = (a == b'\n') & (b == b'.');
                is_broken | ends_alone | begins_with_dot
            })
        })
}

/// What [`encode`] was given, with its CRLF line ends: the first dot of each line that begins with one is taken away.
pub(crate) fn remove(wire: &[u8]) -> Vec<u8> {
    let lines = wire.split_inclusive(|&byte| byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b".").unwrap_or(line)).copied().collect()
}

/// The first line without its end, and what follows it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = text.iter().position(|&b| b == b'\r' || b == b'\n') else {
        return (text, &[]);
    };
    let after = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
    (&text[..end], &text[after..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(message: &str) -> String {
        String::from_utf8(encode(message.into()).0).unwrap()
    }

    #[test]
    fn every_line_end_becomes_crlf_and_leading_dots_are_doubled() {
        let table = [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a\nb\r\n", "a\r\nb\r\n.\r\n"),
            ("a\rb\r\n", "a\r\nb\r\n.\r\n"),
            ("a\r\r\nb", "a\r\n\r\nb\r\n.\r\n"),
            ("a\r", "a\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            (".a\n..b\na.b\n", "..a\r\n...b\r\na.b\r\n.\r\n"),
            ("a\r\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\nMAIL FROM:<b@x>", "a\r\n..\r\nMAIL FROM:<b@x>\r\n.\r\n"),
            ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("\n\n", "\r\n\r\n.\r\n"),
        ];
        for (message, expected) in table {
            assert_eq!(wire(message), expected, "{message:?}");
        }
    }

    #[test]
    fn what_is_in_form_is_left_alone_and_nothing_else() {
        for message in ["", "a\r\n", "\r\n\r\n", "a.b\r\n a.\r\n"] {
            assert!(is_in_form(message.as_bytes()), "{message:?}");
            assert_eq!(wire(message), format!("{message}.\r\n"));
        }
        for message in
            ["a", "\n", "a\n", "\r", "a\r\r\n", "\n\r", "a\r\nb\n\r", ".\r\n", "a\r\n.b\r\n", "a\n\rb\r\n"]
        {
            assert!(!is_in_form(message.as_bytes()), "{message:?}");
        }
    }

    #[test]
    fn no_combination_of_line_ends_and_dots_escapes_the_look_wherever_it_stands() {
        let in_form = |text: &str| {
            let text = text.replace("\r\n", "|");
            let alone = text.contains(['\r', '\n']) || text.starts_with('.') || text.contains("|.");
            !alone && (text.is_empty() || text.ends_with('|'))
        };
        // At the begin, and across the end of a block.
        for filler in [0, BLOCK - 4, BLOCK - 3, BLOCK - 2, BLOCK - 1] {
            for mut number in 0..4_usize.pow(6) {
                let mut text = "x".repeat(filler);
                while number > 0 {
                    text.push(['a', '\r', '\n', '.'][number % 4]);
                    number /= 4;
                }
                for text in [text.clone(), text + "\r\n"] {
                    assert_eq!(is_in_form(text.as_bytes()), in_form(&text), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn size_counts_line_ends_but_neither_added_dots_nor_the_terminator() {
        let content = |message: &str| encode(message.into()).1;
        assert_eq!(content(".a\nb"), Content { size: 7, eight_bit: false, added_dots: 1 });
        assert_eq!(content("ä"), Content { size: 4, eight_bit: true, added_dots: 0 });
        assert_eq!(content("").size, 0);
    }
}
