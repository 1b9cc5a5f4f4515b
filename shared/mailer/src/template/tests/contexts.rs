//! What a value becomes where it stands, and that it cannot leave its place. On both ways: what a `set` stands
//! before cannot be cut.

use super::*;

const HOSTILE: &str = r#"\"><script>&'/ javascript:x\r\nX: y"#;

/// The HTML and the text part on both ways, which must agree.
fn parts(html: &str, attribs: &str) -> Result<(String, String), String> {
    let ann = subscriber("ann@example.org", "Ann Lee", attribs);
    let made = |html: &str| {
        let compiled = Compiled::new(&content("Hi", html)).unwrap();
        let message = compiled.message(to(&ann), URL, |_, _| {}).map_err(|err| err.text)?;
        let parsed = mail_parser::MessageParser::new().parse(&message).unwrap();
        let part = |n| parsed.part(n).unwrap().text_contents().unwrap().replace("\r\n", "\n");
        Ok((part(2), part(1)))
    };
    let fast = made(html);
    assert_eq!(made(&format!("{{% set z = 1 %}}{html}")), fast, "{html}");
    fast
}

#[track_caller]
fn becomes(html: &str, value: &str, expected: &str) {
    let made = parts(html, &format!(r#"{{"x": "{value}"}}"#)).unwrap().0;
    assert_eq!(made, expected, "{html}");
}

#[test]
fn text_and_attributes_of_html_cannot_be_left() {
    let escaped = "&quot;&gt;&lt;script&gt;&amp;&#39;/ javascript:x\nX: y";
    becomes("<p>{{ subscriber.attribs.x }}</p>", HOSTILE, &format!("<p>{escaped}</p>"));
    becomes("<p title=\"{{ subscriber.attribs.x }}\">", HOSTILE, &format!("<p title=\"{escaped}\">"));
    becomes("<p>{{ subscriber.attribs.x | e }}</p>", HOSTILE, &format!("<p>{escaped}</p>"));
    becomes("<p>{{ subscriber.attribs.x | safe }}</p>", "<b>", "<p><b></p>");
}

#[test]
fn a_value_within_a_url_is_one_part_of_it() {
    let encoded = "%22%3E%3Cscript%3E%26%27%2F%20javascript%3Ax%0D%0AX%3A%20y";
    for (html, expected) in [
        (
            "<a href=\"https://a.example/?q={{ subscriber.attribs.x }}&amp;z\">",
            "<a href=\"https://a.example/?q=@&amp;z\">",
        ),
        (
            "<img src='https://a.example/{{ subscriber.attribs.x }}.png'>",
            "<img src='https://a.example/@.png'>",
        ),
        (
            "<form action=https://a.example/{{ subscriber.attribs.x }}>",
            "<form action=\"https://a.example/@\">",
        ),
        ("<a href=\"{{ unsubscribe_url }}/{{ subscriber.attribs.x }}\">", &format!("<a href=\"{URL}/@\">")),
    ] {
        becomes(html, HOSTILE, &expected.replace('@', encoded));
    }
    becomes(
        "<a href='https://a/{{ subscriber.attribs.x | urlencode }}'>",
        "a/b c",
        "<a href='https://a/a/b%20c'>",
    );
    becomes("<a href='https://a/{{ subscriber.attribs.x | safe }}'>", "a/b?c", "<a href='https://a/a/b?c'>");
}

#[test]
fn a_value_that_is_a_url_may_not_be_a_script() {
    let html = "<a href=\"{{ subscriber.attribs.x }}\">Go</a>";
    becomes(
        html,
        "https://a.example/?a=1&b='2'",
        "<a href=\"https://a.example/?a=1&amp;b=&#39;2&#39;\">Go</a>",
    );
    becomes(html, "tel:+32 9 1", "<a href=\"tel:+32%209%201\">Go</a>");
    for hostile in
        ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "//a.example", "", HOSTILE]
    {
        for html in [
            html,
            "<a href={{ subscriber.attribs.x | safe }}>",
            "<a href='{{ subscriber.attribs.x | upper }}/x'>",
        ] {
            let err = parts(html, &format!(r#"{{"x": "{hostile}"}}"#)).unwrap_err();
            assert!(err.starts_with("HTML part, line 1: a link begins with none of http:, https:,"), "{err}");
            assert!(!err.to_lowercase().contains("script:"), "{err}");
        }
    }
    let unquoted = "<a href={{ subscriber.attribs.x }}>";
    becomes(unquoted, "https://a onclick=b", "<a href=\"https://a%20onclick=b\">");
    becomes("<p id={{ subscriber.attribs.x }}>", "a onclick=b", "<p id=\"a onclick=b\">");
}

#[test]
fn the_text_part_escapes_nothing_but_what_stands_in_addresses() {
    let html =
        "<p>{{ subscriber.attribs.x }} <a href='https://a.example/{{ subscriber.attribs.x }}'>Go</a></p>";
    let (_, text) = parts(html, r#"{"x": "<b> & 'c'"}"#).unwrap();
    assert_eq!(text, "<b> & 'c' Go (https://a.example/%3Cb%3E%20%26%20%27c%27)");
    let (_, text) =
        parts("<a href=\"{{ subscriber.attribs.x }}\">Go</a>", r#"{"x": "https://a/?b&c"}"#).unwrap();
    assert_eq!(text, "Go (https://a/?b&c)");
    let label = "<a href='mailto:{{ subscriber.email }}'>{{ subscriber.email }}</a>";
    assert_eq!(parts(label, "{}").unwrap().1, "ann@example.org");
}
