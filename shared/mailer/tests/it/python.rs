//! Messages read by Python's `email` package, which says what it does not like.

use std::path::Path;
use std::process::Command;

use fanmail_domain::{Attachment, Content, Extras, Header};
use serde_json::{Value, json};

use crate::support::{content, render, subscriber};

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/read.py");

/// A message, and what Python should find in it.
struct Sample {
    content: Content,
    name: &'static str,
    expected: Value,
}

fn sample(subject: &str, name: &'static str, html: &str, plain: &str) -> Sample {
    let expected = json!({
        "shape": ["alternative", "text/plain", "text/html"],
        "subject": subject,
        "from": ["Acme News", "news@acme.example"],
        "to": [name, "ann@example.org"],
        "headers": {},
        "plain": plain,
        "html": html.replace("{{ subscriber.name }}", name),
        "files": [],
    });
    Sample { content: content(subject, html), name, expected }
}

fn file(name: &str, content_id: Option<&str>, len: usize) -> Attachment {
    let content_id = content_id.map(str::to_owned);
    Attachment { name: name.into(), content_type: "image/png".into(), content_id, base64: "aGk+".repeat(len) }
}

fn with_files(mut sample: Sample, files: &[Attachment], shape: Value) -> Sample {
    sample.content.extras.attachments = files.to_vec();
    sample.expected["shape"] = shape;
    let (mut inline, mut attached) = (Vec::new(), Vec::new());
    for file in files {
        match &file.content_id {
            Some(id) => inline.push(json!([file.name, "inline", format!("<{id}>"), file.base64])),
            None => attached.push(json!([file.name, "attachment", null, file.base64])),
        }
    }
    inline.extend(attached);
    sample.expected["files"] = inline.into();
    sample
}

/// Names fit into one encoded word: Python keeps the space between two of them in names (issue
/// 128110 of its tracker).
fn scripts() -> Vec<Sample> {
    let long = "A subject that is a good deal longer than one line of a header may be, with 100 % plain words = yes?";
    vec![
        sample("Hi", "Ann Lee", "<p>Hi {{ subscriber.name }}</p>", "Hi Ann Lee"),
        sample(long, "Lee, Ann \"Annie\" (Ms)", "<p>a = b</p>\n.\n..\n<p>x </p>", "a = b\n\n. ..\n\nx"),
        sample(
            "Grüße — und “mehr”",
            "Zoë Müller-Lüdenscheidt",
            "ü {{ subscriber.name }}",
            "ü Zoë Müller-Lüdenscheidt",
        ),
        sample(
            "Добро пожаловать в наш блокнот, он совсем новый и ждёт вас",
            "Анна Каренина",
            "<p>Добро пожаловать</p>",
            "Добро пожаловать",
        ),
        sample(
            "ようこそ、新しいノートへ。三つの小さな手順があります。",
            "山田 花子",
            "<p>ようこそ</p>",
            "ようこそ",
        ),
        sample("🎉🎈 100 % off = yes?", "👩‍👩‍👧 Family", "🎉{{ subscriber.name }}", "🎉👩‍👩‍👧 Family"),
        sample("=?utf-8?q?no?=", "=?utf-8?q?no?= x", "=?", "=?"),
        sample(&"x".repeat(300), "y", &"z".repeat(3000), &"z".repeat(3000)),
    ]
}

fn with_extras() -> Vec<Sample> {
    let base = || sample("Hi", "Ann", "<img alt='' src=\"cid:logo@acme\">a", "a");
    let (logo, pdf) = (
        file("logo.png", Some("logo@acme"), 500),
        file("Rechnung für Ännchen, die Größte von allen – 2026.pdf", None, 30),
    );
    let (alternative, plain, html) = ("alternative", "text/plain", "text/html");
    let related = json!([alternative, plain, ["related", html, "image/png"]]);
    let image = with_files(base(), std::slice::from_ref(&logo), related.clone());
    let both = with_files(base(), &[pdf.clone(), logo], json!(["mixed", related, "image/png"]));
    let attached = sample("Hi", "Ann", "a", "a");
    let attached = with_files(
        attached,
        &[pdf, file("a.txt", None, 0)],
        json!(["mixed", [alternative, plain, html], "image/png", "image/png"]),
    );
    let mut headers = sample("Hi", "Ann", "a", "a");
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let given = vec![
        header("Reply-To", "Ümit <help@acme.example>"),
        header("X-Tag", "größer\r\nX-No: als"),
        header("X-Long", &"word ".repeat(60)),
    ];
    headers.content.extras = Extras { transactional: true, headers: given, attachments: Vec::new() };
    headers.expected["headers"] = json!({
        "Reply-To": "Ümit <help@acme.example>",
        "X-Tag": "größer X-No: als",
        "X-Long": "word ".repeat(60).trim_end(),
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": null,
        "List-Id": null,
        "X-No": null,
        "Feedback-ID": "12:1:transactional:fanmail",
    });
    vec![image, both, attached, headers]
}

fn write(folder: &Path, number: usize, sample: &Sample) {
    let message = render(&sample.content, &subscriber("ann@example.org", sample.name, "{}")).unwrap();
    std::fs::write(folder.join(format!("{number}.eml")), message.message.text()).unwrap();
    std::fs::write(folder.join(format!("{number}.json")), sample.expected.to_string()).unwrap();
}

#[test]
fn python_reads_every_message_as_it_was_meant_and_finds_no_defect() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<Sample> = scripts().into_iter().chain(with_extras()).collect();
    samples.iter().enumerate().for_each(|(number, sample)| write(folder.path(), number, sample));
    let output = Command::new("python3").arg(READER).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), samples.len().to_string());
}
