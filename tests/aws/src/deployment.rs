//! `sam deploy`, to the stand-in.
//!
//! A folder is laid out as the checkout is: the template in `infra/`, and where the template looks for each function's code
//! a `bootstrap`. `sam` then packs, uploads and deploys as it does for anybody; only `AWS_ENDPOINT_URL` leads elsewhere.
//!
//! A `bootstrap` is either what `sam build` made ([`Bootstraps::Built`]), or one line that becomes a program built beside
//! the tests ([`Bootstraps::Program`]): the stand-in runs functions on this machine, so nothing has to travel.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::client::{Api, elements};
use crate::error::Error;
use crate::left_out;
use crate::ministack::{self, Ministack};
use crate::tools;

/// The functions, by the names of their folders.
pub const FUNCTIONS: [&str; 5] = ["api", "start", "sender", "feedback", "sweeper"];

/// The bucket that code is uploaded to.
const BUCKET: &str = "artifacts";

/// Where the functions' code comes from.
#[derive(Debug, Clone)]
pub enum Bootstraps {
    /// The folder that `sam build` made, `.aws-sam/build`.
    Built(PathBuf),
    /// One program that is all of the functions and knows from its environment which it is.
    Program(PathBuf),
}

/// What is deployed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The name of the stack.
    pub stack: &'static str,
    /// `smtp://` of who takes the mail.
    pub relay: String,
    /// The template's parameter of that name.
    pub max_concurrency: u32,
    /// The functions' code.
    pub bootstraps: Bootstraps,
}

/// A deployed stack.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// Its name.
    pub stack: &'static str,
    /// Its HTTP API.
    pub api: Api,
    /// The logical ids of its resources.
    pub resources: Vec<String>,
}

/// Deploys the template. `folder` is where things are laid out.
///
/// # Errors
///
/// [`Error::Failed`] with what `sam` said, or whatever stood in its way.
pub async fn deploy(ministack: &Ministack, folder: &Path, plan: &Plan) -> Result<Deployment, Error> {
    lay_out(folder, plan)?;
    let requests = ministack.requests();
    requests.create_bucket(BUCKET).await?;
    run_sam(ministack, folder, plan).await?;
    let described = requests.cloudformation("DescribeStacks", plan.stack).await?;
    let url = output(&described, "ApiUrl")?;
    let resources = requests.cloudformation("DescribeStackResources", plan.stack).await?;
    let resources = elements(&resources, "LogicalResourceId").into_iter().map(str::to_owned).collect();
    Ok(Deployment { stack: plan.stack, api: Api::new(requests, url), resources })
}

/// A stack's output: its key comes before its value.
fn output<'a>(described: &'a str, key: &str) -> Result<&'a str, Error> {
    let after = described.split_once(&format!("<OutputKey>{key}<"));
    let value = after.and_then(|(_, after)| elements(after, "OutputValue").into_iter().next());
    value.ok_or_else(|| Error::Answer { what: "output of that key", answer: described.to_owned() })
}

/// The files that the template names, where it looks for them.
fn lay_out(folder: &Path, plan: &Plan) -> Result<(), Error> {
    let root = tools::root();
    let template = root.join("infra/template.yaml");
    let text = fs::read_to_string(&template).map_err(Error::file(&template))?;
    write(&folder.join("infra/template.yaml"), &left_out::adapted(&text, plan.max_concurrency))?;
    // Named by what the template says for the Serverless Application Repository.
    for name in ["LICENSE", "README.md"] {
        fs::copy(root.join(name), folder.join(name)).map_err(Error::file(folder.join(name)))?;
    }
    for name in FUNCTIONS {
        let to = folder.join("functions").join(name).join("bootstrap");
        match &plan.bootstraps {
            Bootstraps::Program(program) => {
                write(&to, &format!("#!/bin/sh\nexec '{}'\n", program.display()))?
            }
            Bootstraps::Built(build) => copy(&build.join(logical_id(name)).join("bootstrap"), &to)?,
        }
        fs::set_permissions(&to, Permissions::from_mode(0o755)).map_err(Error::file(&to))?;
    }
    Ok(())
}

/// `api` is `ApiFunction` in the template.
fn logical_id(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{rest}Function", first.to_uppercase())
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    make_folder_of(path)?;
    fs::write(path, text).map_err(Error::file(path))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    make_folder_of(to)?;
    fs::copy(from, to).map(drop).map_err(Error::file(from))
}

fn make_folder_of(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(Error::file(folder))
}

async fn run_sam(ministack: &Ministack, folder: &Path, plan: &Plan) -> Result<(), Error> {
    let sam = tools::install("sam").await?.join("sam");
    let mut command = Command::new(&sam);
    command.args(["deploy", "--template-file", "infra/template.yaml", "--stack-name", plan.stack]);
    command.args(["--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]);
    command.arg("--no-progressbar").args(["--region", crate::client::REGION, "--parameter-overrides"]);
    command.args(parameters(plan)).current_dir(folder).kill_on_drop(true);
    command.envs(ministack::environment(ministack.port())).env("SAM_CLI_TELEMETRY", "0").env("HOME", folder);
    let run = command.output().await.map_err(|source| Error::Start { program: sam, source })?;
    if run.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    Err(Error::Failed { program: "sam deploy".into(), said })
}

fn parameters(plan: &Plan) -> [String; 6] {
    [
        "Stage=dev".into(),
        "Architecture=x86_64".into(),
        "Provider=smtp".into(),
        format!("SmtpUrl={}", plan.relay),
        format!("MaxConcurrency={}", plan.max_concurrency),
        "ReserveConcurrency=yes".into(),
    ]
}
