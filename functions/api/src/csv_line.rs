//! On which line of a CSV file a record begins.

use csv::{ByteRecord, Position};

/// The line of `record`, from 1. `next` is where the reader stands after it.
///
/// The reader's own position of a record is where the one before ended, which is a blank line where there is
/// one. What lies between the two positions and is not the record's own lines was blank.
#[must_use]
pub fn line_of(record: &ByteRecord, next: &Position) -> u64 {
    let from = record.position().map_or(0, Position::line);
    let breaks = record.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
    from + (next.line() - from).saturating_sub(breaks + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_and_line_breaks_within_fields_are_counted() {
        let file = "a\n1\n\n\n\"2\n2\"\n3\r\n\r\n4\n";
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_bytes());
        let mut record = ByteRecord::new();
        let mut lines = Vec::new();
        while reader.read_byte_record(&mut record).unwrap() {
            lines.push(line_of(&record, reader.position()));
        }
        assert_eq!(lines, [2, 5, 7, 9]);
    }
}
