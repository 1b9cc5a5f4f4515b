//! The fast way and the slow way give the same text.

use mail_parser::{Message, MessageParser};
use proptest::prelude::*;

use super::*;

/// The texts as they travel on the fast way.
fn spliced(compiled: &Compiled, subscriber: &Subscriber) -> Option<Texts> {
    let mut message = Vec::new();
    let head = |subject: &str, out: &mut Vec<u8>| out.extend(format!("X-Subject: {subject:?}\r\n").bytes());
    compiled.splice(to(subscriber), URL, head, &mut message)?;
    let text = std::str::from_utf8(&message).unwrap();
    for line in text.split_once("\r\n\r\n").unwrap().1.split("\r\n") {
        assert!(!line.starts_with('.') && line.len() <= 76, "{line:?}");
    }
    let parsed = MessageParser::new().parse(&message).unwrap();
    let subject = parsed.header_raw("X-Subject").unwrap().trim().to_owned();
    Some(Texts { subject, html: part(&parsed, 2), text: part(&parsed, 1) })
}

fn part(message: &Message<'_>, number: u32) -> String {
    message.part(number).unwrap().text_contents().unwrap().replace("\r\n", "\n")
}

/// Both ways must agree: on the texts, or that there are none.
fn agree(content: &Content, subscriber: &Subscriber) {
    let Ok(compiled) = Compiled::new(content) else { return };
    let (slow, fast) = (compiled.render(to(subscriber), URL), spliced(&compiled, subscriber));
    match (slow, fast) {
        (Ok(slow), Some(fast)) => {
            assert_eq!((fast.html, fast.text), (slow.html, slow.text), "{content:?}");
            assert_eq!(fast.subject, format!("{:?}", slow.subject), "{content:?}");
        }
        (Err(_), None) => {}
        (slow, fast) => panic!("{content:?}: {:?} and {}", slow.err(), fast.is_some()),
    }
}

#[test]
fn what_can_be_cut_is_spliced() {
    let html =
        "<p>{{ subscriber.name }}</p>{% if subscriber.name %}a{% endif %}{{ subscriber.name | upper }}";
    let compiled = Compiled::new(&content("{{ subscriber.name }}", html)).unwrap();
    assert!(compiled.subject.is_cut() && compiled.html.is_cut() && compiled.text.is_cut());
    let compiled =
        Compiled::new(&content("Hi", include_str!("../../../../../examples/welcome.html"))).unwrap();
    assert!(compiled.html.is_cut() && compiled.text.is_cut());
    let compiled = Compiled::new(&content("Hi", &format!("{{% raw %}}a{{% endraw %}}{html}"))).unwrap();
    assert!(compiled.subject.is_cut() && !compiled.html.is_cut());
}

#[test]
fn what_fails_on_the_fast_way_has_the_words_of_the_slow_one() {
    let ann = subscriber("ann@example.org", "Ann", r#"{"url": "javascript:x"}"#);
    for (html, error) in [
        ("a\n{{ subscriber.attribs.city }}", "line 2: undefined value in `subscriber.attribs.city`"),
        ("a\n{{ subscriber.attribs.city | upper }}", "line 2: undefined value in `upper`"),
        ("{% if subscriber.attribs.a.b %}{% endif %}", "line 1: undefined value in `subscriber.attribs.a.b`"),
        (
            "<p>\n<a href=\"{{ subscriber.attribs.url }}\">",
            "line 2: a link begins with none of http:, https:, mailto:, tel: and cid: in `subscriber.attribs.url`",
        ),
        (
            "<a href=\"{{ subscriber.attribs.url | default('x') }}\">",
            "line 1: a link begins with none of http:, https:, mailto:, tel: and cid: in \
             `subscriber.attribs.url | default('x')`",
        ),
        ("<img src='x{{ subscriber.attribs.n }}'>", "line 1: undefined value in `subscriber.attribs.n`"),
    ] {
        let compiled = Compiled::new(&content("Hi", html)).unwrap();
        assert!(compiled.html.is_cut());
        let err = compiled.message(to(&ann), URL, |_, _| {}).unwrap_err();
        assert_eq!(err.text, format!("HTML part, {error}"), "{html}");
    }
}

#[test]
fn the_steps_of_units_are_counted_together() {
    let unit = "{% for a in range(5000) %}{% endfor %}";
    let ann = subscriber("ann@example.org", "Ann", "{}");
    let compiled = Compiled::new(&content("Hi", &unit.repeat(5))).unwrap();
    assert!(spliced(&compiled, &ann).is_some());
    let compiled = Compiled::new(&content("Hi", &unit.repeat(60))).unwrap();
    assert!(compiled.html.is_cut() && spliced(&compiled, &ann).is_none());
}

#[test]
fn the_bytes_of_pieces_are_counted_together() {
    let ann = subscriber("ann@example.org", &"x".repeat(1000), "{}");
    let compiled = Compiled::new(&content("Hi", &"{{ subscriber.name }}".repeat(1048))).unwrap();
    assert!(spliced(&compiled, &ann).is_some());
    let compiled = Compiled::new(&content("Hi", &"{{ subscriber.name }}".repeat(1049))).unwrap();
    assert!(compiled.html.is_cut() && spliced(&compiled, &ann).is_none());
}

fn expression() -> impl Strategy<Value = String> {
    let inner = prop::sample::select(vec![
        "subscriber.name",
        "subscriber.email",
        "subscriber.id",
        "subscriber.first_name",
        "subscriber.last_name",
        "subscriber.attribs.a",
        "subscriber.attribs.b",
        "subscriber.attribs.c.d",
        "subscriber.attribs.missing",
        "subscriber.attribs.missing | default('x y')",
        "subscriber.attribs.a | upper",
        "subscriber.name ~ '\n.' ~ subscriber.attribs.a",
        "subscriber.attribs.a | e",
        "subscriber.attribs.a | safe",
        "subscriber.attribs.b | urlencode",
        "'>' if subscriber.name",
        "campaign.id",
        "campaign.name",
        "campaign.subject",
        "unsubscribe_url",
        "\"{\"",
    ]);
    ("(\\{\\{-?|\\{\\{\\+| ?\\{\\{ )", inner, "( ?-?\\}\\}| \\}\\})")
        .prop_map(|(open, inner, close)| format!("{open}{inner}{close}"))
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => expression(),
        4 => "[a-z .=\n\r\t<>&é\"'{}%-]{0,20}",
        1 => "[a-z ]{60,160}",
        1 => Just("<p>字</p>".to_owned()),
        1 => "\\{#-? c -?#\\}",
        2 => expression().prop_map(|it| format!("<a href=\"{it}\">x</a>")),
        2 => expression().prop_map(|it| format!("<a href='https://x.example/?a={it}&amp;b={it}'>x</a>")),
        2 => (expression(), "[ \n]{0,2}", "-?").prop_map(|(it, gap, minus)| {
            format!("{{%{minus} if subscriber.first_name %}}{gap}{it}{{% else {minus}%}} no{gap}{{% endif {minus}%}}{gap}b")
        }),
        1 => expression().prop_map(|it| format!("{{% for x in [1, 2] %}}{{{{ x }}}}{it}\n{{% endfor %}}")),
        1 => Just("{% set s = subscriber.attribs %}{{ s.a }}".to_owned()),
        1 => Just("{% raw %}{{ x }}{% endraw %}".to_owned()),
        1 => Just("{% filter upper %}a{% endfilter %}".to_owned()),
    ]
}

