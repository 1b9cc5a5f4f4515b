//! A message in the one form that survives its way: "relaxed" (RFC 6376 sections 3.4.2 and 3.4.4).

/// One header field as it stands in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Without the colon.
    pub(super) name: &'a [u8],
    /// What follows the colon, folded as it was, without the last line end.
    value: &'a [u8],
}

impl<'a> Field<'a> {
    /// A field from its lines.
    pub(super) fn of_line(line: &'a [u8]) -> Self {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        Self { name: line[..colon].trim_ascii_end(), value }
    }
}

/// The header fields of a message, in order, and its body.
pub(super) fn fields(message: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    let (mut fields, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < message.len() {
        let end =
            message[at..].iter().position(|byte| *byte == b'\n').map_or(message.len(), |line| at + line + 1);
        if message[at..end].trim_ascii_end().is_empty() {
            return (fields, &message[end..]);
        }
        at = end;
        // A line that begins with white space belongs to the field before it (RFC 5322 section 2.2.3).
        if !matches!(message.get(at), Some(b' ' | b'\t')) {
            fields.push(Field::of_line(without_end(&message[begin..at])));
            begin = at;
        }
    }
    (fields, &[])
}

/// Appends `name:value` and CRLF: the name in lower case, unfolded, white space as one space, none at the ends.
pub(super) fn relaxed_field(out: &mut Vec<u8>, field: &Field<'_>) {
    out.extend(field.name.iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let words = field.value.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    out.extend_from_slice(b"\r\n");
}

/// White space within lines as one space and none at their ends, no empty lines at the end, CRLF after every line.
pub(super) fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut end_of_text = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line = without_end(line);
        let text = &line[..line.iter().rposition(|byte| !is_blank(*byte)).map_or(0, |last| last + 1)];
        relaxed_line(&mut out, text);
        out.extend_from_slice(b"\r\n");
        if !text.is_empty() {
            end_of_text = out.len();
        }
    }
    out.truncate(end_of_text);
    out
}

fn relaxed_line(out: &mut Vec<u8>, line: &[u8]) {
    for run in line.chunk_by(|a, b| is_blank(*a) == is_blank(*b)) {
        out.extend_from_slice(if is_blank(run[0]) { b" " } else { run });
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6376 section 3.4.5.
    const EXAMPLE: &[u8] = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";

    #[test]
    fn the_example_of_the_rfc_comes_out_as_there() {
        let (fields, body) = fields(EXAMPLE);
        let mut header = Vec::new();
        for field in &fields {
            relaxed_field(&mut header, field);
        }
        assert_eq!(header, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
    }

    #[test]
    fn line_ends_make_no_difference() {
        let text = String::from_utf8_lossy(EXAMPLE).replace("\r\n", "\n");
        let (fields, body) = fields(text.as_bytes());
        assert_eq!(fields.len(), 2);
        assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
    }

    #[test]
    fn a_body_of_nothing_is_nothing() {
        for body in [&b""[..], b"\r\n", b"\r\n\r\n", b"  \r\n\t\r\n"] {
            assert_eq!(relaxed_body(body), b"");
        }
        assert_eq!(relaxed_body(b"a"), b"a\r\n");
        assert_eq!(fields(b"A: b"), (vec![Field::of_line(b"A: b")], &b""[..]));
    }
}
