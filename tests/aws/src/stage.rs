//! A deployed stack with an inbox behind it, and what people do to it.
//!
//! Everything but the mail goes through the deployed HTTP API. Times are limits, never measures: the stand-in answers a
//! query in a tenth of a second, and machines are shared.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use fanmail_inbox::{Inbox, InboxConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::Instant;

use crate::client::Requests;
use crate::deployment::{self, Bootstraps, Deployment, Plan};
use crate::error::Error;
use crate::ministack::{self, Ministack};

/// The name that the stack is deployed under.
pub const STACK: &str = "mail";
/// Who asks the API.
const USER: &str = "tester";
/// How long a campaign of a few hundred may take to get anywhere.
pub const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A stack, its inbox and the stand-in that they run on. Dropping it ends all of them; after a panic the folder with the
/// logs is kept.
#[derive(Debug)]
pub struct Stage {
    /// Who takes the mail.
    pub inbox: Inbox,
    /// What was deployed.
    pub deployment: Deployment,
    /// What it runs on.
    pub ministack: Ministack,
    folder: TempDir,
}

impl Stage {
    /// Starts inbox and stand-in, deploys the template for this many senders, and makes a token for its API as people do.
    /// `fanmail` is a program whose `token` is that of the `fanmail` command.
    ///
    /// # Errors
    ///
    /// Whatever stood in the way.
    pub async fn set(fanmail: &Path, bootstraps: Bootstraps, senders: u32) -> Result<Self, Error> {
        let folder = TempDir::with_prefix("fanmail-aws-").map_err(Error::file("a temporary folder"))?;
        let inbox = Inbox::start(InboxConfig::default()).await.map_err(Error::Inbox)?;
        let ministack = Ministack::start(folder.path()).await?;
        let relay = format!("smtp://{}", inbox.smtp_addr());
        let plan = Plan { stack: STACK, relay, max_concurrency: senders, bootstraps };
        let mut deployment = deployment::deploy(&ministack, folder.path(), &plan).await?;
        deployment.api = deployment.api.with_token(token(fanmail, &ministack).await?);
        Ok(Self { inbox, deployment, ministack, folder })
    }

    /// Requests to the services that the stack is made of.
    #[must_use]
    pub fn aws(&self) -> Requests {
        self.ministack.requests()
    }

    /// Makes a request to the deployed HTTP API.
    ///
    /// # Errors
    ///
    /// If it is refused.
    pub async fn api(&self, method: &str, path: &str, body: Value) -> Result<Value, Error> {
        self.deployment.api.request(method, path, &body).await
    }

    /// Imports this many people onto a new list, and answers its id.
    ///
    /// # Errors
    ///
    /// If the API refuses.
    pub async fn list_of(&self, people: u32) -> Result<u64, Error> {
        let list = self.api("POST", "/api/lists", json!({ "name": "News", "optin": "single" })).await?;
        let list = number(&list, "id")?;
        let params = json!({ "mode": "subscribe", "subscription_status": "confirmed", "lists": [list] });
        let rows: String = (0..people).map(|number| format!("{}\n", address(number))).collect();
        let part = |name| format!("--part\r\ncontent-disposition: form-data; {name}\r\n\r\n");
        let (params_part, file_part) =
            (part("name=\"params\""), part("name=\"file\"; filename=\"list.csv\""));
        let form = format!("{params_part}{params}\r\n{file_part}email\n{rows}\r\n--part--\r\n");
        let content_type = "multipart/form-data; boundary=part";
        let path = "/api/import/subscribers";
        self.deployment.api.post("POST", path, content_type, Bytes::from(form)).await?;
        Ok(list)
    }

    /// A draft to this list, and its id. One connection for each sender, so that connections count senders.
    ///
    /// # Errors
    ///
    /// If the API refuses.
    pub async fn draft(&self, list: u64, batch_size: u32) -> Result<u64, Error> {
        let campaign = json!({
            "name": "News",
            "subject": "News",
            "from_email": "News <news@sender.example>",
            "lists": [list],
            "content_type": "html",
            "body": "<p>Hello {{ subscriber.email }}</p>",
            "settings": { "batch_size": batch_size, "message_rate": 100, "max_conns": 1 },
        });
        number(&self.api("POST", "/api/campaigns", campaign).await?, "id")
    }

    /// Orders the campaign to become this.
    ///
    /// # Errors
    ///
    /// If the API refuses.
    pub async fn order(&self, campaign: u64, status: &str) -> Result<Value, Error> {
        self.api("PUT", &format!("/api/campaigns/{campaign}/status"), json!({ "status": status })).await
    }

    /// The campaign as the API shows it.
    ///
    /// # Errors
    ///
    /// If the API refuses.
    pub async fn campaign(&self, campaign: u64) -> Result<Value, Error> {
        self.api("GET", &format!("/api/campaigns/{campaign}"), Value::Null).await
    }

    /// Waits until the campaign looks as wanted, and answers how it looks.
    ///
    /// # Errors
    ///
    /// [`Error::TooLate`] with how it looked last.
    pub async fn until(
        &self,
        campaign: u64,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value, Error> {
        let end = Instant::now() + PATIENCE;
        loop {
            let view = self.campaign(campaign).await?;
            if wanted(&view) {
                return Ok(view);
            }
            if Instant::now() >= end {
                let what = format!("campaign {campaign}: {what}");
                return Err(Error::TooLate { what, within_s: PATIENCE.as_secs(), last: view.to_string() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until it has this status.
    ///
    /// # Errors
    ///
    /// As [`Stage::until`].
    pub async fn until_it_is(&self, campaign: u64, status: &str) -> Result<Value, Error> {
        self.until(campaign, status, |view| view["status"] == status).await
    }

    /// The most copies that anybody got, and how many people got any.
    #[must_use]
    pub fn copies(&self) -> (u32, usize) {
        let recipients = self.inbox.recipients();
        (recipients.values().copied().max().unwrap_or_default(), recipients.len())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            let log = self.ministack.log();
            let last: Vec<&str> = log.lines().rev().take(40).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            eprintln!(
                "the stand-in's log is kept in {}; its end:\n{}",
                self.folder.path().display(),
                last.join("\n")
            );
        }
    }
}

/// Makes the first token, with the deployer's credentials.
async fn token(fanmail: &Path, ministack: &Ministack) -> Result<String, Error> {
    let mut command = Command::new(fanmail);
    command.args(["token", "create", USER, "--stack", STACK]).envs(ministack::environment(ministack.port()));
    let run = command.kill_on_drop(true).output().await;
    let run = run.map_err(|source| Error::Start { program: fanmail.to_owned(), source })?;
    if !run.status.success() {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        return Err(Error::Failed { program: "fanmail token create".into(), said });
    }
    Ok(format!("{USER}:{}", String::from_utf8_lossy(&run.stdout).trim()))
}

/// Where somebody's mail goes.
#[must_use]
pub fn address(number: u32) -> String {
    format!("person{number}@inbox.example")
}

fn number(answer: &Value, what: &'static str) -> Result<u64, Error> {
    answer[what].as_u64().ok_or_else(|| Error::Answer { what, answer: answer.to_string() })
}
