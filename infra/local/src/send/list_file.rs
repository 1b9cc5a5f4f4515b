//! Reading a list file in chunks that fit one request.
//!
//! A chunk is a CSV file of its own, with the header repeated. The API judges the rows; what it rejects by
//! its place in the chunk is traced back to the line and the fields of the file.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Writer};
use fanmail_api::csv_line::line_of;
use fanmail_api::import_rows;

use super::SendError;

/// Rows of one chunk: well within a request's size and a function's time.
const ROWS: usize = 1_000;

/// A list file that is being read.
pub(super) struct ListFile {
    path: PathBuf,
    reader: Reader<BufReader<File>>,
    header: ByteRecord,
}

/// Some rows of a list file.
pub(super) struct Chunk {
    /// The rows as they stand in the file.
    pub(super) rows: Vec<ByteRecord>,
    /// The same rows as a CSV file.
    pub(super) csv: Vec<u8>,
}

impl ListFile {
    /// Opens it and looks at its first line.
    pub(super) fn open(path: &Path) -> Result<Self, SendError> {
        let file = File::open(path).map_err(SendError::read(path))?;
        if !file.metadata().is_ok_and(|data| data.is_file()) {
            let reason = "it is read twice and has to be a file, not a folder or a pipe".to_owned();
            return Err(SendError::List { path: path.to_owned(), reason });
        }
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
        let unusable = |reason: String| SendError::List { path: path.to_owned(), reason };
        let header =
            reader.byte_headers().map_err(|error| unusable(format!("it is no CSV file ({error})")))?;
        check_header(header).map_err(|reason| unusable(reason.to_owned()))?;
        let header = header.clone();
        Ok(Self { path: path.to_owned(), reader, header })
    }

    /// Reads on until a row can be used.
    ///
    /// # Errors
    ///
    /// [`SendError::EmptyList`] if there is none, with the reason of the first row.
    pub(super) fn check(mut self) -> Result<(), SendError> {
        let (mut rejected, mut first) = (0, None);
        while let Some(chunk) = self.next_chunk()? {
            let read = import_rows::read(&chunk.csv, b',');
            let (usable, bad) = read.map_err(|reason| self.unusable(reason))?;
            if !usable.is_empty() {
                return Ok(());
            }
            rejected += bad.len();
            let line = |record| chunk.row(record).map_or(0, line);
            first = first.or_else(|| bad.into_iter().next().map(|row| (line(row.record), row.reason)));
        }
        let why = match first {
            None => "it has no row after its first line".to_owned(),
            Some((line, reason)) => {
                format!("none of its {rejected} rows can be used, line {line} because {reason}")
            }
        };
        Err(SendError::EmptyList { path: self.path, why })
    }

    /// The next chunk; `None` at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<Chunk>, SendError> {
        let mut rows = Vec::with_capacity(ROWS);
        let mut row = ByteRecord::new();
        while rows.len() < ROWS
            && self.reader.read_byte_record(&mut row).map_err(|error| self.broken(&error))?
        {
            let line = line_of(&row, self.reader.position());
            row.set_position(row.position().cloned().map(|mut position| {
                position.set_line(line);
                position
            }));
            rows.push(row.clone());
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let csv = self.to_csv(&rows).map_err(|error| self.broken(&error))?;
        Ok(Some(Chunk { rows, csv }))
    }

    /// The column names, as they stand in the file.
    pub(super) fn header(&self) -> &ByteRecord {
        &self.header
    }

    fn to_csv(&self, rows: &[ByteRecord]) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        writer.write_byte_record(&self.header)?;
        for row in rows {
            writer.write_byte_record(row)?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    fn broken(&self, error: &csv::Error) -> SendError {
        self.unusable(format!("it is no CSV file ({error})"))
    }

    fn unusable(&self, reason: String) -> SendError {
        SendError::List { path: self.path.clone(), reason }
    }
}

impl Chunk {
    /// The row at a place of this chunk.
    pub(super) fn row(&self, record: u64) -> Option<&ByteRecord> {
        self.rows.get(usize::try_from(record).ok()?)
    }
}

/// The line of the list file that a row of a chunk begins on.
fn line(row: &ByteRecord) -> u64 {
    row.position().map_or(0, csv::Position::line)
}

/// Finds the mistakes that people make with a first line.
fn check_header(header: &ByteRecord) -> Result<(), &'static str> {
    let mut names = Vec::with_capacity(header.len());
    for name in header {
        match std::str::from_utf8(name) {
            Ok(name) if !name.contains('\0') => names.push(name.trim().trim_start_matches('\u{feff}')),
            _ => return Err("it is no CSV file in UTF-8; a spreadsheet can be saved as one"),
        }
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case("email")) {
        return Ok(());
    }
    if names.len() == 1 && names[0].contains([';', '\t']) {
        return Err("its columns have to be separated by commas");
    }
    Err("its first line has to name the columns, and `email` is not among them")
}

