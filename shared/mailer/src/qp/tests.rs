//! What is encoded comes back, in lines that survive their way.

use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use proptest::prelude::*;

use super::*;

fn encoded(text: &str) -> String {
    let mut out = Vec::new();
    encode(text, &mut out);
    String::from_utf8(out).unwrap()
}

fn decoded(text: &[u8]) -> String {
    String::from_utf8(quoted_printable_decode(text).unwrap()).unwrap().replace("\r\n", "\n")
}

#[test]
fn each_rule_of_the_encoding_holds() {
    let long = "x".repeat(80);
    for (text, expected) in [
        ("", ""),
        ("a = b", "a =3D b"),
        ("é\u{7f}", "=C3=A9=7F"),
        ("a \nb\t\n", "a=20\r\nb=09\r\n"),
        ("a ", "a=20"),
        (" \n", "=20\r\n"),
        ("\ta\tb", "\ta\tb"),
        (".a\n..b\n.", "=2Ea\r\n=2E.b\r\n=2E"),
        (&long, &format!("{}=\r\nxxxxx", &long[..75])),
        (&format!("{}é", &long[..74]), &format!("{}=\r\n=C3=A9", &long[..74])),
        (&format!("{}.", &long[..75]), &format!("{}=\r\n=2E", &long[..75])),
        (&format!("{} ", &long[..73]), &format!("{}=\r\n=20", &long[..73])),
        (&format!("{} ", &long[..72]), &format!("{}=20", &long[..72])),
    ] {
        assert_eq!(encoded(text), expected, "{text:?}");
    }
}

#[test]
fn eight_bytes_at_once_are_seen_as_one_by_one() {
    for byte in 0..=255 {
        for at in 0..17 {
            let mut text = *b"abcdefgh~ {}ijklm";
            text[at] = byte;
            let expected = text.iter().take_while(|byte| is_plain(**byte)).count();
            assert_eq!(plain_len(&text), expected, "{byte} at {at}");
        }
    }
}

#[test]
fn the_smaller_encoding_is_taken() {
    assert_eq!(Encoding::for_text(""), Encoding::QuotedPrintable);
    assert_eq!(Encoding::for_text("Viele Grüße aus Gent an alle\n"), Encoding::QuotedPrintable);
    assert_eq!(Encoding::for_text("<p>Добро пожаловать</p>"), Encoding::Base64);
}

#[test]
fn base64_comes_in_lines() {
    let mut out = Vec::new();
    Encoding::Base64.encode(&"ж\n".repeat(60), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 76) && text.lines().count() > 3);
    let bytes = STANDARD.decode(text.replace("\r\n", "")).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "ж\r\n".repeat(60));
}

proptest! {
    #[test]
    fn what_is_encoded_comes_back(text in "([ -~]|[\t\n .=é字🎈\u{7f}]){0,300}") {
        let encoded = encoded(&text);
        for line in encoded.split("\r\n") {
            prop_assert!(line.len() <= 76, "{line:?} is too long");
            prop_assert!(!line.starts_with('.') && !line.ends_with([' ', '\t']), "{line:?}");
            prop_assert!(!line.contains(['\r', '\n']) && line.is_ascii());
        }
        prop_assert!(!encoded.contains("=_"));
        prop_assert_eq!(decoded(encoded.as_bytes()), text);
    }

    #[test]
    fn chunks_with_soft_breaks_between_them_make_one_text(chunks in prop::collection::vec("[a .=é\n]{0,90}", 0..8)) {
        let mut out = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            if !out.is_empty() {
                soft_break(&mut out);
            }
            encode(chunk, &mut out);
        }
        prop_assert_eq!(decoded(&out), chunks.concat());
    }
}
