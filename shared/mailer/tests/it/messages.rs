//! One message, read back.

use fanmail_domain::Content;
use fanmail_engine::ports::Mailer;

use crate::support::{
    CAMPAIGN, Void, ann, content, key, parse, postman, raw, render, render_with, subscriber,
};

#[test]
fn a_message_has_a_text_and_an_html_part_and_says_who_and_when() {
    let message =
        render(&content("Hi {{ subscriber.first_name }}", "<p>Dear {{ subscriber.name }}</p>"), &ann())
            .unwrap();
    let (parsed, id) = (parse(&message), ann().id);
    let (from, to) = (parsed.from().unwrap().first().unwrap(), parsed.to().unwrap().first().unwrap());
    assert_eq!((from.name(), from.address()), (Some("Acme News"), Some("news@acme.example")));
    assert_eq!((to.name(), to.address()), (Some("Ann Lee"), Some("ann@example.org")));
    assert_eq!(parsed.subject(), Some("Hi Ann"));
    assert_eq!(raw(&parsed, "Date"), "Tue, 30 Jun 2026 08:05:06 +0000");
    assert_eq!(raw(&parsed, "MIME-Version"), "1.0");
    assert_eq!(raw(&parsed, "Message-ID"), format!("<12.{id}@acme.example>"));
    assert_eq!(raw(&parsed, "List-Id"), "<campaigns.acme.example>");
    assert_eq!(raw(&parsed, "X-Fanmail-Recipient"), format!("12.3.4.5.{id}"));
    assert!(raw(&parsed, "Content-Type").starts_with("multipart/alternative;"));
    assert_eq!(parsed.body_text(0).as_deref(), Some("Dear Ann Lee"));
    assert_eq!(parsed.body_html(0).as_deref(), Some("<p>Dear Ann Lee</p>"));
    assert_eq!(
        parsed.part(1).unwrap().text_contents(),
        Some("Dear Ann Lee"),
        "plain text first (RFC 2046, 5.1.4)"
    );
    assert_eq!(
        (message.message.envelope().from(), message.message.envelope().to()),
        ("news@acme.example", "ann@example.org")
    );
}

#[test]
fn one_click_unsubscribes_the_recipient_and_nobody_else() {
    let message = render(&content("Hi", "<a href=\"{{ unsubscribe_url }}\">Stop</a>"), &ann()).unwrap();
    let parsed = parse(&message);
    let link = raw(&parsed, "List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    assert_eq!(raw(&parsed, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let token =
        link.strip_prefix(&format!("https://mail.acme.example/unsubscribe/12/{}/", ann().id)).unwrap();
    assert!(key().verifies(CAMPAIGN, ann().id, token));
    assert!(!key().verifies(CAMPAIGN, subscriber("bob@example.org", "", "{}").id, token));
    assert_eq!(parsed.body_html(0).unwrap(), format!("<a href=\"{link}\">Stop</a>"));
    assert_eq!(parsed.body_text(0).unwrap(), format!("Stop ({link})"));
}

#[test]
fn names_and_subjects_of_all_scripts_arrive() {
    for (name, subject) in [
        ("Zoë Müller-Lüdenscheidt", "Grüße — und “mehr”"),
        ("Анна Каренина", "Добро пожаловать в наш блокнот, он совсем новый и ждёт вас"),
        ("山田 花子", "ようこそ、新しいノートへ。三つの小さな手順があります。五分ほどかかります。"),
        ("محمد علي", "مرحبا بك"),
        ("אַנה", "ברוך הבא"),
        ("สมชาย ใจดี", "ยินดีต้อนรับ"),
        ("👩‍👩‍👧 Family", "🎉🎈 100 % off = yes?"),
        ("Lee, Ann \"Annie\" (Ms) <x@y>", "a = b?"),
        ("", "plain"),
    ] {
        let content = Content {
            from: format!("{} <news@acme.example>", name.replace(['"', '<', '>'], "")),
            ..content(subject, "<p>{{ subscriber.name }}</p>")
        };
        let message = render(&content, &subscriber("ann@example.org", name, "{}")).unwrap();
        let parsed = parse(&message);
        assert_eq!(parsed.subject(), Some(subject));
        assert_eq!(parsed.to().unwrap().first().unwrap().name().unwrap_or_default(), name);
        assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("ann@example.org"));
        assert_eq!(parsed.body_text(0).unwrap().trim_end(), name);
    }
}

#[test]
fn control_characters_do_not_reach_a_body() {
    let bob = subscriber("bob@example.org", "Bob\r.\rQUIT\0 \r\n.\r\nx", "{}");
    let message = render(&content("Hi", "a\r\n\tb\r\n{{ subscriber.name }}"), &bob).unwrap();
    let body = parse(&message).body_html(0).unwrap().replace("\r\n", "\n");
    assert_eq!(body, "a\n\tb\nBob . QUIT  \n.\nx");
}

#[test]
fn an_address_without_a_name_stands_alone() {
    let content = Content { from: "news@acme.example".into(), ..content("Hi", "") };
    let message = render(&content, &subscriber("ann@example.org", " \r\n ", "{}")).unwrap();
    assert_eq!(raw(&parse(&message), "To"), "<ann@example.org>");
    assert_eq!(raw(&parse(&message), "From"), "<news@acme.example>");
}

#[test]
fn making_a_message_twice_makes_the_same_headers() {
    let headers = || {
        let message = render(&content("Hi", "<p>x</p>"), &ann()).unwrap();
        let text = String::from_utf8(message.message.text().into_owned()).unwrap();
        text.split("Content-Type").next().unwrap().to_owned()
    };
    assert_eq!(headers(), headers());
}

#[test]
fn templates_are_compiled_once_for_a_whole_campaign() {
    let postman = postman(Void);
    let content = content("Hi", "<p>{{ subscriber.email }}</p>");
    for n in 0..50 {
        render_with(&postman, &content, &subscriber(&format!("s{n}@example.org"), "", "{}")).unwrap();
    }
    assert_eq!(postman.compilations(), 1);
    render_with(&postman, &Content { version: 2, ..content }, &ann()).unwrap();
    assert_eq!(postman.compilations(), 2);
}

#[test]
fn debug_shows_nobody() {
    let postman = postman(Void);
    let message = render_with(&postman, &content("Hi", ""), &ann()).unwrap();
    let text = format!("{message:?} {postman:?}");
    assert!(!text.contains("ann") && !text.contains("0123"), "{text}");
}

#[test]
fn the_mailer_can_be_shared_between_tasks() {
    fn shared<M: Mailer + Send + Sync + 'static>(_: &M) {}
    shared(&postman(Void));
}
