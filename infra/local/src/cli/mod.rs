//! The command line.
//!
//! Exit status: 0 the campaign finished with nobody failed or in doubt, or every promise held in a soak; 1 it
//! ended otherwise (the table says how); 2 the arguments or the input are wrong.

mod args;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use fanmail_runtime::Chain;
use tokio::runtime::Builder;

use crate::functions::{Function, end_with_parent};
use crate::send::{self, Interrupts, SendError, SendOptions};
use crate::soak::{self, SoakError, SoakOptions};
use crate::stack::{FunctionProgram, Stack, StackConfig, Storage};
use args::{Cli, Command, SendArgs, SoakArgs, UpArgs};

const WRONG_INPUT: u8 = 2;
const NOT_ALL: u8 = 1;

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    let mut runtime = match command {
        Command::Send(_) | Command::Up(_) | Command::Soak(_) => Builder::new_multi_thread(),
        // As the function's own `main`: one invocation at a time needs no other thread.
        Command::Function { .. } => Builder::new_current_thread(),
    };
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(carry_out(command)),
        Err(error) => {
            eprintln!("fanmail: no runtime could be started: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(command: Command) -> ExitCode {
    let done = match command {
        Command::Send(args) => send(*args).await,
        Command::Up(args) => up(args).await,
        Command::Soak(args) => {
            return soak(args).await.unwrap_or_else(|error| failed(&error, error.is_wrong_input()));
        }
        Command::Function { name } => function(name).await,
    };
    done.unwrap_or_else(|error| failed(&error, error.is_wrong_input()))
}

fn failed(error: &dyn std::error::Error, wrong_input: bool) -> ExitCode {
    eprintln!("fanmail: {}", Chain(error));
    ExitCode::from(if wrong_input { WRONG_INPUT } else { NOT_ALL })
}

async fn send(args: SendArgs) -> Result<ExitCode, SendError> {
    let program = own_program()?;
    let summary = send::run(SendOptions::from(args), program).await?;
    print!("{summary}");
    Ok(if summary.is_success() { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

async fn up(args: UpArgs) -> Result<ExitCode, SendError> {
    let interrupts = Interrupts::listen().map_err(SendError::Signal)?;
    send::probe(args.smtp.as_deref()).await?;
    let config = StackConfig {
        storage: args.data_dir.map_or(Storage::Memory, Storage::Folder),
        concurrency: args.concurrency,
        api_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        provider: send::provider(args.smtp.as_deref())?,
        ..StackConfig::new(own_program()?)
    };
    let patience = config.timeout;
    let stack = Stack::start(config).await?;
    println!("HTTP API    {}/api", stack.api_url());
    println!("Lambda API  {}", stack.lambda_url());
    if let Some(url) = stack.inbox_url() {
        println!("Inbox       {url}");
    }
    println!("Ctrl-C stops it.");
    interrupts.first().await;
    eprintln!("stopping: finishing what is under way; Ctrl-C again stops at once");
    tokio::select! {
        () = stack.stop_within(patience) => {}
        () = interrupts.second() => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn soak(args: SoakArgs) -> Result<ExitCode, SoakError> {
    let report = soak::run(SoakOptions::from(args), own_program()?).await?;
    print!("{report}");
    Ok(if report.held { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

async fn function(function: Function) -> Result<ExitCode, SendError> {
    end_with_parent();
    match function.run().await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("fanmail function {}: {error}", function.name());
            Ok(ExitCode::FAILURE)
        }
    }
}

/// This program, which becomes any of the functions.
fn own_program() -> Result<FunctionProgram, SendError> {
    let path = std::env::current_exe().map_err(SendError::OwnProgram)?;
    Ok(FunctionProgram { path, args: vec!["function".to_owned()] })
}
