//! Encoded words (RFC 2047): text in any script as ASCII.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::MAX_LINE;
use crate::qp::hex;

/// `=?utf-8?q?` and `?=`.
const FRAME: usize = 12;
/// The longest encoded word (RFC 2047, 2), of which a line holds one.
const MAX_WORD: usize = 75;

/// Appends `text` as encoded words, the first one at `column`. All of it is encoded, the spaces too: between two
/// encoded words readers drop them. Mostly ASCII stays readable (`q`), the rest is base64 (`b`). No character is cut in two (RFC 2047, 5 (3)).
pub(crate) fn encoded_words(text: &str, column: usize, out: &mut Vec<u8>) {
    let quoted: usize = text.chars().map(quoted_len).sum();
    let base64 = quoted > text.len() * 2;
    let (mut rest, mut room) = (text, MAX_LINE.saturating_sub(column + FRAME));
    while !rest.is_empty() {
        let len = fitting(rest, room, base64);
        if len > 0 {
            word(&rest[..len], base64, out);
            rest = &rest[len..];
        }
        if !rest.is_empty() {
            out.extend_from_slice(b"\r\n ");
        }
        // A character takes at most 12 of them.
        room = MAX_WORD - FRAME;
    }
}

/// How many bytes of `text`, whole characters, fit into `room` once they are encoded.
fn fitting(text: &str, room: usize, base64: bool) -> usize {
    let mut quoted = 0;
    for (at, character) in text.char_indices() {
        quoted += quoted_len(character);
        let end = at + character.len_utf8();
        let len = if base64 { end.div_ceil(3) * 4 } else { quoted };
        if len > room {
            return at;
        }
    }
    text.len()
}

fn word(text: &str, base64: bool, out: &mut Vec<u8>) {
    if base64 {
        out.extend_from_slice(b"=?utf-8?b?");
        out.extend_from_slice(STANDARD.encode(text).as_bytes());
    } else {
        out.extend_from_slice(b"=?utf-8?q?");
        text.bytes().for_each(|byte| quote(byte, out));
    }
    out.extend_from_slice(b"?=");
}

fn quote(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b' ' => out.push(b'_'),
        _ if stands_for_itself(byte) => out.push(byte),
        _ => {
            out.push(b'=');
            out.extend_from_slice(&hex(byte));
        }
    }
}

fn quoted_len(character: char) -> usize {
    let plain = character == ' ' || u8::try_from(character).is_ok_and(stands_for_itself);
    if plain { 1 } else { character.len_utf8() * 3 }
}

/// Also in names (RFC 2047, 5 (3)).
fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'*' | b'+' | b'-' | b'/')
}

#[cfg(test)]
mod tests {
    use mail_parser::{HeaderValue, parsers::MessageStream};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_come_back_in_short_lines(text in "[a-z é字🎈=?_,.\"]{1,200}", column in 3_usize..74) {
            let text = crate::header::header_text(&text);
            prop_assume!(!text.is_empty());
            let mut out = Vec::new();
            encoded_words(&text, column, &mut out);
            let encoded = String::from_utf8(out).unwrap();
            for (index, line) in encoded.split("\r\n").enumerate() {
                let begin = if index == 0 { column } else { 0 };
                prop_assert!(begin + line.len() <= 76, "{line:?} at {begin}");
                prop_assert!(index == 0 || line.starts_with(" =?") && line.ends_with("?="));
            }
            let line = format!("{encoded}\r\n");
            let parsed = MessageStream::new(line.as_bytes()).parse_unstructured();
            let HeaderValue::Text(parsed) = parsed else { panic!("{encoded} is no text") };
            prop_assert_eq!(parsed, text);
        }
    }
}
