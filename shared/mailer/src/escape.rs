//! A recipient's values, made harmless for the place where they stand.
//!
//! | Place | What happens to a value |
//! |---|---|
//! | text of the HTML part, and its attributes | `&`, `<`, `>`, `"` and `'` become character references |
//! | inside a URL of the HTML part (`href`, `src`, `action`, `background`), after other text | percent-encoded but for the unreserved characters of RFC 3986, 2.3 |
//! | at the begin of such a URL | it must begin with a scheme of [`SCHEMES`], or its recipient fails; white space becomes `%20`, the rest is escaped as in text |
//! | the text part | nothing, and in the URLs it takes over from the HTML part the same as there |
//! | headers | one line, encoded words (RFC 2047) where needed |
//!
//! Everywhere line ends become LF, and other control characters a space: neither RFC 5322, 2.3 nor SMTP allows them.
//! Templates may ask for the same where we do not see a URL, as in a text part: `url_part(x)` and `link_url(x)`.
//! What the author has marked (`|safe`, `|urlencode`, which leaves slashes alone), and our own link, is taken as it is; the scheme is looked
//! at all the same.

use std::borrow::Cow;

use crate::qp::hex;

/// What a URL may begin with that comes from a value: the web, mail, a telephone, or an inline image.
pub(crate) const SCHEMES: [&str; 5] = ["http:", "https:", "mailto:", "tel:", "cid:"];

/// `text` for HTML, in quotes or not in a tag.
pub(crate) fn html(text: &str) -> Cow<'_, str> {
    let reference = |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        _ => None,
    };
    if text.bytes().all(|byte| reference(byte).is_none()) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut start) = (String::with_capacity(text.len() + 16), 0);
    for (at, byte) in text.bytes().enumerate() {
        if let Some(reference) = reference(byte) {
            out.extend([&text[start..at], reference]);
            start = at + 1;
        }
    }
    out.push_str(&text[start..]);
    Cow::Owned(out)
}

/// `text` as a part of a URL: everything but unreserved characters and `kept` in percent-encoding.
pub(crate) fn percent(text: &str, kept: &[u8]) -> String {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || kept.contains(byte);
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if is_kept(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(hex(byte).map(char::from));
        }
    }
    out
}

/// `text` as the begin of a URL; `None` if it does not begin as one that people may follow.
pub(crate) fn link(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim();
    let begins = |scheme: &&str| {
        text.as_bytes().get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    SCHEMES.iter().find(|scheme| begins(scheme))?;
    let breaks = |c: char| c.is_whitespace() || c.is_control();
    if !text.contains(breaks) {
        return Some(Cow::Borrowed(text));
    }
    Some(Cow::Owned(text.replace(breaks, "%20")))
}

/// `text` with LF for line ends and without other control characters than the tab.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\n' && byte != b'\t';
    if !text.bytes().any(is_control) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    Cow::Owned(text.replace(|c: char| c.is_ascii() && is_control(c as u8), " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_cannot_be_left() {
        assert_eq!(html("a/b é"), "a/b é");
        assert_eq!(html("<é a='\">&"), "&lt;é a=&#39;&quot;&gt;&amp;");
    }

    #[test]
    fn a_part_of_a_url_cannot_be_left() {
        assert_eq!(percent("a/../?b=1&c#é \"~", b""), "a%2F..%2F%3Fb%3D1%26c%23%C3%A9%20%22~");
        assert_eq!(percent("a/b c", b"/"), "a/b%20c");
    }

    #[test]
    fn links_begin_with_a_scheme_that_people_may_follow() {
        for (text, expected) in [
            ("https://acme.example/?a=1&b='2'", Some("https://acme.example/?a=1&b='2'")),
            (" HTTP://x\n", Some("HTTP://x")),
            ("https://x onclick=a\tb", Some("https://x%20onclick=a%20b")),
            ("mailto:a@b", Some("mailto:a@b")),
            ("tel:+1", Some("tel:+1")),
            ("cid:logo", Some("cid:logo")),
            ("javascript:alert(1)", None),
            ("\u{1}javascript:x", None),
            ("data:text/html,x", None),
            ("//evil.example", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(link(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_end_in_lf_alone() {
        assert_eq!(lines("a\tb\nc"), "a\tb\nc");
        assert_eq!(lines("a\r\nb\rc\0d\u{7f}"), "a\nb c d ");
    }
}
