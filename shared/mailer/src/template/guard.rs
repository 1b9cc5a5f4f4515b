//! Expressions in URLs of the HTML part, wrapped so that a value can neither leave its URL nor choose what a click
//! does: `href="https://acme.example/?n={{ x }}"` becomes `…{{ url_part(x) }}`, and `href="{{ x }}"` becomes
//! `{{ link_url(x) }}`. Values of attributes that stand without quotes get some, because a space would end them.
//!
//! Done on the template, once per content version, before anything else reads it: however it is rendered, the
//! result is the same. Tags are looked for in comments too, because Outlook reads some of them.

use crate::tag;

/// The function around an expression that follows other text of its URL.
pub(crate) const URL_PART: &str = "url_part";
/// The function around an expression that begins its URL.
pub(crate) const LINK_URL: &str = "link_url";

/// Attributes whose value is a URL.
const URL_ATTRIBUTES: [&str; 4] = ["action", "background", "href", "src"];

/// `html` with the expressions in its URLs wrapped.
pub(crate) fn html(html: &str) -> String {
    let mut guard = Guard { rest: html, out: String::with_capacity(html.len() + 64), protected: false };
    while !guard.rest.is_empty() {
        guard.step();
    }
    guard.out
}

struct Guard<'a> {
    rest: &'a str,
    out: String,
    /// Between `{% raw %}` and `{% endraw %}`.
    protected: bool,
}

impl<'a> Guard<'a> {
    fn step(&mut self) {
        if self.template_tag() {
            return;
        }
        let is_element =
            self.rest.strip_prefix('<').is_some_and(|it| it.starts_with(|c: char| c.is_ascii_alphabetic()));
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let end = self.rest[first..].find(['{', '<']).map_or(self.rest.len(), |at| at + first);
        if is_element { self.element() } else { self.copy(end) }
    }

    /// Copies a template tag, if one begins here.
    fn template_tag(&mut self) -> bool {
        if self.protected && !self.rest.starts_with("{%") {
            return false;
        }
        let Some(len) = tag::tag_len(self.rest) else { return false };
        let keyword = if self.rest.starts_with("{%") { tag::keyword(&self.rest[..len]) } else { "" };
        if self.protected && keyword != "endraw" {
            return false;
        }
        self.protected = keyword == "raw";
        self.copy(len);
        true
    }

    /// From `<` to the `>` that ends the tag.
    fn element(&mut self) {
        self.copy(1);
        while !self.rest.is_empty() {
            if self.template_tag() {
                continue;
            }
            if self.rest.starts_with('>') {
                return self.copy(1);
            }
            let name = self.take(|c| c.is_whitespace() || "/=>{".contains(c));
            self.out.push_str(name);
            let gap = self.rest.len() - self.rest.trim_start().len();
            let has_value = !name.is_empty() && self.rest[gap..].starts_with('=');
            if has_value {
                self.copy(gap + 1);
                self.value(
                    URL_ATTRIBUTES.iter().any(|url| name.eq_ignore_ascii_case(url) || is_prefixed(name, url)),
                );
            } else if name.is_empty() {
                self.copy(self.rest.chars().next().map_or(0, char::len_utf8));
            }
        }
    }

    /// The value of an attribute, in quotes or not.
    fn value(&mut self, is_url: bool) {
        self.copy(self.rest.len() - self.rest.trim_start().len());
        let quote = self.rest.chars().next().filter(|quote| "\"'".contains(*quote));
        let value = match quote {
            Some(quote) => {
                self.copy(1);
                self.take(|c| c == quote)
            }
            None => self.take(|c| c.is_whitespace() || c == '>'),
        };
        let guarded = if is_url && !self.protected { url(value) } else { value.to_owned() };
        if quote.is_none() && !self.protected && needs_quotes(value) {
            self.out.extend(["\"", &guarded, "\""]);
        } else {
            self.out.push_str(&guarded);
        }
    }

