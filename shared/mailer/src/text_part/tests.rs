//! What people read whose mail program shows no HTML.

use proptest::prelude::*;

use super::derive;
use crate::tag;

#[track_caller]
fn reads(html: &str, text: &str) {
    assert_eq!(derive(html), text, "{html}");
}

#[test]
fn a_letter_reads_like_one() {
    let html = r##"<html><head><title>T</title><style>p { color: red }</style></head><body>
<div style="display: none">Preheader &zwnj;&nbsp;</div>
<h1>Welcome,
   {{ subscriber.first_name }}</h1>
<p>One &amp; <b>two</b>,<br>three&hellip;</p><p>Four.</p>
<ul><li>first<li><p>second</p></li></ul>
<table><tr><td>left</td><td>right</td></tr><tr><td>below</td></tr></table>
<p>Read <a href="https://acme.example/?a=1&amp;b=2">more</a> or <a href="mailto:hi@acme.example">hi@acme.example</a>,
<a href="https://acme.example">https://acme.example</a>, <a href="#top">up</a> <a href="{{ unsubscribe_url }}">Stop</a></p>
<!-- no --><script>if (a < b) { no }</script>
<p><a href="https://acme.example/x"><img src="x.png" alt=""></a></p><img alt="Acme"></body></html>"##;
    let text = "\
Welcome, {{ subscriber.first_name }}

One & two,
three…

Four.

- first
- second

left
right
below

Read more (https://acme.example/?a=1&b=2) or hi@acme.example, https://acme.example, up Stop ({{ unsubscribe_url }})

https://acme.example/x

Acme";
    reads(html, text);
}

#[test]
fn branches_and_loops_keep_the_space_around_them() {
    reads(
        "<p>Dear{% if a %} {{ a }}{% else %} friend{% endif %},</p>{% if b %}<p>B</p>{% endif %}<p>C</p>",
        "Dear{% if a %} {{ a }}{% else %} friend{% endif %},\n\n{% if b %}B\n\n{% endif %}C",
    );
    reads("a{% if b %}<p>b</p>{% else %} c{% endif %}", "a{% if b %}\n\nb\n\n{% else %} c{% endif %}");
    reads("a<br>b<br><br>c", "a\nb\n\nc");
    reads("a{% if b %} b {% endif %} c", "a{% if b %} b {% endif %} c");
    reads("a {% if b %}b {% endif %} c", "a {% if b %}b {% endif %}c");
    reads(
        "<ul>{% for x in y %}<li>{{ x }}</li>{% endfor %}</ul>z",
        "{% for x in y %}- {{ x }}\n{% endfor %}\nz",
    );
    reads("<ol><li>a<ul><li>b</li></ul></li></ol>", "- a\n  - b");
}

#[test]
fn minus_signs_do_to_text_what_they_do_to_html() {
    reads("<p>a</p>\n{%- if b -%}\n<p>b</p>{% endif %}", "a\n\n{% if b %}b\n\n{% endif %}");
    reads("a {{- b -}} c", "a{{ b }}c");
    reads("a\n{%- if b %} b{% endif -%} c", "a{% if b %} b{% endif %}c");
}

#[test]
fn what_is_left_out_keeps_its_statements() {
    reads("<head>{% set a = 1 %}{{ no }}</head>{{ a }}", "{% set a = 1 %}{{ a }}");
    reads("<!--[if mso]>{% if a %}no{% endif %}<![endif]-->b", "{% if a %}{% endif %}b");
    reads("<div hidden><div>no</div>no</div>yes<style>no", "yes");
    reads("<head><meta><body>a", "a");
    reads("<p style='display:none'>never closed", "never closed");
}

#[test]
fn text_never_becomes_a_tag() {
    reads("{<b>{</b> a }} &#123;&#37; b", r#"{{ "{" }}{{ "{" }} a }} {{ "{" }}% b"#);
    reads("{% raw %}{{ a }}{% endraw %}", r#"{{ "{" }}{{ "{" }} a }}"#);
    reads(r#"<a href="/{{ a }}/{b">c</a>"#, r#"c (/{{ url_part(a) }}/{{ "{" }}b)"#);
}

#[test]
fn nothing_gives_nothing() {
    reads("", "");
    reads("<p>&shy; &#847;</p>", "");
}

proptest! {
    #[test]
    fn any_text_is_taken(html in "\\PC{0,60}|([<>/&;{}%#\"'=!-]|[a-z]{1,3}| |é|style|</?(a href=x|title|!--|li)>?){0,40}") {
        derive(&html);
    }

    #[test]
    fn every_expression_outside_removed_elements_is_kept(
        parts in prop::collection::vec(
            prop_oneof![
                "\\{\\{ [a-z]{1,5}(\\.[a-z]{1,5})? \\}\\}",
                "\\{\\{ '[<>}{%&]{0,4}' \\}\\}",
                "[a-z<&;]{0,6}",
                "</?(p|td|b|ul|li|h1|span class=\"x\")>",
            ],
            0..12,
        )
    ) {
        // A `<` right before a letter would begin a tag that runs on, and a brace another template tag.
        let html = parts.join(" ").replace("<a", "< a");
        let html = regex_free_separate(&html);
        let expressions = |source: &str| -> Vec<String> {
            tag::tags(source).into_iter().map(str::to_owned).collect()
        };
        prop_assert_eq!(expressions(&derive(&html)), expressions(&html));
    }
}

/// Puts a space after each `<` that begins none of the elements above.
fn regex_free_separate(html: &str) -> String {
    let known = ["<p>", "<td>", "<b>", "<ul>", "<li>", "<h1>", "<span", "</"];
    let mut out = String::new();
    for (at, character) in html.char_indices() {
        out.push(character);
        if character == '<' && !known.iter().any(|start| html[at..].starts_with(start)) {
            out.push(' ');
        }
    }
    out
}
