//! The text part of a message, derived from the template of its HTML part.
//!
//! Done once per content version, on the template and not on the rendered HTML: the result is a template again,
//! with every `{{ … }}` and `{% … %}` where its text was. The rules:
//!
//! - white space collapses; paragraphs and headings stand apart by a blank line, `<br>`, cells and other blocks
//!   begin a line, items of lists begin with `- `;
//! - a link is its label and then the address in brackets, or the address alone where the label says no more; what
//!   is done to values in addresses of the HTML part is done here too;
//! - left out are `<head>`, `<style>`, `<script>`, comments and what is hidden, as preheaders are, except
//!   for the `{% … %}` in them: a variable set in the head is used in the body;
//! - `{%-` and `-%}` lose their minus, which is carried out here: left in, it would swallow our line breaks;
//! - a brace of the text itself becomes `{{ "{" }}`, so that text never turns into a tag by leaving markup out.

mod entities;
mod markup;

use markup::{COMMENT, Piece, attribute};

use crate::tag;
use crate::template::guard;

/// Elements left out with all their content.
const REMOVED: [&str; 7] = [COMMENT, "head", "script", "style", "svg", "template", "title"];
/// Elements that have no end tag (HTML, 13.1.2).
const VOID: [&str; 8] = ["br", "col", "hr", "img", "input", "link", "meta", "wbr"];
/// Ways to hide an element by its style, without white space.
const HIDING: [&str; 4] = ["display:none", "visibility:hidden", "mso-hide:all", "max-height:0"];
/// Soft hyphen, combining grapheme joiner, zero-width space and byte order mark: padding of preheaders.
const INVISIBLE: [char; 4] = ['\u{ad}', '\u{34f}', '\u{200b}', '\u{feff}'];

/// The template of the text part for this template of an HTML part.
pub(crate) fn derive(html: &str) -> String {
    let pieces = markup::pieces(html);
    let mut text = Text { standing: Gap::Blank, ..Text::default() };
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        let end = removed_end(&pieces, at);
        match end {
            Some(end) => {
                pieces[at..end].iter().filter(|piece| is_statement(piece)).for_each(|it| text.add(it))
            }
            None => text.add(piece),
        }
        at = end.unwrap_or(at + 1);
    }
    text.out.truncate(text.out.trim_end().len());
    text.out
}

/// How many images have nothing to be read instead of them: not even an empty text, which says that there is nothing
/// to say.
pub(crate) fn images_without_alt(html: &str) -> usize {
    let is_silent = |piece: &Piece<'_>| matches!(piece, Piece::Open(name, attributes) if name == "img" && attribute(attributes, "alt").is_none());
    markup::pieces(html).iter().filter(|piece| is_silent(piece)).count()
}

fn is_statement(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Statement(_))
}

/// Where the element that begins at `at` ends, if it is to be left out.
fn removed_end(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let Piece::Open(name, attributes) = &pieces[at] else { return None };
    let removed = REMOVED.contains(&name.as_str());
    if VOID.contains(&name.as_str()) || !(removed || is_hidden(attributes)) {
        return None;
    }
    let mut depth = 0_i32;
    for (index, piece) in pieces.iter().enumerate().skip(at) {
        match piece {
            Piece::Open(other, _) if other == name => depth += 1,
            Piece::Close(other) if other == name => depth -= 1,
            Piece::Text(_)
            | Piece::Expression(_)
            | Piece::Statement(_)
            | Piece::Open(..)
            | Piece::Close(_) => {}
        }
        if depth == 0 {
            return Some(index + 1);
        }
    }
    // Never closed: a head may leave that out, and of a hidden block nobody knows how far it goes.
    (removed && name != "head").then_some(pieces.len())
}

fn is_hidden(attributes: &str) -> bool {
    let style: String = attribute(attributes, "style").unwrap_or_default().split_whitespace().collect();
    let style = style.to_ascii_lowercase();
    attribute(attributes, "hidden").is_some() || HIDING.iter().any(|hiding| style.contains(hiding))
}

/// White space between two words, the wider the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    Blank,
}

#[derive(Default)]
struct Text {
    out: String,
    /// Wanted before the next word.
    wanted: Gap,
    /// Already there since the last word.
    standing: Gap,
    /// The last tag ended in `-%}` or `-}}`.
    glue: bool,
    lists: usize,
    links: Vec<Link>,
    branches: Vec<Branches>,
}

struct Link {
    href: String,
    /// The same with its expressions wrapped, as in the HTML part.
    guarded: String,
    /// Where its label begins.
    start: usize,
}

/// An `if` or `for`: after it stands the narrowest gap that any way through it leaves.
struct Branches {
    before: Gap,
    narrowest: Gap,
    exhaustive: bool,
}

impl Text {
    fn add(&mut self, piece: &Piece<'_>) {
        let glue = std::mem::take(&mut self.glue);
        match piece {
            Piece::Text(text) => self.characters(if glue { text.trim_start() } else { text }),
            Piece::Expression(found) => {
                self.template_tag(found);
                self.standing = Gap::None;
            }
            Piece::Statement(found) => {
                self.template_tag(found);
                self.branch(tag::keyword(found));
            }
            Piece::Open(name, attributes) => self.open(name, attributes),
            Piece::Close(name) => self.close(name),
        }
    }

