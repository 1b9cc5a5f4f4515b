//! The example campaign: its template with the people of its list.

use crate::support::{content, parse, render, subscriber};

const WELCOME: &str = include_str!("../../../../examples/welcome.html");

const TEXT: &str = "\
LARKFIELD

Welcome, Ann.

Thank you for joining Larkfield, the shared notebook for people who plan things together. We are glad to have \
another reader in Ghent. Your notebook is open, and nothing in it is public until you say so.

Your business plan for Lee & Sons includes single sign-on, an audit log and a person to call. She will write to \
you this week and ask when it suits you.

Three steps to begin with

- Write a first page. A list will do: what to pack, whom to ask, what to cook.
- Share it with one person. They need no account to read along or to leave a comment.
- Put a date on something. Larkfield reminds both of you the evening before, and only once.

Open your notebook (https://app.example.com/start)

What is yours stays yours

Everything you write can be taken out again (https://example.com/export) as plain files, at any time and on any \
plan. We show no advertisements, and what you delete is gone from our backups after thirty days.

If you get stuck

The short guide (https://example.com/guide) answers most questions in a minute or two. For all others, reply to \
this mail: a person reads it, as a rule within one working day.

What you will hear from us

- Reminders that you set yourself.
- A letter on the first Tuesday of the month: read the last one (https://example.com/letters).
- Nothing else, unless something breaks.

Have a good start,
Ines and the people of Larkfield

This mail went to ann@example.org because you signed up on 2026-05-01. It is part of “June”.

Unsubscribe (LINK) with one click, or choose what we send you (https://app.example.com/preferences).

Larkfield Example Ltd, 12 Harbour Lane, 00000 Exampletown";

#[test]
fn the_welcome_mail_reads_well_as_text() {
    let attribs = r#"{"city": "Ghent", "plan": "business", "company": {"name": "Lee & Sons"}, "signed_up": "2026-05-01"}"#;
    let ann = subscriber("ann@example.org", "Ann Lee", attribs);
    let message = render(&content("Welcome, {{ subscriber.first_name }}", WELCOME), &ann).unwrap();
    let parsed = parse(&message);
    let link = format!("https://mail.acme.example/unsubscribe/12/{}/", ann.id);
    let text = parsed.body_text(0).unwrap();
    let (start, rest) = text.split_once(&link).unwrap();
    assert_eq!(format!("{start}LINK{}", &rest[32..]).replace("\r\n", "\n"), TEXT);
    let html = parsed.body_html(0).unwrap();
    assert!(html.contains("<title>Welcome, Ann</title>") && html.contains("for Lee &amp; Sons includes"));
}

#[test]
fn the_welcome_mail_does_without_every_attribute() {
    for (name, attribs) in
        [("", "{}"), ("Ann", r#"{"plan": "team"}"#), ("Ann", r#"{"plan": "business", "company": {}}"#)]
    {
        let message =
            render(&content("Welcome", WELCOME), &subscriber("ann@example.org", name, attribs)).unwrap();
        let parsed = parse(&message);
        let text = parsed.body_text(0).unwrap();
        assert!(!text.contains("\r\n\r\n\r\n") && !text.contains("  "), "{text}");
    }
}
