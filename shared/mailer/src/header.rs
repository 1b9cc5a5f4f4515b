//! Text that goes into a header line.

/// `text` as one line: control characters, line and paragraph separators and white space between words become
/// one space. Nothing that people write reaches a header without this, so nobody writes a header of their own.
pub(crate) fn header_text(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_breaks_lines_becomes_a_space() {
        let text = "\u{feff}a\r\nBcc: b\0c\u{85}d\u{2028}e\u{2029}f\t g\u{7f}";
        assert_eq!(header_text(text), "\u{feff}a Bcc: b c d e f g");
    }
}
