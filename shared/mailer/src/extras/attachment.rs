//! One file that travels with a message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fanmail_domain::Attachment;

use super::{ExtrasError, MAX_ID, is_id_character};
use crate::escape;
use crate::header::field;
use crate::qp::encode_base64;

/// The longest file name, and the longest content type, in characters.
const MAX_LEN: usize = 200;
/// How much of a file name stands in one line (RFC 2231, 3).
const SECTION: usize = 50;

/// A file whose description was checked, and its content.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content_id: Option<String>,
    content_type: String,
    content: Vec<u8>,
}

impl File {
    pub(super) fn new(given: &Attachment, number: usize) -> Result<Self, ExtrasError> {
        let name = given.name.clone();
        if name.trim().is_empty() || name.chars().count() > MAX_LEN || name.contains(char::is_control) {
            return Err(ExtrasError::FileName { number });
        }
        if !is_content_type(&given.content_type) {
            return Err(ExtrasError::ContentType { name });
        }
        if given.content_id.as_deref().is_some_and(|id| !is_content_id(id)) {
            return Err(ExtrasError::ContentId { name });
        }
        let Ok(content) = STANDARD.decode(&given.base64) else { return Err(ExtrasError::Base64 { name }) };
        let (content_id, content_type) = (given.content_id.clone(), given.content_type.clone());
        Ok(Self { name, content_id, content_type, content })
    }

    /// Appends the part that carries the file: its headers, an empty line, its content without a line end.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        field("Content-Type", &self.content_type, out);
        field("Content-Transfer-Encoding", "base64", out);
        let kind = if self.content_id.is_some() { "inline" } else { "attachment" };
        field("Content-Disposition", &format!("{kind};{}", file_name(&self.name)), out);
        if let Some(id) = &self.content_id {
            field("Content-ID", &format!("<{id}>"), out);
        }
        out.extend_from_slice(b"\r\n");
        encode_base64(&self.content, out);
    }
}

/// The parameter `filename`, in sections where it is long or no ASCII (RFC 2231, 3 and 4).
fn file_name(name: &str) -> String {
    let is_simple = |byte: u8| matches!(byte, b' '..=b'~') && !b"\"\\%".contains(&byte);
    if name.len() <= SECTION && name.bytes().all(is_simple) {
        return format!("\r\n filename=\"{name}\"");
    }
    let encoded = escape::percent(name, b"");
    let (mut rest, mut sections) = (encoded.as_str(), Vec::new());
    while !rest.is_empty() {
        let end = section_end(rest);
        let charset = if sections.is_empty() { "utf-8''" } else { "" };
        sections.push(format!("\r\n filename*{}*={charset}{}", sections.len(), &rest[..end]));
        rest = &rest[end..];
    }
    if let [only] = sections.as_mut_slice() {
        *only = only.replacen("*0*", "*", 1);
    }
    sections.join(";")
}

/// The end of a section, not within `%XX`.
fn section_end(text: &str) -> usize {
    if text.len() <= SECTION {
        return text.len();
    }
    text[SECTION - 2..SECTION].find('%').map_or(SECTION, |at| SECTION - 2 + at)
}

/// `type/subtype`, and parameters (RFC 2045, 5.1).
fn is_content_type(text: &str) -> bool {
    let mut pieces = text.split(';');
    let (kind, subtype) = pieces.next().and_then(|kind| kind.split_once('/')).unwrap_or_default();
    let carries_parts = ["multipart", "message"].iter().any(|no| kind.eq_ignore_ascii_case(no));
    let is_parameter = |text: &str| {
        let (name, value) = text.trim_matches(' ').split_once('=').unwrap_or_default();
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let is_text =
            |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte));
        is_token(name) && quoted.map_or_else(|| is_token(value), is_text)
    };
    text.len() <= MAX_LEN && is_token(kind) && is_token(subtype) && !carries_parts && pieces.all(is_parameter)
}

fn is_token(text: &str) -> bool {
    let is_special = |byte: u8| b"()<>@,;:\\\"/[]?=".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !is_special(byte))
}

fn is_content_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(is_id_character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_quoted_or_encoded_in_sections() {
        assert_eq!(file_name("a b.pdf"), "\r\n filename=\"a b.pdf\"");
        assert_eq!(file_name("\"é\".pdf"), "\r\n filename*=utf-8''%22%C3%A9%22.pdf");
        let long = file_name(&"é字".repeat(30));
        let sections: Vec<&str> = long.split(";\r\n ").collect();
        assert!(sections.len() == 10 && long.lines().all(|line| line.len() <= 76), "{long}");
        assert!(sections[1].starts_with("filename*1*=%"), "{long}");
    }
}