/// The rows that were rejected, as a file that can be mended and imported again.
pub(super) struct RejectedFile {
    path: PathBuf,
    header: ByteRecord,
    writer: Option<Writer<File>>,
    count: usize,
}

impl RejectedFile {
    /// A file that is made when there is something to write into it.
    ///
    /// One that an earlier run left is taken away: what it says is not true of this list.
    pub(super) fn new(folder: &Path, header: &ByteRecord) -> Self {
        let path = folder.join("rejected.csv");
        // Where there is none there is nothing to take away; any other trouble shows when it is written.
        let _ = std::fs::remove_file(&path);
        Self { path, header: header.clone(), writer: None, count: 0 }
    }

    /// Adds a row with its line in the list file and the reason.
    pub(super) fn add(&mut self, row: &ByteRecord, reason: &str) -> Result<(), SendError> {
        let line = line(row).to_string();
        let (path, header) = (self.path.clone(), &self.header);
        let failed = |error: csv::Error| SendError::write(path.clone())(error.into());
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => {
                let parent = path.parent().unwrap_or_else(|| Path::new("."));
                std::fs::create_dir_all(parent).map_err(SendError::write(parent))?;
                let file = File::create(&path).map_err(SendError::write(&path))?;
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(file);
                writer.write_byte_record(&prefixed(b"line", b"reason", header)).map_err(failed)?;
                empty.insert(writer)
            }
        };
        writer.write_byte_record(&prefixed(line.as_bytes(), reason.as_bytes(), row)).map_err(failed)?;
        self.count += 1;
        Ok(())
    }

    /// How many rows it has, and where it is; `None` where nothing was rejected.
    pub(super) fn finish(self) -> Result<Option<(usize, PathBuf)>, SendError> {
        let Some(mut writer) = self.writer else { return Ok(None) };
        writer.flush().map_err(SendError::write(&self.path))?;
        Ok(Some((self.count, self.path)))
    }
}

fn prefixed(line: &[u8], reason: &[u8], row: &ByteRecord) -> ByteRecord {
    [line, reason].into_iter().chain(row.iter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> (tempfile::TempDir, Result<ListFile, SendError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, text).unwrap();
        let list = ListFile::open(&path);
        (folder, list)
    }

    #[test]
    fn chunks_repeat_the_header_and_lose_no_row() {
        let mut text = String::from("email,name\n");
        for n in 0..2_500 {
            text.push_str(&["p", &n.to_string(), "@example.org,\"A, B\"\n"].concat());
        }
        let (_folder, list) = list(&text);
        let mut list = list.unwrap();
        let mut sizes = Vec::new();
        while let Some(chunk) = list.next_chunk().unwrap() {
            assert!(chunk.csv.starts_with(b"email,name\np"));
            assert_eq!(chunk.csv.iter().filter(|byte| **byte == b'\n').count(), chunk.rows.len() + 1);
            sizes.push(chunk.rows.len());
        }
        assert_eq!(sizes, [1_000, 1_000, 500]);
    }

    #[test]
    fn rejected_rows_keep_their_line_and_fields() {
        let (folder, list) = list("email,name\nann@example.org,\"A\nB\"\n\r\n\nbad,C,extra\n");
        let mut list = list.unwrap();
        let chunk = list.next_chunk().unwrap().unwrap();
        let mut rejected = RejectedFile::new(&folder.path().join("out"), list.header());
        rejected.add(&chunk.rows[1], "no @").unwrap();
        let (count, path) = rejected.finish().unwrap().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!((count, text.as_str()), (1, "line,reason,email,name\n6,no @,bad,C,extra\n"));
    }

    #[test]
    fn a_list_with_nobody_on_it_is_refused_with_the_first_reason() {
        let check = |text: &str| list(text).1.unwrap().check().map_err(|error| error.to_string());
        check("email\nbad\nann@example.org\n").unwrap();
        assert!(
            check("email\n\nbad\nworse\n").unwrap_err().contains("none of its 2 rows can be used, line 3")
        );
        assert!(check("email\n").unwrap_err().contains("no row after its first line"));
    }

    #[test]
    fn a_file_without_an_email_column_is_refused() {
        assert!(matches!(list("name\nAnn\n").1, Err(SendError::List { .. })));
        assert!(matches!(list("").1, Err(SendError::List { .. })));
        assert!(list("email;name\nann@example.org;Ann\n").1.err().unwrap().to_string().contains("commas"));
        assert!(list("email\0,name\n").1.err().unwrap().to_string().contains("spreadsheet"));
        assert!(matches!(ListFile::open(Path::new("/nonexistent/list.csv")), Err(SendError::Read { .. })));
    }
}
