//! Runs what `sam build` built: `try-bootstraps .aws-sam/build`.
//!
//! Each `bootstrap` starts as a process over the Lambda Runtime API, as on AWS, with the stack of one machine around
//! it (`fanmail::stack`), and answers an invocation of its own kind. Then a campaign goes through them to an inbox,
//! and everybody has to have got it. Exit status 0 if so, 1 if not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use fanmail::send::{self, SendOptions};
use fanmail::stack::{FunctionProgram, Stack, StackConfig};

/// People on the list of the campaign: some batches, in some lanes.
const PEOPLE: u64 = 300;
/// What becomes a function: the folder that `sam build` made for it has the function's logical name.
const BECOME: &str = r#"exec "$0/${1^}Function/bootstrap""#;
/// An event of each function's kind that there is nothing to do for.
const EVENTS: [(&str, &str); 5] = [
    (
        "api",
        r#"{"version":"2.0","routeKey":"GET /api/health","rawPath":"/api/health","rawQueryString":"","headers":{},
        "requestContext":{"http":{"method":"GET","path":"/api/health"},"stage":"$default"},"isBase64Encoded":false}"#,
    ),
    ("start", r#"{"Records":[]}"#),
    ("sender", r#"{"Records":[]}"#),
    ("feedback", r#"{"Records":[]}"#),
    ("sweeper", "{}"),
];

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(built) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("try-bootstraps: name the folder that `sam build` made: .aws-sam/build");
        return ExitCode::from(2);
    };
    match try_all(&built).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("try-bootstraps: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn try_all(built: &Path) -> Result<(), Error> {
    let path =
        built.canonicalize()?.into_os_string().into_string().map_err(|_| "the folder's name is not UTF-8")?;
    let program =
        FunctionProgram { path: "/bin/bash".into(), args: vec!["-c".to_owned(), BECOME.to_owned(), path] };
    invoke_each(program.clone()).await?;
    send_campaign(program).await
}

/// Has each function answer once.
async fn invoke_each(program: FunctionProgram) -> Result<(), Error> {
    let stack = Stack::start(StackConfig::new(program)).await?;
    let mut outcome = Ok(());
    for (function, event) in EVENTS {
        match stack.host.invoke(function, event.into()).await {
            Ok(answer) => println!("{function} answers {}", String::from_utf8_lossy(&answer)),
            Err(error) => outcome = Err(format!("{function} does not answer: {error}").into()),
        }
    }
    stack.stop().await;
    outcome
}

/// Sends a campaign through them.
async fn send_campaign(program: FunctionProgram) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let (list, template) = (folder.path().join("people.csv"), folder.path().join("campaign.html"));
    std::fs::write(&list, people())?;
    std::fs::write(
        &template,
        "<p>Hello {{ subscriber.first_name }}, <a href=\"{{ unsubscribe_url }}\">leave</a></p>",
    )?;
    let summary = send::run(options(list, template, folder.path().join("out")), program).await?;
    match summary.caught {
        Some((PEOPLE, PEOPLE)) if summary.is_success() => {
            println!("a campaign is {}, and {PEOPLE} people got one message each", summary.campaign.status);
            Ok(())
        }
        caught => Err(format!("the inbox has {caught:?} messages and people instead of {PEOPLE}").into()),
    }
}

fn people() -> String {
    (0..PEOPLE).fold("email,name\n".to_owned(), |mut list, no| {
        // Writing into a String does not fail.
        let _ = writeln!(list, "person{no}@example.com,Person {no}");
        list
    })
}

fn options(list: PathBuf, template: PathBuf, out: PathBuf) -> SendOptions {
    SendOptions {
        list,
        template,
        text: None,
        subject: "Hello".to_owned(),
        from: "News <news@example.com>".to_owned(),
        name: None,
        smtp: None,
        concurrency: 2,
        rate: 1_000,
        batch_size: 50,
        max_conns: 4,
        data_dir: None,
        out,
        report: None,
        browse: false,
    }
}
