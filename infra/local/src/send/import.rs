//! Bringing a list file into the stack.

use std::path::PathBuf;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::client::ApiClient;
use super::list_file::{Chunk, ListFile, RejectedFile};
use super::{SendError, SendOptions};

/// What became of the rows of a list file.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// Rows in the file.
    pub rows: usize,
    /// Rows that could be used.
    pub valid: usize,
    /// People that were not known before.
    pub created: usize,
    /// Rows that could not be used, and the file that says why.
    pub rejected: Option<(usize, PathBuf)>,
}

/// The API's answer to one chunk.
#[derive(Debug, Deserialize)]
struct Answer {
    imported: usize,
    created: usize,
    rejected: Vec<RejectedRow>,
}

#[derive(Debug, Deserialize)]
struct RejectedRow {
    record: u64,
    reason: String,
}

/// The parts of a list that are needed here.
#[derive(Debug, Deserialize)]
struct List {
    id: u64,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Lists {
    results: Vec<List>,
}

const BOUNDARY: &str = "fanmail-5fa0c8f1e7d94d0b";

/// Imports the list file, and answers the list's id.
pub(super) async fn import(
    api: &ApiClient,
    options: &SendOptions,
    progress: impl Fn(usize),
) -> Result<(u64, Imported), SendError> {
    let mut file = ListFile::open(&options.list)?;
    let list = find_or_create_list(api, options).await?;
    let mut rejected = RejectedFile::new(&options.out, file.header());
    let mut imported = Imported::default();
    while let Some(chunk) = file.next_chunk()? {
        let answer = post(api, list, &chunk).await?;
        for row in &answer.rejected {
            if let Some(fields) = chunk.row(row.record) {
                rejected.add(fields, &row.reason)?;
            }
        }
        imported.rows += chunk.rows.len();
        imported.valid += answer.imported;
        imported.created += answer.created;
        progress(imported.rows);
    }
    imported.rejected = rejected.finish()?;
    Ok((list, imported))
}

async fn find_or_create_list(api: &ApiClient, options: &SendOptions) -> Result<u64, SendError> {
    let name = options.list.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let lists: Lists = api.get("/api/lists").await?;
    if let Some(list) = lists.results.iter().find(|list| list.name == name) {
        return Ok(list.id);
    }
    let created: List = api.send("POST", "/api/lists", &json!({ "name": name, "optin": "single" })).await?;
    Ok(created.id)
}

/// listmonk's import request: a form with the parameters as JSON, and the file.
async fn post(api: &ApiClient, list: u64, chunk: &Chunk) -> Result<Answer, SendError> {
    let params = json!({
        "mode": "subscribe",
        "subscription_status": "confirmed",
        "delim": ",",
        "lists": [list],
        "overwrite": true,
    });
    let mut body = Vec::with_capacity(chunk.csv.len() + 512);
    let part =
        |disposition: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    body.extend_from_slice(part("name=\"params\"").as_bytes());
    body.extend_from_slice(params.to_string().as_bytes());
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(part("name=\"file\"; filename=\"list.csv\"").as_bytes());
    body.extend_from_slice(&chunk.csv);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    Ok(api.request("POST", "/api/import/subscribers", &content_type, Bytes::from(body)).await?)
}
