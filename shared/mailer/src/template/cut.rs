//! A template cut at its top level, so that most of it need not be rendered for every recipient.
//!
//! ```text
//! <p>Dear {{ subscriber.first_name }},</p>{% if subscriber.attribs.vip %}…{% endif %}
//! literal value                       literal unit
//! ```
//!
//! Values are plain paths, resolved without the template engine. Units are what only the engine can render: other
//! expressions, and whole `if` and `for` blocks. Together they are one template, in their order and with a [`MARK`]
//! behind each, for it is asking the engine that costs, not what it is asked.
//!
//! What `set` says at the top level holds for all that follows, so it stands between the units. A template with any other
//! statement is not cut, nor one with a `set` inside a block, nor one that gives another meaning to what values are
//! resolved by.
//!
//! The cut is the engine's own lexer in short: white space goes where a minus sign says so, and one line end at
//! the end of the template does.

use super::guard;
use crate::tag;

/// What stands behind each unit: neither a template nor a value has it, for [`crate::escape::lines`] takes it out of both.
pub(super) const MARK: char = '\0';
/// Statements within which everything they say ends, and the one that stands between units.
const KNOWN: [&str; 7] = ["if", "elif", "else", "endif", "for", "endfor", "set"];
/// Names that are looked up without the engine.
const OURS: [&str; 5] = ["subscriber", "campaign", "unsubscribe_url", guard::URL_PART, guard::LINK_URL];
/// How the derived text part writes a brace.
const BRACE: &str = "{{ \"{\" }}";

/// A template that was cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut<L = String> {
    pub(super) pieces: Vec<Piece<L>>,
    /// The template of all units; empty if there are none.
    pub(super) units: String,
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<L = String> {
    Literal(L),
    Value(Value),
    /// The next of the units.
    Unit,
}

/// A plain path, and the function around it that [`guard`] has put there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) path: Path,
    pub(super) function: Option<&'static str>,
}

/// What a template asks for most often.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Path {
    Id,
    Email,
    Name,
    FirstName,
    LastName,
    /// The names after `subscriber.attribs`, at least one.
    Attribute(Vec<String>),
    CampaignId,
    CampaignName,
    CampaignSubject,
    UnsubscribeUrl,
}

/// Cuts a template that the engine has compiled; `None` if it cannot be cut.
pub(super) fn cut(source: &str) -> Option<Cut> {
    let statements = tag::tags(source).into_iter().filter(|tag| tag.starts_with("{%"));
    if statements.map(tag::keyword).any(|keyword| !KNOWN.contains(&keyword)) {
        return None;
    }
    let source = source.strip_suffix('\n').unwrap_or(source);
    let source = source.strip_suffix('\r').unwrap_or(source);
    let mut cutter = Cutter { rest: source, ..Cutter::default() };
    while !cutter.rest.is_empty() {
        cutter.step()?;
    }
    if cutter.is_unsaid {
        // It may fail, and a recipient with it.
        cutter.unit("");
    }
    Some(cutter.cut)
}

#[derive(Default)]
struct Cutter<'a> {
    rest: &'a str,
    /// The last tag ended in a minus sign.
    trims: bool,
    /// No unit stands behind the last `set`.
    is_unsaid: bool,
    cut: Cut,
}

impl Cutter<'_> {
    /// The text up to the next tag, and the tag, or the block it begins.
    fn step(&mut self) -> Option<()> {
        let start = next_tag(self.rest);
        let (text, rest) = self.rest.split_at(start.unwrap_or(self.rest.len()));
        let text = if self.trims { text.trim_start() } else { text };
        self.literal(if rest.as_bytes().get(2) == Some(&b'-') { text.trim_end() } else { text });
        if start.is_none() {
            self.rest = rest;
            return Some(());
        }
        let len = if rest.starts_with("{%") { block_len(rest)? } else { tag::tag_len(rest)? };
        let (found, rest) = rest.split_at(len);
        // The engine reads this minus sign as one before the comment and none behind it.
        self.trims = found.as_bytes()[found.len() - 3] == b'-' && found != "{#-#}";
        self.rest = rest;
        match found.as_bytes()[1] {
            b'#' => {}
            b'{' => self.expression(found),
            _ if tag::keyword(found) == "set" => self.set(found)?,
            _ => self.unit(found),
        }
        Some(())
    }

    fn set(&mut self, found: &str) -> Option<()> {
        let words = tag::words(found);
        let mut names = words.split(|word| *word == "=").next()?.iter();
        if names.any(|name| OURS.contains(name) || *name == ".") {
            return None;
        }
        self.cut.units.push_str(found);
        self.is_unsaid = true;
        Some(())
    }

    fn unit(&mut self, found: &str) {
        self.cut.units.push_str(found);
        self.cut.units.push(MARK);
        self.cut.pieces.push(Piece::Unit);
        self.is_unsaid = false;
    }

    fn expression(&mut self, found: &str) {
        if found == BRACE {
            return self.literal("{");
        }
        let inner = &found[2..found.len() - 2];
        let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
        let (function, inner) = guard::split(inner.trim());
        match path(inner) {
            Some(path) => self.cut.pieces.push(Piece::Value(Value { path, function })),
            None => self.unit(found),
        }
    }

    fn literal(&mut self, text: &str) {
        if let Some(Piece::Literal(last)) = self.cut.pieces.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.cut.pieces.push(Piece::Literal(text.to_owned()));
        }
    }
}

