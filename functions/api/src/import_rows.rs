//! Reading rows of listmonk's import format: `email`, `name` and `attributes` (a JSON object), in any order.
//!
//! A row that cannot be used is reported with its place and the reason, and the rest goes on.

use csv::{ByteRecord, ReaderBuilder, Trim};
use fanmail_domain::EmailAddress;
use serde::Serialize;

use crate::csv_line::line_of;

/// One usable row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where mail goes.
    pub email: EmailAddress,
    /// What to call them; may be empty.
    pub name: String,
    /// Attributes, a JSON object in text form.
    pub attribs: String,
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Which data row of the upload, from 0.
    pub record: u64,
    /// On which line of the upload it begins, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Where the columns are.
struct Columns {
    email: usize,
    name: Option<usize>,
    attributes: Option<usize>,
    count: usize,
}

/// Reads all rows.
///
/// # Errors
///
/// A sentence, if the upload as a whole is no such file.
pub fn read(body: &[u8], delimiter: u8) -> Result<(Vec<Row>, Vec<Rejected>), String> {
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(Trim::Headers).from_reader(body);
    let header = reader.headers().map_err(|error| format!("the file is no CSV: {error}"))?;
    let columns = Columns::find(header)?;
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    let mut number = 0;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok((rows, rejected)),
            Ok(true) => {
                let line = line_of(&record, reader.position());
                match columns.row(&record) {
                    Ok(row) => rows.push(row),
                    Err(reason) => rejected.push(Rejected { record: number, line, reason }),
                }
                number += 1;
            }
            Err(error) => return Err(format!("the file is no CSV: {error}")),
        }
    }
}

impl Columns {
    fn find(header: &csv::StringRecord) -> Result<Self, String> {
        let at = |name: &str| {
            header.iter().position(|column| column.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
        };
        let email = at("email").ok_or_else(|| {
            "the first line has no column `email`: it has to name the columns, email, name and attributes"
                .to_owned()
        })?;
        Ok(Self { email, name: at("name"), attributes: at("attributes"), count: header.len() })
    }

    fn row(&self, record: &ByteRecord) -> Result<Row, String> {
        if record.len() != self.count {
            let (here, there) = (record.len(), self.count);
            let columns = if here == 1 { "column" } else { "columns" };
            return Err(format!("the row has {here} {columns}, the first line {there}"));
        }
        let email =
            EmailAddress::parse(text(record, Some(self.email))?).map_err(|error| error.to_string())?;
        let name = text(record, self.name)?.trim().to_owned();
        let attribs = attributes(text(record, self.attributes)?)?;
        Ok(Row { email, name, attribs })
    }
}

fn text(record: &ByteRecord, column: Option<usize>) -> Result<&str, String> {
    let bytes = column.and_then(|column| record.get(column)).unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|_| "the row is not valid UTF-8".to_owned())
}

fn attributes(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok("{}".to_owned());
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) if value.is_object() => Ok(value.to_string()),
        Ok(_) => Err("attributes is not a JSON object".to_owned()),
        Err(error) => Err(format!("attributes is not valid JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<(Vec<Row>, Vec<Rejected>), String> {
        read(text.as_bytes(), b',')
    }

    #[test]
    fn quoted_commas_quotes_and_line_breaks_are_read() {
        let file = "email,name,attributes\nann@example.org,\"Müller, \"\"Jo\"\" Anna\",\"{\"\"a\"\":\n1}\"\n";
        let (rows, rejected) = read_text(file).unwrap();
        assert_eq!((rows[0].name.as_str(), rows[0].attribs.as_str()), ("Müller, \"Jo\" Anna", "{\"a\":1}"));
        assert!(rejected.is_empty());
    }

    #[test]
    fn columns_may_stand_in_any_order_or_be_absent() {
        let (rows, _) = read_text("\u{feff}Name, Email\n Ann , Ann@Example.org \n").unwrap();
        assert_eq!((rows[0].email.expose(), rows[0].name.as_str()), ("ann@example.org", "Ann"));
        assert_eq!(rows[0].attribs, "{}");
    }

    #[test]
    fn a_bad_row_is_reported_with_its_place_and_the_rest_goes_on() {
        let file = "email,name,attributes\nno-at,A,{}\nann@example.org,Ann,\n\nb@example.org,B\nc@example.org,C,[1]\nd@example.org,D,{\n";
        let (rows, rejected) = read_text(file).unwrap();
        assert_eq!(rows.len(), 1);
        let places: Vec<_> = rejected.iter().map(|row| (row.record, row.line)).collect();
        assert_eq!(places, [(0, 2), (2, 5), (3, 6), (4, 7)]);
        assert_eq!(rejected[1].reason, "the row has 2 columns, the first line 3");
        assert_eq!(rejected[2].reason, "attributes is not a JSON object");
    }

    #[test]
    fn a_row_of_one_column_is_no_row_of_columns() {
        let (_, rejected) = read_text("email,name\nann@example.org\n").unwrap();
        assert_eq!(rejected[0].reason, "the row has 1 column, the first line 2");
    }

    #[test]
    fn a_row_that_is_not_utf_8_is_reported() {
        let (rows, rejected) = read(b"email,name\nann@example.org,\xff\n", b',').unwrap();
        assert_eq!((rows.len(), rejected[0].reason.as_str()), (0, "the row is not valid UTF-8"));
    }

    #[test]
    fn a_file_without_an_email_column_is_refused() {
        assert!(read_text("name,attributes\nAnn,{}\n").unwrap_err().contains("no column `email`"));
        assert!(read_text("").unwrap_err().contains("no column `email`"));
    }
}
