//! JSON written straight into the request's one buffer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A string with its quotation marks (RFC 8259 section 7).
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// The inside of a string.
fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            continue;
        }
        out.extend_from_slice(&bytes[clean_from..at]);
        clean_from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[clean_from..]);
}

/// Bytes in base64 with quotation marks, encoded where they stand.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let begin = out.len();
    out.resize(begin + bytes.len().div_ceil(3) * 4, 0);
    // Cannot fail: the room is that of RFC 4648 section 4, four characters for every three octets begun.
    let written = STANDARD.encode_slice(bytes, &mut out[begin..]).unwrap_or_default();
    out.truncate(begin + written);
    out.push(b'"');
}

/// `[item,item]`.
pub(crate) fn array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, one) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(out, one);
    }
    out.push(b']');
}

/// `[{"Name":…,"Value":…}]`, which is how SES has tags and headers.
pub(crate) fn pairs<'a>(out: &mut Vec<u8>, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
    array(out, pairs, |out, (name, value)| {
        out.extend_from_slice(b"{\"Name\":");
        string(out, name);
        out.extend_from_slice(b",\"Value\":");
        string(out, value);
        out.push(b'}');
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_string_comes_back_as_it_was(text in any::<String>()) {
            let mut out = Vec::new();
            string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn bytes_come_back_as_they_were(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut out = Vec::new();
            base64(&mut out, &bytes);
            let text: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(STANDARD.decode(text).unwrap(), bytes);
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        string(&mut out, "a\"\\\r\n\u{1}\u{7f}ü");
        assert_eq!(out, "\"a\\\"\\\\\\r\\n\\u0001\u{7f}ü\"".as_bytes());
    }
}