/// Where the next tag begins.
fn next_tag(text: &str) -> Option<usize> {
    memchr::memchr_iter(b'{', text.as_bytes())
        .find(|at| matches!(text.as_bytes().get(at + 1), Some(b'{' | b'%' | b'#')))
}

/// Length of the block that `text` begins with, up to the end of its `endif` or `endfor`; of a `set`, its own. `None` if
/// it has no end, or sets something that holds behind it.
fn block_len(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        at += next_tag(&text[at..])?;
        let len = tag::tag_len(&text[at..])?;
        let found = &text[at..at + len];
        at += len;
        let keyword = if found.starts_with("{%") { tag::keyword(found) } else { "" };
        match keyword {
            "if" | "for" => depth += 1,
            "endif" | "endfor" => depth = depth.checked_sub(1)?,
            "set" if depth > 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

fn path(expression: &str) -> Option<Path> {
    let names: Vec<&str> = expression.split('.').collect();
    Some(match names.as_slice() {
        ["unsubscribe_url"] => Path::UnsubscribeUrl,
        ["campaign", "id"] => Path::CampaignId,
        ["campaign", "name"] => Path::CampaignName,
        ["campaign", "subject"] => Path::CampaignSubject,
        ["subscriber", "id"] => Path::Id,
        ["subscriber", "email"] => Path::Email,
        ["subscriber", "name"] => Path::Name,
        ["subscriber", "first_name"] => Path::FirstName,
        ["subscriber", "last_name"] => Path::LastName,
        ["subscriber", "attribs", names @ ..] if !names.is_empty() && names.iter().all(is_name) => {
            Path::Attribute(names.iter().map(|name| (*name).to_owned()).collect())
        }
        _ => return None,
    })
}

fn is_name(name: &&str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_word) && name.starts_with(|first: char| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.into())
    }

    fn value(path: Path) -> Piece {
        Piece::Value(Value { path, function: None })
    }

    #[test]
    fn a_template_is_cut_into_literals_values_and_units() {
        let source = "Dear {{ subscriber.name }},{# no #}!{{ subscriber.attribs.a.b }}{{ \"{\" }}b{% if x %}{% for y in z %}\
                      {{ y }}{% endfor %}{% endif %}{{ subscriber.name | upper }}{ {{ url_part(campaign.id) }}\n";
        let cut = cut(source).unwrap();
        assert_eq!(
            cut.pieces,
            [
                literal("Dear "),
                value(Path::Name),
                literal(",!"),
                value(Path::Attribute(vec!["a".into(), "b".into()])),
                literal("{b"),
                Piece::Unit,
                Piece::Unit,
                literal("{ "),
                Piece::Value(Value { path: Path::CampaignId, function: Some(guard::URL_PART) }),
            ]
        );
        assert_eq!(
            cut.units,
            "{% if x %}{% for y in z %}{{ y }}{% endfor %}{% endif %}\0{{ subscriber.name | upper }}\0"
        );
    }

    #[test]
    fn minus_signs_take_white_space_away() {
        let source = "a \n{{- campaign.id -}}\n b {#- c -#} d {%- if e -%} f {%- endif -%} g {{ campaign.id }} {# h #}\n\n";
        let cut = cut(source).unwrap();
        assert_eq!(
            cut.pieces,
            [
                literal("a"),
                value(Path::CampaignId),
                literal("bd"),
                Piece::Unit,
                literal("g "),
                value(Path::CampaignId),
                literal(" \n"),
            ]
        );
        assert_eq!(cut.units, "{%- if e -%} f {%- endif -%}\0");
    }

    #[test]
    fn what_is_set_stands_before_the_units_behind_it() {
        let found =
            cut("{%- set a = 1 -%} {{ a }}x{% set b, c = [a, 2] %}{{ campaign.id }}{% if b %}y{% endif %}")
                .unwrap();
        assert_eq!(found.pieces, [Piece::Unit, literal("x"), value(Path::CampaignId), Piece::Unit]);
        assert_eq!(found.units, "{%- set a = 1 -%}{{ a }}\0{% set b, c = [a, 2] %}{% if b %}y{% endif %}\0");
        let found = cut("{% set a = b %}c").unwrap();
        assert_eq!(
            (found.pieces, found.units),
            (vec![literal("c"), Piece::Unit], "{% set a = b %}\0".into())
        );
    }

    #[test]
    fn what_holds_for_all_that_follows_is_not_cut() {
        for source in [
            "{% set subscriber = 1 %}",
            "{% set a, url_part = [1, 2] %}",
            "{% set a.b = 1 %}",
            "{% set a %}b{% endset %}",
            "{% if a %}{% set b = 1 %}{% endif %}",
            "{% macro a() %}{% endmacro %}",
            "{% raw %}{% endraw %}",
            "{% filter upper %}a{% endfilter %}",
            "{% endif %}",
            "{% if a %}",
            "{{ a",
        ] {
            assert_eq!(cut(source), None, "{source}");
        }
    }
}