    /// Everything before the first character that `ends` names, outside template tags.
    fn take(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let mut at = 0;
        while let Some(next) = self.rest[at..].chars().next() {
            let tag = if self.protected { None } else { tag::tag_len(&self.rest[at..]) };
            match tag {
                // The names of attributes end before a tag.
                Some(_) if ends('{') => break,
                Some(len) => at += len,
                None if ends(next) => break,
                None => at += next.len_utf8(),
            }
        }
        let (taken, rest) = self.rest.split_at(at);
        self.rest = rest;
        taken
    }

    fn copy(&mut self, len: usize) {
        let (copied, rest) = self.rest.split_at(len);
        self.out.push_str(copied);
        self.rest = rest;
    }
}

/// Whether a value without quotes could be left at a space. One that a branch begins or ends in stays as it is.
fn needs_quotes(value: &str) -> bool {
    let (mut rest, mut varies) = (value, false);
    while let Some(first) = rest.chars().next() {
        let tag = tag::tag_len(rest);
        if first == '"' || tag.is_some() && rest.starts_with("{%") {
            return false;
        }
        varies |= tag.is_some() && rest.starts_with("{{");
        rest = &rest[tag.unwrap_or_else(|| first.len_utf8())..];
    }
    varies
}

/// `xlink:href` is a URL as `href` is.
fn is_prefixed(name: &str, url: &str) -> bool {
    name.rsplit_once(':').is_some_and(|(_, name)| name.eq_ignore_ascii_case(url))
}

/// What stands before an expression, as far as it is known: in branches that of their begin.
#[derive(Clone, Copy)]
struct Branches {
    before: bool,
    any: bool,
}

/// A URL with its expressions wrapped.
pub(crate) fn url(value: &str) -> String {
    let (mut rest, mut out, mut begun, mut branches) = (value, String::new(), false, Vec::new());
    while !rest.is_empty() {
        let Some(len) = tag::tag_len(rest) else {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            let end = rest[first..].find('{').map_or(rest.len(), |at| at + first);
            begun |= !rest[..end].trim().is_empty();
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        };
        let found = &rest[..len];
        if found.starts_with("{{") {
            out.push_str(&wrapped(found, if begun { URL_PART } else { LINK_URL }));
            begun = true;
        } else {
            out.push_str(found);
            if found.starts_with("{%") {
                begun = branch(tag::keyword(found), begun, &mut branches);
            }
        }
        rest = &rest[len..];
    }
    out
}

/// Whether something stands before what follows a `{% … %}`. After an `if` that is so if any way through it has
/// written something: to encode too much is harmless.
fn branch(keyword: &str, begun: bool, branches: &mut Vec<Branches>) -> bool {
    match (keyword, branches.last_mut()) {
        ("if" | "for", _) => {
            branches.push(Branches { before: begun, any: false });
            begun
        }
        ("elif" | "else", Some(branches)) => {
            branches.any |= begun;
            branches.before
        }
        ("endif" | "endfor", Some(it)) => {
            let any = it.any | begun;
            branches.pop();
            any
        }
        _ => begun,
    }
}

/// `{{ x }}` as `{{ function(x) }}`; our own link stays as it is.
fn wrapped(found: &str, function: &str) -> String {
    let (inner, close) = found.split_at(found.len() - 2);
    let (open, inner) = inner.split_at(2);
    let is_sign = |c: char| c == '-' || c == '+';
    let (sign, inner) = inner.split_at(usize::from(inner.starts_with(is_sign)));
    let (inner, end) = inner.split_at(inner.len() - usize::from(inner.ends_with(is_sign)));
    let expression = inner.trim();
    if expression == "unsubscribe_url" || expression.is_empty() {
        return found.to_owned();
    }
    let (before, after) = inner.split_once(expression).unwrap_or_default();
    [open, sign, before, function, "(", expression, ")", after, end, close].concat()
}

