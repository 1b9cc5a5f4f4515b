//! The parts of a message, as far as they are the same for every recipient.
//!
//! ```text
//! multipart/mixed              with attachments
//!   multipart/alternative
//!     text/plain
//!     multipart/related        with inline images
//!       text/html
//!       image …, inline
//!   attachment …
//! ```
//!
//! Everything between the texts is written once per content version. Boundaries hold the content's ids and begin
//! with `=_`, which neither quoted-printable nor base64 can contain (RFC 2045, 6.7): no text ends its part.

use fanmail_domain::Content;

use crate::extras::{File, write_header};
use crate::header::{field, mailbox};
use crate::qp::Encoding;
use crate::sender::Sender;

/// What stands around the two texts.
pub(crate) struct Frame {
    /// The first header lines.
    pub(crate) begin: Vec<u8>,
    /// The last header lines and the begin of the text part.
    pub(crate) before_text: Vec<u8>,
    /// From the end of the text part to the begin of the HTML part.
    pub(crate) before_html: Vec<u8>,
    /// All the rest, with the last line end.
    pub(crate) after: Vec<u8>,
}

/// The boundaries of one content version.
struct Boundaries {
    mixed: String,
    alternative: String,
    related: String,
}

impl Frame {
    pub(crate) fn new(
        content: &Content,
        from: &Sender,
        files: &[File],
        text: Encoding,
        html: Encoding,
    ) -> Self {
        let of = |kind| format!("=_{kind}.{}.{}", content.campaign, content.version);
        let boundaries = Boundaries { mixed: of('m'), alternative: of('a'), related: of('r') };
        let (inline, attached): (Vec<&File>, Vec<&File>) =
            files.iter().partition(|file| file.content_id.is_some());
        let mut begin = Vec::new();
        mailbox("From", &from.name, from.address.expose(), &mut begin);
        let mut before_text = fixed_headers(content, from);
        before_text.extend(to_text(&boundaries, !attached.is_empty(), text));
        Self {
            begin,
            before_text,
            before_html: before_html(&boundaries, !inline.is_empty(), html),
            after: after(&boundaries, &inline, &attached),
        }
    }

    /// Of all of it, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.begin.len() + self.before_text.len() + self.before_html.len() + self.after.len()
    }
}

/// The header lines that are the same for every recipient, but for `From` and those about the parts.
fn fixed_headers(content: &Content, from: &Sender) -> Vec<u8> {
    let (mut out, extras) = (Vec::new(), &content.extras);
    let kind = if extras.transactional { "transactional" } else { "campaign" };
    field("Feedback-ID", &format!("{}:{}:{kind}:fanmail", content.campaign, content.version), &mut out);
    if extras.transactional {
        field("Auto-Submitted", "auto-generated", &mut out);
    } else {
        field("List-Id", &format!("<campaigns.{}>", from.address.domain()), &mut out);
        field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click", &mut out);
    }
    extras.headers.iter().for_each(|header| write_header(header, &mut out));
    out
}

fn to_text(boundaries: &Boundaries, has_attachments: bool, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    field("MIME-Version", "1.0", &mut out);
    if has_attachments {
        multipart("mixed", &boundaries.mixed, "", &mut out);
        begin(&boundaries.mixed, &mut out);
    }
    multipart("alternative", &boundaries.alternative, "", &mut out);
    begin(&boundaries.alternative, &mut out);
    text("text/plain", encoding, &mut out);
    out
}

fn before_html(boundaries: &Boundaries, has_images: bool, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    begin(&boundaries.alternative, &mut out);
    if has_images {
        // RFC 2387, 3.1.
        multipart("related", &boundaries.related, "; type=\"text/html\"", &mut out);
        begin(&boundaries.related, &mut out);
    }
    text("text/html", encoding, &mut out);
    out
}

fn after(boundaries: &Boundaries, inline: &[&File], attached: &[&File]) -> Vec<u8> {
    let mut out = Vec::new();
    files(&boundaries.related, inline, &mut out);
    end(&boundaries.alternative, &mut out);
    files(&boundaries.mixed, attached, &mut out);
    out.extend_from_slice(b"\r\n");
    out
}

/// The files of one multipart, and its end; nothing if there is no file.
fn files(boundary: &str, files: &[&File], out: &mut Vec<u8>) {
    for file in files {
        begin(boundary, out);
        file.write(out);
    }
    if !files.is_empty() {
        end(boundary, out);
    }
}

fn multipart(kind: &str, boundary: &str, more: &str, out: &mut Vec<u8>) {
    field("Content-Type", &format!("multipart/{kind}{more};\r\n boundary=\"{boundary}\""), out);
}

fn text(kind: &str, encoding: Encoding, out: &mut Vec<u8>) {
    field("Content-Type", &format!("{kind}; charset=utf-8"), out);
    field("Content-Transfer-Encoding", encoding.name(), out);
    out.extend_from_slice(b"\r\n");
}

fn begin(boundary: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
}

fn end(boundary: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\r\n--{boundary}--").as_bytes());
}
