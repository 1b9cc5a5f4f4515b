//! HTML with template tags in it, cut into pieces.
//!
//! Not a parser: no tree, no error. An HTML5 parser would be wrong here, because it moves text in tables, and
//! with it the `{% for %}` around a row, to the front of the table. What looks like a tag is one; what is never
//! closed runs to the end of the text.

use crate::tag;

/// Elements whose content is text until their own end tag (HTML, 13.2.5.4), and the comment as one of them.
const RAW_TEXT: [(&str, &str); 5] = [
    (COMMENT, "-->"),
    ("script", "</script"),
    ("style", "</style"),
    ("textarea", "</textarea"),
    ("title", "</title"),
];

/// The name under which comments appear.
pub(crate) const COMMENT: &str = "!--";

/// One piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Characters, entities not decoded.
    Text(&'a str),
    /// `{{ … }}`
    Expression(&'a str),
    /// `{% … %}`
    Statement(&'a str),
    /// The begin of an element: its name in lower case, and its attributes as they stand.
    Open(String, &'a str),
    /// The end of an element, its name in lower case.
    Close(String),
}

/// Cuts `source` into its pieces. Template comments, doctypes and the `raw` tags themselves are left out: what
/// `raw` protects comes as text.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let mut cutter = Cutter { rest: source, protected: false, until: None, pieces: Vec::new() };
    while !cutter.rest.is_empty() {
        cutter.cut();
    }
    cutter.pieces
}

struct Cutter<'a> {
    rest: &'a str,
    /// Between `{% raw %}` and `{% endraw %}`.
    protected: bool,
    /// Inside an element of [`RAW_TEXT`]: what ends it.
    until: Option<&'static str>,
    pieces: Vec<Piece<'a>>,
}

impl<'a> Cutter<'a> {
    fn cut(&mut self) {
        let ends_protection = |len: &usize| tag::keyword(&self.rest[..*len]) == "endraw";
        if let Some(len) = tag::tag_len(self.rest).filter(|len| !self.protected || ends_protection(len)) {
            let found = self.take(len);
            return self.template_tag(found);
        }
        if let Some(end) = self.until {
            if !starts_with_ignoring_case(self.rest, end) {
                return self.text();
            }
            self.until = None;
            if end == "-->" {
                self.take(end.len());
                return self.pieces.push(Piece::Close(COMMENT.to_owned()));
            }
        }
        self.markup();
    }

    fn template_tag(&mut self, found: &'a str) {
        let keyword = if found.starts_with("{%") { tag::keyword(found) } else { "" };
        match (found.as_bytes()[1], keyword) {
            (_, "endraw") => self.protected = false,
            (_, "raw") => self.protected = true,
            (b'{', _) => self.pieces.push(Piece::Expression(found)),
            (b'%', _) => self.pieces.push(Piece::Statement(found)),
            _ => {}
        }
    }

    fn markup(&mut self) {
        let rest = self.rest;
        if rest.starts_with("<!--") {
            self.take(4);
            self.open(COMMENT.to_owned(), "");
        } else if let Some(name) = name_after(rest, "</") {
            self.take(element_len(rest));
            self.pieces.push(Piece::Close(name));
        } else if let Some(name) = name_after(rest, "<") {
            let (len, name_len) = (element_len(rest), name.len());
            let inner = self.take(len).trim_end_matches('>');
            self.open(name, inner.get(1 + name_len..).unwrap_or_default());
        } else if rest.starts_with("<!") || rest.starts_with("<?") {
            self.take(element_len(rest));
        } else {
            self.text();
        }
    }

    fn open(&mut self, name: String, attributes: &'a str) {
        self.until = RAW_TEXT.iter().find(|(raw, _)| *raw == name).map(|(_, end)| *end);
        self.pieces.push(Piece::Open(name, attributes));
    }

    /// Everything up to the next character that could begin something else.
    fn text(&mut self) {
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let marks: &[char] = if self.until == Some("-->") { &['{', '-'] } else { &['{', '<'] };
        let len = self.rest[first..].find(marks).map_or(self.rest.len(), |at| at + first);
        let text = self.take(len);
        self.pieces.push(Piece::Text(text));
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn name_after(text: &str, prefix: &str) -> Option<String> {
    let text = text.strip_prefix(prefix)?;
    let len = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b":-_".contains(byte)).count();
    text.as_bytes().first().filter(|byte| byte.is_ascii_alphabetic())?;
    Some(text[..len].to_ascii_lowercase())
}

/// Length of the tag that `text` begins with, up to its `>`, which may also stand in quotes or template tags.
fn element_len(text: &str) -> usize {
    let (mut at, mut quote) = (1, None);
    while let Some(next) = text[at..].chars().next() {
        match (next, quote) {
            ('>', None) => return at + 1,
            ('"' | '\'', None) => quote = Some(next),
            (_, Some(open)) if next == open => quote = None,
            _ => {}
        }
        at += tag::tag_len(&text[at..]).unwrap_or_else(|| next.len_utf8());
    }
    text.find('>').map_or(text.len(), |at| at + 1)
}

/// The value of an attribute, entities not decoded; empty if the attribute has none.
pub(crate) fn attribute<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let ends_name = |c: char| c.is_whitespace() || c == '/' || c == '=';
        let (name, after) = split_at_char(rest, ends_name);
        let (value, next) = value(after);
        if !name.is_empty() && name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        if next.len() == rest.len() {
            return None;
        }
        rest = next;
    }
}