    fn characters(&mut self, text: &str) {
        for character in entities::decode(text) {
            if character.is_whitespace() {
                self.want(Gap::Space);
            } else if !character.is_control() && !INVISIBLE.contains(&character) {
                self.fill_gap();
                push_literal(&mut self.out, character);
                self.standing = Gap::None;
            }
        }
    }

    /// Writes a tag without its minus signs, and does what they say.
    fn template_tag(&mut self, found: &str) {
        let (open, inner) = found.split_at(2);
        let (inner, close) = inner.split_at(inner.len() - 2);
        let trimmed = inner.strip_prefix('-').unwrap_or(inner);
        if trimmed.len() < inner.len() && self.wanted == Gap::Space {
            self.wanted = Gap::None;
        }
        self.fill_gap();
        let inner = trimmed.strip_suffix('-').unwrap_or(trimmed);
        self.glue = inner.len() < trimmed.len();
        self.out.extend([open, inner, close]);
    }

    fn branch(&mut self, keyword: &str) {
        let standing = self.standing;
        match (keyword, self.branches.last_mut()) {
            ("if" | "for", _) => {
                self.branches.push(Branches { before: standing, narrowest: Gap::Blank, exhaustive: false });
            }
            ("elif" | "else", Some(branches)) => {
                branches.narrowest = branches.narrowest.min(standing);
                branches.exhaustive = keyword == "else";
                self.standing = branches.before;
            }
            ("endif" | "endfor", Some(branches)) => {
                let skipped = if branches.exhaustive { Gap::Blank } else { branches.before };
                self.standing = branches.narrowest.min(standing).min(skipped);
                self.branches.pop();
            }
            _ => {}
        }
    }

    fn open(&mut self, name: &str, attributes: &str) {
        match name {
            "ul" | "ol" => self.lists += 1,
            "a" => {
                self.fill_gap();
                let href = attribute(attributes, "href").unwrap_or_default();
                let link =
                    Link { href: inline(href), guarded: inline(&guard::url(href)), start: self.out.len() };
                return self.links.push(link);
            }
            "br" if self.wanted >= Gap::Line => return self.want(Gap::Blank),
            "img" => return self.attribute_text(attribute(attributes, "alt").unwrap_or_default()),
            _ => {}
        }
        self.want(gap_around(name, self.lists));
        match name {
            "li" => self.word(&format!("{}- ", "  ".repeat(self.lists.saturating_sub(1))), Gap::Blank),
            "hr" => {
                self.word("-----", Gap::None);
                self.want(Gap::Blank);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.end_link(),
            "ul" | "ol" => {
                self.lists = self.lists.saturating_sub(1);
                self.want(gap_around(name, self.lists + 1));
            }
            _ => self.want(gap_around(name, self.lists)),
        }
    }

    fn end_link(&mut self) {
        let Some(Link { href, guarded, start }) = self.links.pop() else { return };
        let label = self.out[start..].trim();
        let says_it = [href.as_str(), href.trim_start_matches("mailto:"), href.trim_start_matches("tel:")];
        if href.is_empty() || href.starts_with('#') || says_it.contains(&label) {
            return;
        }
        let address = if label.is_empty() { guarded } else { format!(" ({guarded})") };
        self.out.push_str(&address);
        self.standing = Gap::None;
    }

    /// Text in an attribute, which may hold template tags.
    fn attribute_text(&mut self, value: &str) {
        let text = inline(value);
        if !text.is_empty() {
            self.word(&text, Gap::None);
        }
    }

    fn word(&mut self, word: &str, standing: Gap) {
        self.fill_gap();
        self.out.push_str(word);
        self.standing = standing;
    }

    fn want(&mut self, gap: Gap) {
        self.wanted = self.wanted.max(gap);
    }

    fn fill_gap(&mut self) {
        let wanted = std::mem::take(&mut self.wanted);
        if wanted <= self.standing {
            return;
        }
        self.out.push_str(match (self.standing, wanted) {
            (_, Gap::None | Gap::Space) => " ",
            (Gap::Line, Gap::Blank) | (_, Gap::Line) => "\n",
            (_, Gap::Blank) => "\n\n",
        });
        self.standing = wanted;
    }
}

/// The gap before and after an element.
fn gap_around(name: &str, lists: usize) -> Gap {
    match name {
        "ul" | "ol" if lists > 1 => Gap::Line,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "table" | "blockquote" | "pre"
        | "hr" => Gap::Blank,
        "br" | "li" | "tr" | "td" | "th" | "div" | "center" | "section" | "article" | "header" | "footer"
        | "main" | "body" | "address" | "dt" | "dd" | "figure" | "figcaption" | "caption" => Gap::Line,
        _ => Gap::None,
    }
}

/// A value of an attribute as it stands in text: references decoded, template tags kept.
fn inline(value: &str) -> String {
    let (mut rest, mut out) = (value.trim(), String::new());
    while !rest.is_empty() {
        let len = tag::tag_len(rest);
        if let Some(len) = len {
            out.push_str(&rest[..len]);
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = len.unwrap_or_else(|| rest[first..].find('{').map_or(rest.len(), |at| at + first));
        if len.is_none() {
            entities::decode(&rest[..end]).for_each(|character| push_literal(&mut out, character));
        }
        rest = &rest[end..];
    }
    out
}

fn push_literal(out: &mut String, character: char) {
    match character {
        '{' => out.push_str(r#"{{ "{" }}"#),
        _ if character.is_control() => {}
        _ => out.push(character),
    }
}

#[cfg(test)]
mod tests;
