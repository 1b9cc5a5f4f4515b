//! One function of the stack under test, as a process of its own.
//!
//! Before it becomes the function it starts itself again in place (the pid stays), with its name and pid in
//! the path of DynamoDB's address: so the proxy of the harness knows whose request it holds, and whom to kill.
//!
//! With `--orphan` a sender becomes the function in a child and waits. A Lambda host that kills it at its time-out
//! then leaves the child behind: a process that everybody takes for dead and that still works.

// The futures of all functions together are one deep type.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::ValueEnum;
use fanmail::functions::Function;

const DYNAMODB: &str = "AWS_ENDPOINT_URL_DYNAMODB";
/// Set in the environment of a process that is to have a session of its own.
const SESSION: &str = "STACK_FUNCTION_SESSION";
/// Set in the environment of a process that knows its own pid.
const TAGGED: &str = "STACK_FUNCTION_TAGGED";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = args.last() else { return failed("no function was named") };
    let orphan = name == "sender" && args.iter().any(|arg| arg == "--orphan");
    match std::env::var(TAGGED) {
        Ok(_) => run(name),
        Err(_) if orphan => in_a_child(name),
        Err(_) => {
            leave_the_session();
            in_place(name)
        }
    }
}

/// A stopped process whose group loses its last parent is woken and hung up on (POSIX, 3.260: orphaned process
/// group), unless it has a session of its own.
fn leave_the_session() {
    if std::env::var(SESSION).is_ok()
        && let Err(error) = rustix::process::setsid()
    {
        eprintln!("stack-function: no session of my own: {error}");
    }
}

fn in_place(name: &str) -> ExitCode {
    let Ok(url) = std::env::var(DYNAMODB) else { return failed("no address of DynamoDB") };
    let Ok(program) = std::env::current_exe() else { return failed("no path of my own") };
    let url = format!("{url}/{name}/{}", std::process::id());
    let error = Command::new(program).arg(name).env(TAGGED, "yes").env(DYNAMODB, url).exec();
    failed(&format!("cannot start myself again: {error}"))
}

fn in_a_child(name: &str) -> ExitCode {
    let Ok(program) = std::env::current_exe() else { return failed("no path of my own") };
    match Command::new(program).arg(name).env(SESSION, "yes").status() {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("cannot start a child: {error}")),
    }
}

fn run(name: &str) -> ExitCode {
    let Ok(function) = Function::from_str(name, false) else { return failed("there is no such function") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(function.run()));
    ended.map_or_else(|error| failed(&error.to_string()), |()| ExitCode::SUCCESS)
}

fn failed(why: &str) -> ExitCode {
    eprintln!("stack-function: {why}");
    ExitCode::FAILURE
}