fn value(text: &str) -> (&str, &str) {
    let Some(text) = text.trim_start().strip_prefix('=') else { return ("", text) };
    let text = text.trim_start();
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (value, rest) = split_at_char(&text[1..], |c| c == quote);
            (value, rest.strip_prefix(quote).unwrap_or(rest))
        }
        _ => split_at_char(text, char::is_whitespace),
    }
}

/// Splits before the first character that `ends` names, outside template tags.
fn split_at_char(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        match tag::tag_len(&text[at..]) {
            Some(len) => at += len,
            None if ends(next) => break,
            None => at += next.len_utf8(),
        }
    }
    text.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open<'a>(name: &str, attributes: &'a str) -> Piece<'a> {
        Piece::Open(name.into(), attributes)
    }

    #[test]
    fn template_tags_and_markup_do_not_disturb_each_other() {
        let source =
            "<!DOCTYPE html><A HREF=\"{{ f(\"x>y\") }}\">1 < 2</A>{% if a < b %}{# c #}<style>a>b{% raw %}";
        assert_eq!(
            pieces(source),
            [
                open("a", " HREF=\"{{ f(\"x>y\") }}\""),
                Piece::Text("1 "),
                Piece::Text("< 2"),
                Piece::Close("a".into()),
                Piece::Statement("{% if a < b %}"),
                open("style", ""),
                Piece::Text("a>b"),
            ]
        );
    }

    #[test]
    fn raw_text_ends_at_its_own_tag() {
        let source = "<title>a <b> {{ c }}</TITLE><!-- <p> -- {% if d %} --><p>";
        assert_eq!(
            pieces(source),
            [
                open("title", ""),
                Piece::Text("a "),
                Piece::Text("<b> "),
                Piece::Expression("{{ c }}"),
                Piece::Close("title".into()),
                open(COMMENT, ""),
                Piece::Text(" <p> "),
                Piece::Text("-"),
                Piece::Text("- "),
                Piece::Statement("{% if d %}"),
                Piece::Text(" "),
                Piece::Close(COMMENT.into()),
                open("p", ""),
            ]
        );
    }

    #[test]
    fn attributes_are_found_however_they_are_written() {
        let attributes = " hidden STYLE='a: b' {% if x %}class=\"y\"{% endif %} href={{ u | d(\" \") }}&amp; data-href=\"no\" /";
        for (name, value) in [
            ("style", Some("a: b")),
            ("hidden", Some("")),
            ("href", Some("{{ u | d(\" \") }}&amp;")),
            ("alt", None),
        ] {
            assert_eq!(attribute(attributes, name), value, "{name}");
        }
    }
}
