//! One fan-out, measured.

use std::fmt;
use std::time::{Duration, Instant};

use fanmail::functions::Function;
use fanmail::send::{ApiClient, Cost, View};
use fanmail::stack::{FunctionProgram, Stack, StackConfig};
use fanmail_domain::ListId;
use fanmail_engine::ports::Clock;
use fanmail_runtime::SystemClock;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::seed::seed;
use crate::campaign::{BenchError, settled_cost};
use crate::machine::{self, HostCpu};

/// How often the campaign is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A fan-out that has not ended by then never will.
const GIVE_UP: Duration = Duration::from_secs(1_800);

/// What one fan-out took.
#[derive(Debug, Clone, Serialize)]
pub struct FanOutFigures {
    benchmark: &'static str,
    recipients: u64,
    audience: u64,
    load_before: f64,
    seed_seconds: f64,
    seconds: f64,
    recipients_per_s: f64,
    start_processes: u64,
    start_cpu_seconds: f64,
    dynamodb_cpu_seconds: f64,
    host_cpu_seconds: f64,
    #[serde(flatten)]
    cost: Cost,
}

impl FanOutFigures {
    /// Whether everybody was planned, once.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.audience == self.recipients
    }
}

/// Fans a campaign of `recipients` people out.
///
/// # Errors
///
/// [`BenchError`] if it cannot be done, or does not end.
pub async fn run(recipients: u64, program: FunctionProgram) -> Result<FanOutFigures, BenchError> {
    let load_before = machine::load();
    let stack = Stack::start(StackConfig::new(program)).await?;
    let measured = measure(&stack, recipients, load_before).await;
    stack.stop().await;
    measured
}

async fn measure(stack: &Stack, recipients: u64, load_before: f64) -> Result<FanOutFigures, BenchError> {
    stack.host.set_reserved_concurrency(Function::Sender.name(), Some(0)).map_err(BenchError::Host)?;
    let api = ApiClient::new(stack.api_url());
    let list = created(&api, "/api/lists", &json!({ "name": "bench", "optin": "single" })).await?;
    let started = Instant::now();
    let (database, joined_at) = (stack.database(), SystemClock::new().now());
    let seeded = tokio::task::spawn_blocking(move || seed(&database, ListId(list), recipients, joined_at));
    seeded.await.map_err(|error| BenchError::Seed(error.into()))?.map_err(|e| BenchError::Seed(e.into()))?;
    let seed_time = started.elapsed();
    let body = json!({
        "name": "bench", "subject": "Fan-out", "from_email": "Acme News <news@acme.example>",
        "lists": [list], "content_type": "html", "body": "<p>Nobody reads this.</p>",
    });
    let campaign = created(&api, "/api/campaigns", &body).await?;
    let host_before = HostCpu::now();
    let (view, time) = watch(&api, campaign).await?;
    let host = HostCpu::now().since(host_before);
    let start = stack.host.usage(Function::Start.name());
    Ok(FanOutFigures {
        benchmark: "fanout",
        recipients,
        audience: view.audience,
        load_before,
        seed_seconds: seed_time.as_secs_f64(),
        seconds: time.as_secs_f64(),
        recipients_per_s: view.audience as f64 / time.as_secs_f64(),
        start_processes: start.processes,
        start_cpu_seconds: seconds(start.cpu_us),
        dynamodb_cpu_seconds: seconds(host.dynamodb_us),
        host_cpu_seconds: seconds(host.all_us),
        cost: settled_cost(stack).await,
    })
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

#[derive(Debug, Deserialize)]
struct Created {
    id: u64,
}

async fn created(api: &ApiClient, path: &str, body: &Value) -> Result<u64, BenchError> {
    let created: Created = api.send("POST", path, body).await?;
    Ok(created.id)
}

async fn watch(api: &ApiClient, campaign: u64) -> Result<(View, Duration), BenchError> {
    let path = format!("/api/campaigns/{campaign}");
    let started = Instant::now();
    let _: Value = api.send("PUT", &format!("{path}/status"), &json!({ "status": "running" })).await?;
    loop {
        let view: View = api.get(&format!("{path}?no_body=true")).await?;
        let time = started.elapsed();
        if view.audience_sealed {
            return Ok((view, time));
        }
        if time > GIVE_UP {
            return Err(BenchError::Endless(time));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl fmt::Display for FanOutFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audience, recipients, load_before, seed_seconds, seconds, recipients_per_s, .. } = self;
        writeln!(f, "{audience} of {recipients} recipients planned, load average before {load_before:.1}")?;
        writeln!(f, "{:<32}{seed_seconds:>12.1}", "seeding, s (not counted)")?;
        writeln!(f, "{:<32}{seconds:>12.1}", "start to sealed, s")?;
        writeln!(f, "{:<32}{recipients_per_s:>12.0}", "recipients/s")?;
        writeln!(f, "{:<32}{:>12.1}", "start processes, CPU s", self.start_cpu_seconds)?;
        writeln!(f, "{:<32}{:>12.1}", "DynamoDB engine, CPU s", self.dynamodb_cpu_seconds)?;
        writeln!(f, "{:<32}{:>12.1}", "engines and host, CPU s", self.host_cpu_seconds)?;
        writeln!(f, "{:<32}{:>12.0}", "write units", self.cost.write_units)?;
        writeln!(f, "{:<32}{:>12.0}", "read units", self.cost.read_units)?;
        writeln!(f, "{:<32}{:>12}", "SQS requests", self.cost.sqs_requests)
    }
}
