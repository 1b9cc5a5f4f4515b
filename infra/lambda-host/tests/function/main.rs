//! A Lambda function that does what the host's tests ask it to.
//!
//! Its environment may hold `AT_START` (`exit`: end before the first invocation; `hang`: never ask for one) and
//! `WITNESS`, a file to which it appends a line when a piece of work begins and when it ends.

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    process, thread,
    time::Duration,
};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    println!("function started");
    match env::var("AT_START").as_deref() {
        Ok("exit") => process::exit(7),
        Ok("hang") => thread::sleep(Duration::from_secs(3600)),
        Ok(_) | Err(_) => {}
    }
    lambda_runtime::run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
    if let Some(records) = payload["Records"].as_array() {
        return batch(records).await;
    }
    if payload["version"] == "2.0" {
        return http(&payload);
    }
    if payload["detail-type"] == "Scheduled Event" {
        witness("begin scheduled");
        tokio::time::sleep(Duration::from_millis(50)).await;
        witness("end scheduled");
        return Ok(payload);
    }
    match payload["do"].as_str() {
        Some("context") => Ok(json!({
            "arn": context.invoked_function_arn,
            "request_id": context.request_id,
            "deadline": context.deadline,
            "trace_id": context.xray_trace_id,
            "env": env::vars().collect::<std::collections::BTreeMap<_, _>>(),
        })),
        Some(_) => act(&payload).await,
        None => Ok(payload),
    }
}

/// Does one thing: `pid`, `fail`, `crash`, `sleep` (`ms`), `burn` (`ms` of CPU time), `burn_and_crash`, `grow` (`mb` of memory).
async fn act(what: &Value) -> Result<Value, Error> {
    match what["do"].as_str() {
        Some("fail") => return Err("asked to fail".into()),
        Some("crash") => process::abort(),
        Some("sleep") => tokio::time::sleep(milliseconds(what)).await,
        Some("burn") => burn(milliseconds(what)),
        Some("burn_and_crash") => {
            burn(milliseconds(what));
            process::abort();
        }
        Some("large") => return Ok("x".repeat(7_000_000).into()),
        Some("grow") => {
            let bytes = usize::try_from(what["mb"].as_u64().unwrap_or(0))? << 20;
            std::hint::black_box(vec![1_u8; bytes]);
        }
        Some(_) | None => {}
    }
    Ok(process::id().into())
}

/// Computes until this much CPU time is spent; time on the clock says little on a busy machine.
fn burn(time: Duration) {
    let end = cpu_time().saturating_add(time);
    while cpu_time() < end {}
}

/// CPU time of this, the only thread.
fn cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or(Duration::MAX, Duration::from_nanos)
}

fn milliseconds(what: &Value) -> Duration {
    Duration::from_millis(what["ms"].as_u64().unwrap_or(0))
}

/// Does what each message's body says; `bad_answer` spoils the whole answer.
async fn batch(records: &[Value]) -> Result<Value, Error> {
    let mut failures = Vec::new();
    for record in records {
        let body: Value = serde_json::from_str(record["body"].as_str().unwrap_or("{}"))?;
        let name = body["name"].as_str().unwrap_or("message");
        let receive_count = record["attributes"]["ApproximateReceiveCount"].as_str().unwrap_or("?");
        witness(&format!("begin {name} {receive_count}"));
        let first_time = receive_count == "1" || body["always"] == true;
        if first_time && act(&body).await.is_err() {
            failures.push(json!({ "itemIdentifier": record["messageId"] }));
        }
        if body["do"] == "bad_answer" && first_time {
            failures.push(json!({ "itemIdentifier": "no-such-message" }));
        }
        witness(&format!("end {name} {receive_count}"));
    }
    Ok(json!({ "batchItemFailures": failures }))
}

/// Appends one line; short appends are not torn.
fn witness(line: &str) {
    if let Ok(path) = env::var("WITNESS") {
        let mut file =
            OpenOptions::new().create(true).append(true).open(path).expect("the witness can be opened");
        file.write_all(format!("{line}\n").as_bytes()).expect("the witness can be written");
    }
}

fn http(event: &Value) -> Result<Value, Error> {
    match event["rawPath"].as_str() {
        Some("/fail") => Err("asked to fail".into()),
        Some("/crash") => process::abort(),
        Some("/event") => Ok(event.clone()),
        _ => Ok(json!({
            "statusCode": 201,
            "headers": { "content-type": event["headers"]["content-type"], "x-query": event["rawQueryString"] },
            "cookies": event["cookies"],
            "body": event["body"],
            "isBase64Encoded": event["isBase64Encoded"],
        })),
    }
}
