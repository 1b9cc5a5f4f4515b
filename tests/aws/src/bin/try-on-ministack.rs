//! Deploys fanmail to a stand-in for AWS on this machine and sends a campaign through it, for a person to watch.
//!
//! ```sh
//! cargo run -p fanmail-aws-tests --bin try-on-ministack
//! sam build --parameter-overrides Architecture=x86_64 && cargo run -p fanmail-aws-tests --bin try-on-ministack -- --built .aws-sam/build
//! ```
//!
//! Without `--built` the deployed functions are this program itself, built as the tests are.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use fanmail_aws_tests::deployment::Bootstraps;
use fanmail_aws_tests::error::Error;
use fanmail_aws_tests::function;
use fanmail_aws_tests::left_out::LEFT_OUT;
use fanmail_aws_tests::stage::Stage;
use serde_json::Value;
use tokio::time::Instant;

/// Deploys fanmail to a stand-in for AWS and sends a campaign through it.
#[derive(Debug, Parser)]
struct Options {
    /// How many people get it.
    #[arg(long, default_value_t = 300)]
    recipients: u32,
    /// How many senders work at once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..))]
    senders: u32,
    /// The folder that `sam build` made, to deploy what is in it.
    #[arg(long)]
    built: Option<PathBuf>,
    /// Leaves the stack running after the campaign, until this program is interrupted.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    // How the operator's client is called: `fanmail token create NAME --stack NAME`.
    if std::env::args().nth(1).is_some_and(|argument| argument == "token") {
        return fanmail::cli::run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| match function::wanted() {
        Some(name) => runtime.block_on(function::run(&name)),
        None => runtime.block_on(watch(&Options::parse())),
    });
    done.map_or_else(failed, |()| ExitCode::SUCCESS)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> ExitCode {
    let mut cause = error.source();
    eprint!("{error}");
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
    ExitCode::FAILURE
}

async fn watch(options: &Options) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let program = std::env::current_exe()?;
    let bootstraps = match &options.built {
        Some(folder) => Bootstraps::Built(std::path::absolute(folder)?),
        None => Bootstraps::Program(program.clone()),
    };
    for left_out in LEFT_OUT {
        println!("left out    {left_out}");
    }
    println!("deploying   sam deploy of infra/template.yaml; the first time its tools are fetched");
    let began = Instant::now();
    let stage = Stage::set(&program, bootstraps, options.senders).await?;
    let resources = stage.deployment.resources.len();
    println!(
        "deployed    {resources} resources at {} in {} s",
        stage.ministack.url(),
        began.elapsed().as_secs()
    );
    let list = stage.list_of(options.recipients).await?;
    println!("imported    {} people", options.recipients);
    send(&stage, list).await?;
    if options.keep {
        println!("kept        {}; end it with ^C", stage.ministack.url());
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

/// One campaign, and the report of it.
async fn send(stage: &Stage, list: u64) -> Result<(), Error> {
    let campaign = stage.draft(list, 50).await?;
    let began = Instant::now();
    stage.order(campaign, "running").await?;
    println!("started     campaign {campaign}");
    let progress = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            println!("sending     {} in the inbox", stage.inbox.accepted());
        }
    };
    let finished = tokio::select! {
        finished = stage.until_it_is(campaign, "finished") => finished?,
        () = progress => Value::Null,
    };
    let (copies, reached) = stage.copies();
    println!("finished    in {:.1} s: {}", began.elapsed().as_secs_f64(), finished["states"]);
    println!("inbox       {reached} people, {copies} copy each at the most");
    println!("senders     {} connections at once at the most", stage.inbox.max_open_connections());
    Ok(())
}
