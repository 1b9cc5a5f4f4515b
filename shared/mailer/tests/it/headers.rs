//! Nothing that people write becomes a header of its own.

use fanmail_domain::Content;
use fanmail_mailer::Outgoing;
use proptest::prelude::*;

use crate::support::{content, parse, render, subscriber};

const EXPECTED: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Unsubscribe",
    "X-Fanmail-Recipient",
    "Feedback-ID",
    "List-Id",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
];

/// The names of the header lines, read without a library: a line that does not begin with white space begins a
/// header.
fn header_names(message: &Outgoing) -> Vec<String> {
    let text = String::from_utf8(message.message.text().into_owned()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

fn lines_are_sound(message: &Outgoing) -> bool {
    let text = String::from_utf8(message.message.text().into_owned()).unwrap();
    text.split("\r\n").all(|line| line.len() <= 998 && line.is_ascii() && !line.contains(['\r', '\n', '\0']))
}

#[test]
fn a_subject_or_name_with_line_breaks_stays_one_header() {
    let eve = subscriber(
        "eve@example.org",
        "Eve\r\nBcc: all@example.org\r\n\r\n<b>body",
        r#"{"x": "a\r\nX-Evil: 1"}"#,
    );
    let content = content("Hi {{ subscriber.name }}\n{{ subscriber.attribs.x }}\u{2028}!", "<p>x</p>");
    let message = render(&content, &eve).unwrap();
    assert_eq!(header_names(&message), EXPECTED);
    let parsed = parse(&message);
    assert_eq!(parsed.subject(), Some("Hi Eve Bcc: all@example.org <b>body a X-Evil: 1 !"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("Eve Bcc: all@example.org <b>body"));
    assert_eq!(parsed.to().unwrap().iter().count(), 1);
}

#[test]
fn a_from_header_with_a_line_break_fails() {
    let content =
        Content { from: "Acme\r\nBcc: x@y.example <news@acme.example>".into(), ..content("Hi", "") };
    let err = render(&content, &crate::support::ann()).unwrap_err();
    assert_eq!(err.text, "From header: it contains a line break or another control character");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_people_write_the_headers_are_ours(
        name in "(\\PC|[\\x00-\\x1f\\x7f\\x80-\\x9f]|\r\n[A-Z]{1,3}: ?|\r\n\r\n|[\"<>,;:@\\\\=?]){0,30}",
        subject in "([a-zé字🎈]|[\\x00-\\x1f]|\r\n[A-Z]{1,3}: ?|\r\n\r\n|=\\?utf-8\\?|[\"<>, ]){0,60}",
        from in "[^\\x00-\\x1f\\x7f-\\x9f\"<>]{0,20}",
    ) {
        let from = format!("{from} <news@acme.example>");
        let subject = subject.replace('{', "");
        let content = Content { from, ..content(&subject, "<p>{{ subscriber.name }}</p>") };
        let message = render(&content, &subscriber("eve@example.org", &name, "{}")).unwrap();
        prop_assert_eq!(header_names(&message), EXPECTED);
        prop_assert!(lines_are_sound(&message));
        let parsed = parse(&message);
        prop_assert_eq!(parsed.to().unwrap().iter().count(), 1);
        prop_assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("eve@example.org"));
        prop_assert_eq!(parsed.from().unwrap().first().unwrap().address(), Some("news@acme.example"));
    }

    #[test]
    fn long_words_are_folded(subject in "[a-z]{900,2000}|(字{300,900})", html in "[a-z]{1000,3000}|é{600,2000}") {
        let message = render(&content(&subject, &html), &subscriber("eve@example.org", &subject, "{}")).unwrap();
        prop_assert!(lines_are_sound(&message));
        let parsed = parse(&message);
        prop_assert_eq!(parsed.subject().unwrap(), subject);
        let part = parsed.body_html(0).unwrap();
        prop_assert_eq!(part.trim_end(), html);
    }
}
