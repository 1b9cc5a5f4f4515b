//! A page as JSON, as CSV (RFC 4180) or as JSON lines: what the caller's `Accept` takes.
//!
//! JSON has the envelope and `next` in it. The other two have rows and nothing else, so the next page is named
//! by headers, which come with all three: `X-Fanmail-Next` is the cursor, and `Link` (RFC 8288) the whole
//! query as a reference without a path, because a function does not know under which path it is published.
//!
//! Names, addresses and words are other people's text. In CSV, what a spreadsheet would take for a formula is
//! preceded by an apostrophe; JSON and JSON lines have every text as it is.

use aws_lambda_events::http::{HeaderName, header};
use serde_json::json;

use super::Row;
use super::cursor::Cursor;
use crate::accept::choose;
use crate::request::Request;
use crate::response::{ApiError, Reply};

const JSON: &str = "application/json";
const CSV: &str = "text/csv";
const JSON_LINES: &str = "application/x-ndjson";

/// Columns of the CSV form, in the order of [`fields`].
const COLUMNS: [&str; 11] =
    ["id", "email", "name", "state", "reason", "code", "text", "attempts", "changed_at", "batch", "position"];

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
    JsonLines,
}

impl Format {
    /// The form that the caller prefers; JSON if it does not say.
    pub(super) fn of(request: &Request) -> Result<Self, ApiError> {
        match choose(&request.accept, &[JSON, CSV, JSON_LINES]) {
            Some(JSON) => Ok(Self::Json),
            Some(CSV) => Ok(Self::Csv),
            Some(JSON_LINES) => Ok(Self::JsonLines),
            _ => Err(ApiError::Refused(406, format!("recipients come as {JSON}, {CSV} or {JSON_LINES}"))),
        }
    }

    /// The page, and where the next one begins. `query` is what the request asked for besides its cursor.
    pub(super) fn reply(self, rows: &[Row], next: Option<Cursor>, query: &str) -> Reply {
        let next = next.map(|next| next.to_string());
        let reply = match self {
            Self::Json => Reply::data(json!({ "results": rows, "next": next })),
            Self::Csv => Reply::text("text/csv; charset=utf-8; header=present", csv(rows)),
            Self::JsonLines => Reply::text(JSON_LINES, json_lines(rows)),
        };
        let Some(next) = next else { return reply };
        let link = format!("<?{query}cursor={next}>; rel=\"next\"");
        reply.with_header(HeaderName::from_static("x-fanmail-next"), &next).with_header(header::LINK, &link)
    }
}

fn csv(rows: &[Row]) -> String {
    let mut text = String::new();
    let header = COLUMNS.map(str::to_owned);
    for record in std::iter::once(header).chain(rows.iter().map(fields)) {
        text.push_str(&record.map(|field| quoted(&field)).join(","));
        text.push_str("\r\n");
    }
    text
}

fn json_lines(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("{}\n", json!(row))).collect()
}

/// A row's fields, in the order of [`COLUMNS`].
fn fields(row: &Row) -> [String; 11] {
    let text = |value: &Option<String>| value.as_deref().map(guarded).unwrap_or_default();
    [
        row.id.to_string(),
        text(&row.email),
        text(&row.name),
        row.state.to_owned(),
        row.reason.unwrap_or_default().to_owned(),
        row.code.map(|code| code.to_string()).unwrap_or_default(),
        text(&row.text),
        row.attempts.to_string(),
        row.changed_at.clone().unwrap_or_default(),
        row.batch.clone(),
        row.position.to_string(),
    ]
}

/// A text that no spreadsheet takes for a formula.
fn guarded(text: &str) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() }
}

/// A field as RFC 4180 has it: in quotes where it has to be.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanmail_domain::SubscriberId;

    fn row(name: &str) -> Row {
        Row {
            id: SubscriberId::from_number(7).unwrap(),
            email: Some("ann@example.org".into()),
            name: Some(name.into()),
            state: "failed",
            reason: Some("rejected"),
            code: Some(550),
            text: None,
            attempts: 2,
            changed_at: Some("2020-09-13T12:26:40Z".into()),
            batch: "1/0/2".into(),
            position: 3,
        }
    }

    #[test]
    fn a_csv_page_is_read_as_it_was_written() {
        let names = ["Ann", "Lee, Ann", "Ann \"Lee\"", "two\r\nlines", "", "Zoë"];
        let text = csv(&names.map(row));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap(), &COLUMNS[..]);
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert!(records.iter().map(|record| &record[2]).eq(names));
        let ann = "7,ann@example.org,Ann,failed,rejected,550,,2,2020-09-13T12:26:40Z,1/0/2,3";
        assert!(records[0].iter().eq(ann.split(',')), "{:?}", records[0]);
        assert!(text.starts_with("id,email,") && text.ends_with(",3\r\n"), "{text}");
    }

    #[test]
    fn a_page_of_nobody_still_has_its_columns() {
        assert_eq!(csv(&[]), "id,email,name,state,reason,code,text,attempts,changed_at,batch,position\r\n");
        assert_eq!(json_lines(&[]), "");
    }

    #[test]
    fn no_text_is_a_formula_in_a_spreadsheet() {
        for formula in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"] {
            assert_eq!(guarded(formula), format!("'{formula}"));
            assert!(json_lines(&[row(formula)]).contains(&json!(formula).to_string()), "{formula}");
        }
        assert_eq!(["Ann", "1-2", ""].map(guarded), ["Ann", "1-2", ""]);
    }

    #[test]
    fn every_line_of_json_lines_is_one_row() {
        let text = json_lines(&[row("two\nlines"), row("Ann")]);
        let rows: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&rows[0]["name"], &rows[1]["name"]), (&json!("two\nlines"), &json!("Ann")));
        assert_eq!((rows.len(), &rows[0]["id"], &rows[0]["code"]), (2, &json!(7), &json!(550)));
    }
}