fn setting() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "a", "b", "a, b", "subscriber", "campaign", "url_part"]);
    let value = prop::sample::select(vec![
        "subscriber",
        "['%}', 2]",
        "b",
        "a | default('{{ b }}')",
        "subscriber.attribs.missing",
        "subscriber.attribs.missing.worse",
    ]);
    prop_oneof![
        4 => (name, value, "-?").prop_map(|(name, value, minus)| format!("{{%- set {name} = {value} {minus}%}} \n")),
        1 => Just("{% if subscriber.name %}{% set a = 'in' %}{% endif %}".to_owned()),
        1 => Just("{{ subscriber.name }}{{ campaign.name }}".to_owned()),
        1 => Just("<a href='x{{ campaign.id }}'>".to_owned()),
        2 => Just("{{ a }}{% if b is defined %}{{ b }}{% endif %}".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "([a-zA-Z .=&<>\"'/:?#é字🎈{}%-]|[\\x00-\\x1f\\x7f]|\r\n){0,24}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "https://[a-z./?&'<\" ]{0,90}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => "-?[1-9][0-9]{0,3}(\\.[0-9]{1,3})?|true|false|null|\\[1, \"<\"\\]|\\{\"d\": \"\\.\"\\}|\\{\\}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_ways_agree_on_all_templates_and_values(
        subject in prop::collection::vec(piece(), 0..4),
        html in prop::collection::vec(piece(), 0..9),
        text in prop::option::of(prop::collection::vec(piece(), 0..6)),
        name in "([A-Za-z .&<é]|[\r\n\t\\x01]){0,20}",
        (a, b, c) in (value(), value(), value()),
    ) {
        let subject = subject.concat().replace("campaign.subject", "campaign.name");
        let text = text.map(|text| text.concat());
        let content = Content { text, ..content(&subject, &html.concat()) };
        let attribs = format!(r#"{{"a": {a}, "b": {b}, "c": {{"d": {c}}}}}"#);
        agree(&content, &subscriber("a.b&c'd@example.org", &name, &attribs));
    }

    #[test]
    fn what_is_set_holds_on_both_ways(html in prop::collection::vec(setting(), 1..5)) {
        let html = format!("{{% set a, b = ['A', 'B'] %}}{}", html.concat());
        agree(&content("Hi", &html), &subscriber("ann@example.org", "Ann", "{}"));
    }

    #[test]
    fn no_text_makes_the_check_panic(
        html in "\\PC{0,80}|([<>/&;{}%#\"'=!.|()-]|[a-z]{1,3}| |\r\n|é|href=|src=\"cid:|\\{\\{|\\}\\}|\\{%|%\\}|if |for x in |endif|set a|raw|endraw|subscriber|attribs){0,60}",
        subject in "\\PC{0,30}|([{}%#]|[a-z]{1,3}){0,20}",
        from in "\\PC{0,40}|[a-z<>@\". ]{0,30}",
        header in ("\\PC{0,20}", "\\PC{0,40}"),
        file in ("\\PC{0,80}", "\\PC{0,20}|[a-z/;= \"]{0,20}", "\\PC{0,10}", "[A-Za-z0-9+/=]{0,16}"),
    ) {
        let mut content = Content { from, text: None, ..content(&subject, &html) };
        let _ = validate(&content);
        content.from = "a@b.example".into();
        let header = fanmail_domain::Header { name: header.0, value: header.1 };
        content.extras.headers.push(header);
        let (name, content_type, content_id, base64) = file;
        content.extras.attachments.push(fanmail_domain::Attachment { name, content_type, content_id: Some(content_id), base64 });
        let _ = validate(&content);
        let _ = crate::warnings(&content);
        content.extras = Extras::default();
        if let Ok(compiled) = Compiled::new(&content) {
            let _ = compiled.message(to(&subscriber("ann@example.org", "Ann", "{}")), URL, |_, _| {});
        }
    }
}
