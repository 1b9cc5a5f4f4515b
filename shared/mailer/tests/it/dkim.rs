//! Signed messages, verified by an implementation that is not ours.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use fanmail_mailer::{Dkim, DkimError, DkimKey, Outgoing};

use crate::support::{NOW, Void, ann, content, parse, postman, render, render_with};

const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa-pkcs1.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");

/// What DNS says.
const RECORDS: [&str; 4] = [
    "rsa2026._domainkey.acme.example",
    include_str!("keys/rsa.txt"),
    "ed2026._domainkey.acme.example",
    include_str!("keys/ed25519.txt"),
];

fn key(selector: &str, pem: &str) -> DkimKey {
    DkimKey { domain: "Acme.example".into(), selector: selector.into(), pem: pem.into() }
}

fn both() -> Dkim {
    Dkim::new(vec![key("rsa2026", RSA), key("ed2026", ED25519)]).unwrap()
}

/// A Python that has dkimpy: the machine's, or one of its own within the target folder.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let has_it = |python: &Path| {
            Command::new(python)
                .args(["-c", "import dkim, nacl"])
                .output()
                .is_ok_and(|it| it.status.success())
        };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dkimpy");
        let own = folder.join("bin/python");
        if has_it(Path::new("python3")) {
            return "python3".into();
        }
        if !has_it(&own) {
            done(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            let packages = ["dkimpy==1.1.8", "pynacl==1.6.2"];
            done(Command::new(&own).args(["-m", "pip", "install", "--quiet"]).args(packages));
        }
        own
    })
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let hint = "these tests need python3 with dkimpy and pynacl (Debian: python3-dkim, python3-nacl)";
    assert!(output.status.success(), "{hint}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What Python's dkimpy says of the signatures of each message.
fn verified<M: AsRef<[u8]>>(messages: &[M]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/dkim_verify.py");
    let mut python = Command::new(python());
    python.arg(script).args(RECORDS).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let input: Vec<_> = messages.iter().map(AsRef::as_ref).collect();
    child.stdin.take().unwrap().write_all(&input.join(&0)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn signed(message: &[u8]) -> Vec<u8> {
    [both().sign(message, NOW).unwrap().as_bytes(), message].concat()
}

fn letter() -> Outgoing {
    let content = content("Grüße, {{ subscriber.name }}", "<p>.dot<br>  two  blanks \t <b>ü</b></p>");
    render_with(&postman(Void).with_dkim(both()), &content, &ann()).unwrap()
}

#[test]
fn every_message_is_signed_with_every_key() {
    let text = letter().message.text().into_owned();
    assert_eq!(verified(&[&text]), ["good good"], "{}", String::from_utf8_lossy(&text));
}

#[test]
fn nothing_that_is_signed_can_be_changed() {
    let text = String::from_utf8(letter().message.text().into_owned()).unwrap();
    let changes = [
        ("\r\nTo: ", "\r\nTo: x"),
        ("\r\nSubject: ", "\r\nSubject: x"),
        ("\r\nList-Unsubscribe: <h", "\r\nList-Unsubscribe: <x"),
        ("\r\nList-Unsubscribe-Post: ", "\r\nList-Unsubscribe-Post: x"),
        ("\r\nMessage-ID: <", "\r\nMessage-ID: <x"),
        ("\r\nList-Id: ", "\r\nList-Id: x"),
        ("two", "too"),
        ("\r\nFrom: ", "\r\nFrom: Mallory <m@evil.example>\r\nFrom: "),
        ("\r\nTo: ", "\r\nFrom: Mallory <m@evil.example>\r\nTo: "),
    ];
    let changed = changes.map(|(from, to)| text.replacen(from, to, 1));
    let missed: Vec<_> = changes.iter().zip(&changed).filter(|(_, changed)| **changed == text).collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(verified(&changed), changes.map(|_| "bad bad"));
}

#[test]
fn what_relays_do_to_white_space_breaks_nothing() {
    let text = String::from_utf8(letter().message.text().into_owned()).unwrap();
    let refolded = text.replacen("\r\nSubject: ", "\r\nsubject:\r\n\t", 1) + "\r\n\r\n";
    assert_eq!(verified(&[refolded]), ["good good"]);
}

#[test]
fn odd_messages_are_signed_as_well() {
    let messages = [
        "From: a@acme.example\r\n\r\n",
        "From: a@acme.example\r\n\r\nno end",
        "from: a@acme.example\r\nTo: b@c.example\r\nTo: d@e.example\r\n\r\n  \r\n a  b \t\r\n\r\n\r\n",
        "From: a@acme.example\r\nSubject: a\r\n\t b\r\n  c\r\nReply-To: x@y.example\r\nFeedback-ID: 1:2\r\n\r\n.\r\n",
        "From: a@acme.example\nTo: b@c.example\n\nlines\nof another kind\n",
    ];
    let signed = messages.map(|message| signed(message.as_bytes()));
    assert_eq!(verified(&signed), messages.map(|_| "good good"));
}

#[test]
fn the_second_of_two_headers_is_signed_too() {
    let text = signed(b"From: a@acme.example\r\nTo: b@c.example\r\nTo: d@e.example\r\n\r\nx\r\n");
    let text = String::from_utf8(text).unwrap();
    let [first, second] = [("b@c", "x@c"), ("d@e", "x@e")].map(|(from, to)| text.replacen(from, to, 1));
    assert_eq!(verified(&[text, first, second]), ["good good", "bad bad", "bad bad"]);
}

#[test]
fn both_forms_of_an_rsa_key_are_the_same_key() {
    let sign =
        |pem| Dkim::new(vec![key("rsa2026", pem)]).unwrap().sign(b"From: a@acme.example\r\n\r\nx", NOW);
    assert_eq!(sign(RSA).unwrap(), sign(RSA_PKCS1).unwrap());
}

#[test]
fn a_signature_stands_before_a_message_that_is_otherwise_the_same() {
    let content = content("Hi", "<p>x");
    let plain = render(&content, &ann()).unwrap();
    let signed = fanmail_mailer::signed(&plain, &both(), NOW).unwrap();

    assert!(signed.message.text().ends_with(&plain.message.text()));
    assert_eq!((signed.message.envelope(), signed.place), (plain.message.envelope(), plain.place));
    let header = parse(&signed).header_raw("DKIM-Signature").unwrap().to_owned();
    assert!(header.contains("h=From:From:To:"), "a second From could be added: {header}");
    assert!(header.contains("d=acme.example;") && header.contains("t=1782806706;"), "{header}");
    assert!(header.lines().all(|line| line.len() <= 78), "{header}");
}

#[test]
fn a_key_that_is_none_is_refused_without_being_repeated() {
    let broken = RSA.replace("\nMII", "\nAAA");
    for (pem, expected) in [
        ("", DkimError::Pem("s".into())),
        ("geheim", DkimError::Pem("s".into())),
        (broken.as_str(), DkimError::Kind("s".into())),
        (include_str!("keys/short.pem"), DkimError::Kind("s".into())),
        (include_str!("keys/ec.pem"), DkimError::Kind("s".into())),
    ] {
        let refused = Dkim::new(vec![key("s", pem)]).unwrap_err();
        assert_eq!(refused, expected);
        let said = format!("{refused} {refused:?}");
        assert!(pem.lines().filter(|line| !line.is_empty()).all(|line| !said.contains(line)), "{said}");
    }
    assert_eq!(Dkim::new(Vec::new()).unwrap_err(), DkimError::NoKey);
    assert_eq!(Dkim::new(vec![key("a b", RSA)]).unwrap_err(), DkimError::Name);
    assert_eq!(both().sign(b"To: a@b.example\r\n\r\nx", NOW), Err(DkimError::NoFrom));
}

#[test]
fn debug_shows_no_key() {
    let said = format!("{:?} {:?}", key("rsa2026", RSA), both());
    assert!(said.contains("rsa2026") && said.contains("ed2026"));
    assert!(RSA.lines().filter(|line| line.len() > 20).all(|line| !said.contains(line)), "{said}");
}
