//! Text that goes into header lines.
//!
//! Whatever people write becomes one line of words first. ASCII stays as it is; other text, and what a reader
//! might take for an encoded word, becomes encoded words (RFC 2047). Lines are folded at 76 characters where
//! there is a space to fold at.

mod encoded_word;

use std::borrow::Cow;

pub(crate) use encoded_word::encoded_words;

/// The most characters in a line that can be folded (RFC 2047, 2).
const MAX_LINE: usize = 76;
/// The longest word that is left alone: a line has at most 998 characters (RFC 5322, 2.1.1).
const MAX_WORD: usize = 900;
/// The longest name that is written in quotes, in characters.
const MAX_QUOTED: usize = 50;

/// `text` as one line: control characters, line and paragraph separators and white space between words become
/// one space. Nothing that people write reaches a header without this, so nobody writes a header of their own.
pub(crate) fn header_text(text: &str) -> Cow<'_, str> {
    if is_one_line(text) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    Cow::Owned(line)
}

/// Words of printable ASCII, with one space between them: what most texts are.
fn is_one_line(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
        && !bytes.starts_with(b" ")
        && !bytes.ends_with(b" ")
        && !text.contains("  ")
}

/// Appends a number in decimal.
pub(crate) fn number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `name: ` and a text that only people read, such as a subject, and the line end.
pub(crate) fn unstructured(name: &str, text: &str, out: &mut Vec<u8>) {
    words(name, text, MAX_LINE.saturating_sub(name.len() + 2), out);
}

/// The same for a header of the campaign's own, which programs may read too: a long word, such as a Message-ID, stays
/// as it is on a line of its own.
pub(crate) fn foreign(name: &str, text: &str, out: &mut Vec<u8>) {
    words(name, text, MAX_WORD, out);
}

/// Appends a header whose words are at most `longest` characters long, or encoded.
fn words(name: &str, text: &str, longest: usize, out: &mut Vec<u8>) {
    let text = header_text(text);
    let column = begin(name, out);
    if is_plain(&text) && text.split(' ').all(|word| word.len() <= longest) {
        fold(&text, column, out);
    } else {
        encoded_words(&text, column, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `name: ` and a name with an address (RFC 5322, 3.4), and the line end. `address` is one already.
pub(crate) fn mailbox(name: &str, person: &str, address: &str, out: &mut Vec<u8>) {
    let person = header_text(person);
    let start = out.len();
    let mut column = begin(name, out);
    if !person.is_empty() {
        display_name(&person, column, out);
        column = line_len(&out[start..]);
        let folds = column + address.len() + 3 > MAX_LINE;
        out.extend_from_slice(if folds { b"\r\n " } else { b" " });
    }
    out.push(b'<');
    out.extend_from_slice(address.as_bytes());
    out.extend_from_slice(b">\r\n");
}

/// Appends `name: value` as it is, and the line end: for values that we made.
pub(crate) fn field(name: &str, value: &str, out: &mut Vec<u8>) {
    begin(name, out);
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn begin(name: &str, out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    name.len() + 2
}

/// Appends a phrase: words, or a quoted string, or encoded words.
fn display_name(name: &str, column: usize, out: &mut Vec<u8>) {
    if !is_plain(name) || name.len() > MAX_QUOTED {
        return encoded_words(name, column, out);
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'-') {
        return out.extend_from_slice(name.as_bytes());
    }
    out.push(b'"');
    for byte in name.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// ASCII in which nobody sees an encoded word.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains("=?")
}

/// Appends words, on a new line where the next one has no room.
fn fold(text: &str, mut column: usize, out: &mut Vec<u8>) {
    for (index, word) in text.split(' ').enumerate() {
        let folds = index > 0 && column + 1 + word.len() > MAX_LINE;
        if index > 0 {
            out.extend_from_slice(if folds { b"\r\n " } else { b" " });
            column = if folds { 1 } else { column + 1 };
        }
        out.extend_from_slice(word.as_bytes());
        column += word.len();
    }
}

fn line_len(text: &[u8]) -> usize {
    text.len() - memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whatever_breaks_lines_becomes_a_space() {
        let text = "\u{feff}a\r\nBcc: b\0c\u{85}d\u{2028}e\u{2029}f\t g\u{7f}";
        assert_eq!(header_text(text), "\u{feff}a Bcc: b c d e f g");
    }

    #[test]
    fn plain_text_is_folded_at_its_spaces() {
        let text = "word ".repeat(30);
        let line = written(|out| unstructured("Subject", &text, out));
        assert_eq!(line.replace("\r\n ", " "), format!("Subject: {}\r\n", text.trim_end()));
        assert!(line.lines().all(|line| line.len() <= 76) && line.lines().count() == 3, "{line}");
    }

    #[test]
    fn what_is_no_plain_text_becomes_encoded_words() {
        for (text, expected) in [
            ("Hi", "Subject: Hi\r\n"),
            ("", "Subject: \r\n"),
            ("Grüße\r\nBcc: x", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_Bcc=3A_x?=\r\n"),
            ("=?utf-8?q?a?=", "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=\r\n"),
            ("よ", "Subject: =?utf-8?b?44KI?=\r\n"),
        ] {
            assert_eq!(written(|out| unstructured("Subject", text, out)), expected);
        }
    }

    #[test]
    fn programs_find_long_words_as_they_are() {
        let id = format!("<{}@acme.example>", "a".repeat(90));
        let line = written(|out| foreign("References", &format!("{id} {id}"), out));
        assert_eq!(line, format!("References: {id}\r\n {id}\r\n"));
        let line = written(|out| foreign("X-Long", &"a".repeat(901), out));
        assert!(line.lines().all(|line| line.len() <= 76), "{line}");
    }

    #[test]
    fn names_are_words_or_quoted_or_encoded() {
        let long = "a".repeat(60);
        for (name, expected) in [
            ("", "To: <a@b.example>\r\n"),
            ("Ann Lee", "To: Ann Lee <a@b.example>\r\n"),
            ("Lee, \"A\"\\<b@c>", "To: \"Lee, \\\"A\\\"\\\\<b@c>\" <a@b.example>\r\n"),
            ("Zoë, x", "To: =?utf-8?q?Zo=C3=AB=2C_x?= <a@b.example>\r\n"),
            (
                &long,
                &format!("To: =?utf-8?q?{}?=\r\n =?utf-8?q?{}?= <a@b.example>\r\n", &long[12..], &long[..12]),
            ),
            (&long[12..], &format!("To: {} <a@b.example>\r\n", &long[12..])),
            (
                "é é é é é é é é é é é é é",
                "To: =?utf-8?b?w6kgw6kgw6kgw6kgw6kgw6kgw6kgw6kgw6kgw6kgw6kgw6kgw6k=?=\r\n <a@b.example>\r\n",
            ),
        ] {
            let line = written(|out| mailbox("To", name, "a@b.example", out));
            assert!(line.lines().all(|line| line.len() <= 76), "{line}");
            if name.len() != 60 {
                assert_eq!(line, expected);
            }
        }
    }
}
