//! The command line.
//!
//! Exit status: 0 the campaign finished with nobody failed or in doubt, or every promise held in a soak; 1 it
//! ended otherwise (the table says how), or a token was not made, listed or taken back; 2 the arguments or the input are
//! wrong.

mod args;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use fanmail_runtime::Chain;
use tokio::runtime::Builder;

use crate::functions::{Function, end_with_parent};
use crate::send::{self, Interrupts, SendError, SendOptions};
use crate::soak::{self, SoakError, SoakOptions};
use crate::stack::{self, ApiAuth, FunctionProgram, Stack, StackConfig, Storage};
use crate::token::{self, TokenError};
use args::{Cli, Command, SendArgs, SoakArgs, TokenCommand, UpArgs};

const WRONG_INPUT: u8 = 2;
const NOT_ALL: u8 = 1;

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    let mut runtime = match command {
        Command::Send(_) | Command::Up(_) | Command::Soak(_) | Command::Token { .. } => {
            crate::runtime::builder()
        }
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
        Command::Token { what } => {
            return token(what).await.unwrap_or_else(|error| failed(&error, error.is_wrong_input()));
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
    let defaults = StackConfig::new(own_program()?);
    let config = StackConfig {
        storage: args.data_dir.map_or(Storage::Memory, Storage::Folder),
        concurrency: args.concurrency.unwrap_or(defaults.concurrency),
        keep_concurrency: args.concurrency.is_none(),
        api_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        api_auth: if args.tokens { ApiAuth::Tokens } else { ApiAuth::Open },
        provider: send::provider(args.smtp.as_deref())?,
        ..defaults
    };
    let (patience, auth) = (config.timeout, config.api_auth);
    let stack = Stack::start(config).await?;
    println!("HTTP API    {}/api", stack.api_url());
    println!("Lambda API  {}", stack.lambda_url());
    if let Some(url) = stack.inbox_url() {
        println!("Inbox       {url}");
    }
    if auth == ApiAuth::Tokens {
        println!("Tokens      {} fanmail token create NAME --stack {}", stack.client_env(), stack::NAME);
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

async fn token(what: TokenCommand) -> Result<ExitCode, TokenError> {
    let (order, place) = what.read();
    token::run(order, place, &mut std::io::stdout()).await?;
    Ok(ExitCode::SUCCESS)
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
