//! Where template tags begin and end, by the rules of minijinja's lexer.
//!
//! `{{ … }}` and `{% … %}` end at the first closing mark outside string literals and brackets, `{# … #}` at the
//! first `#}` whatever stands between.

/// Length in bytes of the template tag that `text` begins with; `None` if it begins with none or never ends it.
pub(crate) fn tag_len(text: &str) -> Option<usize> {
    match text.as_bytes().get(..2)? {
        b"{{" => expression_end(text, b"}}"),
        b"{%" => expression_end(text, b"%}"),
        b"{#" => text.get(2..)?.find("#}").map(|at| at + 4),
        _ => None,
    }
}

fn expression_end(text: &str, close: &[u8]) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (2, 0_i32);
    while at < bytes.len() {
        if depth == 0 && bytes[at..].starts_with(close) {
            return Some(at + close.len());
        }
        match bytes[at] {
            b'"' | b'\'' => at = string_end(bytes, at)?,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Index of the quote that ends the string literal beginning at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while *bytes.get(at)? != bytes[start] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some(at)
}

/// The first word of a `{% … %}` tag, such as `if`; empty if there is none.
pub(crate) fn keyword(statement: &str) -> &str {
    let inner = statement.trim_start_matches("{%").trim_start_matches(['-', '+']).trim_start();
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
    &inner[..end]
}

/// The words and signs of a tag; string literals and spaces are left out.
pub(crate) fn words(tag: &str) -> Vec<&str> {
    let bytes = tag.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let (mut at, mut words) = (0, Vec::new());
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'"' | b'\'' => at = string_end(bytes, at).map_or(bytes.len(), |end| end + 1),
            byte if is_word(byte) => {
                at += bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
                words.push(&tag[start..at]);
            }
            byte => {
                at += 1;
                if byte.is_ascii_punctuation() {
                    words.push(&tag[start..at]);
                }
            }
        }
    }
    words
}

/// All tags of a template in their order, comments left out, and nothing of what `{% raw %}` protects.
pub(crate) fn tags(source: &str) -> Vec<&str> {
    let (mut rest, mut raw, mut tags) = (source, false, Vec::new());
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let len = tag_len(rest).filter(|len| !raw || keyword(&rest[..*len]) == "endraw");
        if let Some(len) = len {
            let tag = &rest[..len];
            if tag.starts_with("{%") {
                raw = keyword(tag) == "raw";
            }
            if !tag.starts_with("{#") {
                tags.push(tag);
            }
        }
        rest = &rest[len.unwrap_or(1)..];
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_ends_outside_of_strings_and_brackets() {
        for (text, tag) in [
            ("{{ a }} b }}", Some("{{ a }}")),
            ("{{ '}}' ~ \"\\\"}}\" }}x", Some("{{ '}}' ~ \"\\\"}}\" }}")),
            ("{{ {'a': {'b': 1}}['a'] }}x", Some("{{ {'a': {'b': 1}}['a'] }}")),
            ("{%- if a %}b", Some("{%- if a %}")),
            ("{# it's #}x", Some("{# it's #}")),
            ("{{ a", None),
            ("{{ 'a }}", None),
            ("{ a }", None),
            ("{", None),
        ] {
            assert_eq!(tag_len(text).map(|len| &text[..len]), tag, "{text}");
        }
    }

    #[test]
    fn tags_are_found_and_raw_text_is_not() {
        let source = "a{b {{ x }}{# {{ no }} #}{% raw %}{{ no }}{% endraw %}{%- set y = 1 -%}é{{ y";
        assert_eq!(tags(source), ["{{ x }}", "{% raw %}", "{% endraw %}", "{%- set y = 1 -%}"]);
    }

    #[test]
    fn words_skip_strings() {
        assert_eq!(words("{{ a.b | d('x|y') }}"), ["{", "{", "a", ".", "b", "|", "d", "(", ")", "}", "}"]);
    }
}