/// An expression without the wrapper: its author has not written it.
pub(super) fn unguarded(expression: &str) -> &str {
    split(expression).1
}

/// The wrapper of an expression, if it has one, and what is in it.
pub(super) fn split(expression: &str) -> (Option<&'static str>, &str) {
    let inner = |name: &str| expression.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
    let mut found = [URL_PART, LINK_URL].into_iter().filter_map(|name| Some((Some(name), inner(name)?)));
    found.next().unwrap_or((None, expression))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_in_urls_are_wrapped_and_no_others() {
        for (html_before, after) in [
            ("<a href='{{ x }}'>{{ x }}</a>", "<a href='{{ link_url(x) }}'>{{ x }}</a>"),
            ("<A HREF = \"h/{{- x|f -}}?{{y}}\">", "<A HREF = \"h/{{- url_part(x|f) -}}?{{url_part(y)}}\">"),
            ("<img alt={{ x }} src=a{{ x }}>", "<img alt=\"{{ x }}\" src=\"a{{ url_part(x) }}\">"),
            ("<p class=a{{ x | d(\" \") }} id=a>", "<p class=\"a{{ x | d(\" \") }}\" id=a>"),
            (
                "<a{% if x > 1 %} href={{ x }}{% endif %}>",
                "<a{% if x > 1 %} href={{ link_url(x) }}{% endif %}>",
            ),
            ("<!--[if mso]><v:r href=\"{{ x }}\">", "<!--[if mso]><v:r href=\"{{ link_url(x) }}\">"),
            ("<use xlink:href=\"a{{ x }}\"/>", "<use xlink:href=\"a{{ url_part(x) }}\"/>"),
            (
                "<a href=\"{{ unsubscribe_url }}?x={{ x }}\">",
                "<a href=\"{{ unsubscribe_url }}?x={{ url_part(x) }}\">",
            ),
            ("<a title='>' data-href='{{ x }}'>", "<a title='>' data-href='{{ x }}'>"),
            ("a < b href='{{ x }}'", "a < b href='{{ x }}'"),
            ("{% raw %}<a href='{{ x }}'>{% endraw %}", "{% raw %}<a href='{{ x }}'>{% endraw %}"),
            ("<a href='{# {{ x }} #}{{ x }}'>", "<a href='{# {{ x }} #}{{ link_url(x) }}'>"),
        ] {
            assert_eq!(html(html_before), after);
        }
    }

    #[test]
    fn branches_begin_where_their_if_began() {
        assert_eq!(
            url("{% if a %}http://a/{{ b }}{% elif c %}{{ c }}{% else %}{{ d }}{% endif %}{{ e }}"),
            "{% if a %}http://a/{{ url_part(b) }}{% elif c %}{{ link_url(c) }}{% else %}{{ link_url(d) }}{% endif %}\
             {{ url_part(e) }}"
        );
        assert_eq!(url("{% if a %}{% endif %}{{ b }}"), "{% if a %}{% endif %}{{ link_url(b) }}");
    }

    #[test]
    fn the_wrapper_comes_off_again() {
        assert_eq!(split("url_part(a.b)"), (Some(URL_PART), "a.b"));
        assert_eq!(split("link_url(a)"), (Some(LINK_URL), "a"));
        assert_eq!(unguarded("f(a)"), "f(a)");
    }

    proptest! {
        #[test]
        fn only_wrappers_are_added(text in "\\PC{0,60}|([<>/&;{}%#\"'=! -]|[a-z]{1,3}|é|<a href=|\\{\\{ x \\}\\}|\\{%){0,40}") {
            let guarded = html(&text);
            let bare = |text: &str| text.replace("url_part", "").replace("link_url", "").replace(['(', ')', '"'], "");
            prop_assert_eq!(bare(&guarded), bare(&text));
            if !text.contains("{{") {
                prop_assert_eq!(guarded, text);
            }
        }
    }
}
