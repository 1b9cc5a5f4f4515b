//! What is wrong with the input is said in one sentence, and nothing is half done.

use std::fs;

use crate::scene::{Done, Scene, send};

/// The command is refused with exactly this sentence; no file, folder or process came of it.
async fn refused(scene: &Scene, args: &[&str], sentence: &str) {
    let before = scene.names();
    let done = scene.run(args).await.exits(2);
    assert_eq!((done.stderr.as_str(), done.stdout.as_str()), (&*format!("fanmail: {sentence}\n"), ""));
    assert_eq!(scene.names(), before, "something was made");
    scene.is_quiet().await;
}

/// `send` is refused with exactly this sentence.
async fn send_refused(scene: &Scene, more: &[&str], sentence: &str) {
    refused(scene, &send(more), sentence).await;
}

/// `send` with one of its arguments replaced.
fn with<'a>(option: &str, value: &'a str) -> Vec<&'a str> {
    let mut args = send(&[]);
    let at = args.iter().position(|arg| *arg == option).unwrap();
    args[at + 1] = value;
    args
}

#[tokio::test]
async fn a_list_that_cannot_be_used() {
    let scene = Scene::new(1);
    let list = |file| with("--list", file);
    let missing = "cannot read none.csv: No such file or directory (os error 2)";
    refused(&scene, &list("none.csv"), missing).await;

    scene.write("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01,\n\0");
    let binary = "it is no CSV file in UTF-8; a spreadsheet can be saved as one";
    refused(&scene, &list("photo.jpg"), &format!("photo.jpg cannot be used as a list: {binary}")).await;

    scene.write("names.csv", "name,age\nAnn,7\n");
    let no_email = "its first line has to name the columns, and `email` is not among them";
    refused(&scene, &list("names.csv"), &format!("names.csv cannot be used as a list: {no_email}")).await;

    scene.write("semi.csv", "email;name\nann@example.org;Ann\n");
    let commas = "semi.csv cannot be used as a list: its columns have to be separated by commas";
    refused(&scene, &list("semi.csv"), commas).await;

    scene.write("bad.csv", "email\n\nann\nbob@\n");
    let nobody = "nobody in bad.csv can be written to: none of its 2 rows can be used, line 3 because the \
                  address needs exactly one @";
    refused(&scene, &list("bad.csv"), nobody).await;

    scene.write("empty.csv", "email\n");
    let empty = "nobody in empty.csv can be written to: it has no row after its first line";
    refused(&scene, &list("empty.csv"), empty).await;
}

#[tokio::test]
async fn a_template_that_cannot_be_used() {
    let scene = Scene::new(1);
    let missing = "cannot read none.html: No such file or directory (os error 2)";
    refused(&scene, &with("--template", "none.html"), missing).await;

    scene.write("mail.html", "<p>Hello</p>\n<p>{{ subscriber.name </p>\n");
    let syntax = "mail.html, line 2: unexpected character, expected end of variable block";
    let done = scene.send(&[]).await.exits(2);
    assert!(done.stderr.starts_with("fanmail: mail.html, line 2: "), "not {syntax}: {done:#?}");

    scene.write("mail.html", "<p>{{ subscriber.nmae }}</p>");
    let known = "there are subscriber.id, .email, .name, .first_name, .last_name, .attribs.*, campaign.id, .name, \
                 .subject (not in the subject itself) and unsubscribe_url";
    let unknown = format!("mail.html: there is no variable subscriber.nmae; {known}");
    send_refused(&scene, &[], &unknown).await;

    scene.write("mail.html", "<p>{{ subscriber.name | loud }}</p>");
    send_refused(&scene, &[], "mail.html: there is no filter loud").await;
}

#[tokio::test]
async fn a_header_that_cannot_be_used() {
    let scene = Scene::new(1);
    let like = "it has to look like \"Acme News <news@acme.example>\"";
    let no_address = format!("--from: the address needs exactly one @; {like}");
    refused(&scene, &with("--from", "Acme News"), &no_address).await;

    let line_break = "it contains a line break or another control character";
    let from = with("--from", "news@acme.example\r\nBcc: all@example.org");
    refused(&scene, &from, &format!("--from: {line_break}; {like}")).await;
    refused(&scene, &with("--subject", "Hello\nBcc: x@y.example"), &format!("--subject: {line_break}")).await;

    let open = "--subject, line 1: unexpected end of input, expected expression";
    refused(&scene, &with("--subject", "Hello {{"), open).await;
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_found_before_sending() {
    let scene = Scene::new(1);
    let no_folder =
        "cannot write no/report.json, choose another with --report: No such file or directory (os error 2)";
    send_refused(&scene, &["--report", "no/report.json"], no_folder).await;
    let in_file = "cannot write list.csv/out, choose another with --out: Not a directory (os error 20)";
    send_refused(&scene, &["--out", "list.csv/out"], in_file).await;
}

#[tokio::test]
async fn a_setting_out_of_range() {
    let scene = Scene::new(1);
    for (option, value, range) in [
        ("--rate", "0", "1..=100000"),
        ("--batch-size", "101", "1..=100"),
        ("--concurrency", "0", "1..=100"),
        ("--max-conns", "0", "1..="),
    ] {
        let done = scene.send(&[option, value]).await.exits(2);
        let sentence =
            format!("error: invalid value '{value}' for '{option} <N>': {value} is not in {range}");
        assert!(done.stderr.starts_with(&sentence), "{done:#?}");
        assert_eq!(scene.names(), ["list.csv", "mail.html", "tmp"]);
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_used() {
    let scene = Scene::new(1);
    fs::create_dir(scene.path("old")).unwrap();
    scene.write("old/VERSION", "0");
    let version = "old holds data of version 0, and this fanmail reads version 3: use the fanmail that wrote it, \
                   or another --data-dir";
    send_refused(&scene, &["--data-dir", "old"], version).await;

    fs::create_dir(scene.path("photos")).unwrap();
    scene.write("photos/cat.jpg", "");
    let foreign = "photos holds files that are not fanmail's: choose an empty or new folder for --data-dir";
    send_refused(&scene, &["--data-dir", "photos"], foreign).await;
    refused(&scene, &["up", "--port", "0", "--data-dir", "photos"], foreign).await;
    assert_eq!(fs::read_dir(scene.path("photos")).unwrap().count(), 1, "something was written into it");

    let file = "cannot write list.csv, choose another with --data-dir: File exists (os error 17)";
    send_refused(&scene, &["--data-dir", "list.csv"], file).await;
}

#[tokio::test]
async fn without_arguments_the_command_explains_itself() {
    let scene = Scene::new(0);
    let none: Done = scene.run(&[]).await.exits(2);
    assert!(none.stderr.contains("Usage: fanmail <COMMAND>") && none.stderr.contains("Example"), "{none:#?}");
    let help = scene.run(&["send", "--help"]).await.exits(0);
    for word in ["Exit status", "Ctrl-C pauses", "fanmail send --list examples/subscribers.csv", "--data-dir"]
    {
        assert!(help.stdout.contains(word), "{word} is not in {}", help.stdout);
    }
    let missing = scene.run(&["send"]).await.exits(2);
    assert!(missing.stderr.contains("--list <FILE>") && missing.stderr.contains("--help"), "{missing:#?}");
}
