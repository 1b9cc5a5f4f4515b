//! What a person sees before anybody is written to.

use fanmail_domain::{BatchId, Content, Extras, LaneNo};
use fanmail_engine::ports::Recipient;
use fanmail_mailer::{Renderer, UnsubscribeLinks, Warning, warnings};

use crate::support::{NOW, ann, content, key, subscriber};

fn renderer() -> Renderer {
    Renderer::new(UnsubscribeLinks::new("https://mail.acme.example", key()).unwrap(), || NOW)
}

#[test]
fn a_preview_shows_the_texts_and_the_headers() {
    let subject = "Grüße, {{ subscriber.first_name }}\n";
    let content =
        content(subject, "<p>Dear {{ subscriber.name }} <a href='{{ unsubscribe_url }}'>Stop</a></p>");
    let batch = BatchId { campaign: content.campaign, lane: LaneNo(3), seq: 4 };
    let (ann, renderer) = (ann(), renderer());
    let to = Recipient { subscriber: &ann, batch, position: 5 };
    let (preview, message) =
        (renderer.preview(&content, to).unwrap(), renderer.render(&content, to).unwrap());
    assert_eq!(preview.subject, "Grüße, Ann");
    assert!(preview.html.starts_with("<p>Dear Ann Lee <a href='https://mail.acme.example/unsubscribe/12/"));
    assert!(preview.text.starts_with("Dear Ann Lee Stop (https://"));
    assert_eq!(preview.size, message.message.size());
    assert_eq!(preview.warnings, []);
    let header = |wanted: &str| {
        preview.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    };
    assert_eq!(header("To"), Some("Ann Lee <ann@example.org>"));
    assert_eq!(header("Subject"), Some("=?utf-8?q?Gr=C3=BC=C3=9Fe=2C_Ann?="));
    assert_eq!(header("Content-Type"), Some("multipart/alternative; boundary=\"=_a.12.1\""));
    assert!(!format!("{preview:?}").contains("Ann"));
}

#[test]
fn a_preview_fails_with_the_sentence_that_the_send_would_have() {
    let content = content("Hi", "{{ subscriber.attribs.city }}");
    let batch = BatchId { campaign: content.campaign, lane: LaneNo(3), seq: 4 };
    let bob = subscriber("bob@example.org", "", "{}");
    let to = Recipient { subscriber: &bob, batch, position: 5 };
    let (preview, message) = (renderer().preview(&content, to), renderer().render(&content, to));
    let text = preview.unwrap_err().text;
    assert_eq!(text, "HTML part, line 1: undefined value in `subscriber.attribs.city`");
    assert_eq!(message.unwrap_err().text, text);
}

#[test]
fn what_looks_bad_is_said() {
    let html = format!("<img src=a><img src=b alt=''>{}", "x".repeat(102 * 1024));
    let bad = content(&"s".repeat(121), &html);
    assert_eq!(
        warnings(&bad),
        [
            Warning::LargeHtml { bytes: html.len() },
            Warning::NoUnsubscribeLink,
            Warning::LongSubject { characters: 121 },
            Warning::ImagesWithoutAlt { images: 1 },
        ]
    );
    let said: Vec<String> = warnings(&bad).iter().map(ToString::to_string).collect();
    assert!(said[0].contains("Gmail clips") && said[3] == "1 images have no alt text", "{said:?}");
    let fine = Content {
        text: Some("{{ unsubscribe_url }}".into()),
        ..content(&"s".repeat(120), &html[..102 * 1024])
    };
    assert_eq!(warnings(&fine), [Warning::ImagesWithoutAlt { images: 1 }]);
    let receipt =
        Content { extras: Extras { transactional: true, ..Extras::default() }, ..content("Hi", "<p>x</p>") };
    assert_eq!(warnings(&receipt), []);
}
