//! The list: every recipient with state, reason and words, as a CSV file.

use std::fs::File;
use std::path::Path;

use csv::Writer;
use serde::Deserialize;

use super::SendError;
use super::client::ApiClient;

/// Recipients asked for at a time: as many as the API gives.
const PER_PAGE: u32 = 1_000;

/// One page of the API.
#[derive(Debug, Deserialize)]
struct Page {
    results: Vec<Recipient>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Recipient {
    id: u64,
    email: Option<String>,
    state: String,
    reason: Option<String>,
    code: Option<u16>,
    text: Option<String>,
}

/// Writes all recipients of a campaign into `path`. Answers how many.
pub(super) async fn write(api: &ApiClient, campaign: u64, path: &Path) -> Result<u64, SendError> {
    let failed = |error: csv::Error| SendError::write(path)(error.into());
    let mut file = Writer::from_writer(File::create(path).map_err(SendError::write(path))?);
    file.write_record(["id", "email", "state", "reason", "code", "text"]).map_err(failed)?;
    let (mut cursor, mut written) = (String::from("0.0.0"), 0);
    loop {
        let query = format!("/api/campaigns/{campaign}/recipients?per_page={PER_PAGE}&cursor={cursor}");
        let page: Page = api.get(&query).await?;
        for recipient in &page.results {
            file.write_record(recipient.fields()).map_err(failed)?;
        }
        written += page.results.len() as u64;
        match page.next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    file.flush().map_err(SendError::write(path))?;
    Ok(written)
}

impl Recipient {
    fn fields(&self) -> [String; 6] {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        [
            self.id.to_string(),
            text(&self.email),
            self.state.clone(),
            text(&self.reason),
            self.code.map(|code| code.to_string()).unwrap_or_default(),
            text(&self.text),
        ]
    }
}
