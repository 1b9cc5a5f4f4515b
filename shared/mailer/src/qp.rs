//! Quoted-printable (RFC 2045, 6.7), and the choice between it and base64.
//!
//! Texts are encoded in chunks, each as if it stood at the begin of a line: what a template says is encoded once,
//! and what it says about a recipient is spliced in later. A soft line break keeps the chunks apart:
//!
//! ```text
//! <p>Dear=20=        a literal
//! Ann=               a value
//! ,</p>              a literal
//! ```
//!
//! For that a chunk never ends in white space as it is, and no line begins with a dot, so that SMTP has none to
//! double (RFC 5321, 4.5.2). Encoded text never contains `=_`: boundaries begin with it (RFC 2045, 6.7).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memchr;

/// The most characters in a line before its soft break: 76 with it (RFC 2045, 6.7 (5)).
const MAX_LINE: usize = 75;
/// The most characters in a line of base64 (RFC 2045, 6.8).
const MAX_BASE64_LINE: usize = 76;

/// How a part travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    QuotedPrintable,
    Base64,
}

impl Encoding {
    /// The smaller one for texts like this.
    pub(crate) fn for_text(text: &str) -> Self {
        let quoted = text.bytes().filter(|byte| !is_plain(*byte) && *byte != b'\n').count();
        // Three characters for one byte, and four for three.
        if quoted * 2 > text.len() / 3 { Self::Base64 } else { Self::QuotedPrintable }
    }

    /// Its name in `Content-Transfer-Encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// Appends a whole text whose lines end in LF.
    pub(crate) fn encode(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::QuotedPrintable => encode(text, out),
            Self::Base64 => encode_base64(text.replace('\n', "\r\n").as_bytes(), out),
        }
    }
}

/// Appends bytes in base64, in lines of 76 characters.
pub(crate) fn encode_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let encoded = STANDARD.encode(bytes);
    out.reserve(encoded.len() + encoded.len() / MAX_BASE64_LINE * 2);
    for (index, line) in encoded.as_bytes().chunks(MAX_BASE64_LINE).enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(line);
    }
}

/// Begins a line if none begins here: with a soft break, which is no part of the text.
pub(crate) fn soft_break(out: &mut Vec<u8>) {
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"=\r\n");
    }
}

/// Appends `text`, whose lines end in LF, beginning at the begin of a line.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(end) = memchr(b'\n', rest) {
        line(&rest[..end], out);
        out.extend_from_slice(b"\r\n");
        rest = &rest[end + 1..];
    }
    line(rest, out);
}

/// One line or the begin of one. White space at its end is encoded: on its way it may get lost.
fn line(text: &[u8], out: &mut Vec<u8>) {
    let (text, last) = match text {
        [before @ .., last @ (b' ' | b'\t')] => (before, Some(*last)),
        _ => (text, None),
    };
    let (mut rest, mut column) = (text, 0);
    while let Some(&first) = rest.first() {
        let room = rest.len().min(MAX_LINE - column);
        let run = if column == 0 && first == b'.' { 0 } else { plain_len(&rest[..room]) };
        if run > 0 {
            out.extend_from_slice(&rest[..run]);
            (column, rest) = (column + run, &rest[run..]);
        } else if column == MAX_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        } else {
            column = quote(first, column, out);
            rest = &rest[1..];
        }
    }
    if let Some(last) = last {
        quote(last, column, out);
    }
}

/// Appends one byte as `=XX`, on the next line if this one has no room for it. Returns the column after it.
fn quote(byte: u8, column: usize, out: &mut Vec<u8>) -> usize {
    let has_room = column + 3 <= MAX_LINE;
    if !has_room {
        out.extend_from_slice(b"=\r\n");
    }
    out.push(b'=');
    out.extend_from_slice(&hex(byte));
    if has_room { column + 3 } else { 3 }
}

/// A byte in hexadecimal, in capitals (RFC 2045, 6.7 (1)).
pub(crate) fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// What stands for itself: printable ASCII without the equals sign, and white space within a line.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t') && byte != b'='
}

/// How many bytes of the begin stand for themselves.
fn plain_len(text: &[u8]) -> usize {
    let (words, _) = text.as_chunks::<8>();
    let mut len = 0;
    for word in words {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            // At most 7. The mark may stand for a tab, which is looked at below.
            len += (marks.trailing_zeros() / 8) as usize;
            break;
        }
        len += 8;
    }
    len + text[len..].iter().take_while(|byte| is_plain(**byte)).count()
}

/// Eight bytes at once: the highest bit of each that is below the space, above the tilde or an equals sign. Bits
/// above the first may be wrong, because subtraction borrows.
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word;
    (word | below_space | zero(word ^ (ONES * 0x3d)) | zero(word ^ (ONES * 0x7f))) & HIGHEST
}

#[cfg(test)]
mod tests;
