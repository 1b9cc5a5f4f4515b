//! What a campaign adds to its texts: headers of its own, attachments, inline images. Checked when the campaign is
//! made, and encoded once per content version.

mod attachment;
mod own_header;

use std::collections::BTreeSet;

use fanmail_domain::Extras;

pub(crate) use attachment::File;
pub(crate) use own_header::write as write_header;

use crate::sender::SenderError;

/// The longest content id, in characters.
const MAX_ID: usize = 200;

/// What is wrong with a header or an attachment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtrasError {
    /// A name has letters, digits and other printable ASCII without the colon (RFC 5322, 3.6.8).
    #[error("header {name:?}: the name needs 1 to 70 printable ASCII characters without a colon")]
    HeaderName {
        /// As it was given.
        name: String,
    },
    /// Fanmail or the provider writes it.
    #[error("header {name}: this one is written by fanmail or the provider")]
    Reserved {
        /// As it was given.
        name: String,
    },
    /// An answer would go nowhere.
    #[error("header Reply-To: {0}")]
    ReplyTo(SenderError),
    /// No name, or one with control characters.
    #[error("attachment {number}: the file name needs 1 to 200 characters without control characters")]
    FileName {
        /// Which, from 1.
        number: usize,
    },
    /// RFC 2045, 5.1. Parts of parts and messages cannot be in base64 (6.4).
    #[error(
        "attachment {name:?}: the content type should be like image/png, and neither multipart nor message"
    )]
    ContentType {
        /// The file's name.
        name: String,
    },
    /// The file's content.
    #[error("attachment {name:?}: the content is no base64")]
    Base64 {
        /// The file's name.
        name: String,
    },
    /// RFC 2392; letters, digits and `-._+@` are accepted.
    #[error(
        "attachment {name:?}: the content id needs 1 to 200 letters, digits or -._+@, and a file of its own"
    )]
    ContentId {
        /// The file's name.
        name: String,
    },
    /// `<img src="cid:…">` without its file.
    #[error("HTML part: there is no attachment with the content id {id}")]
    NoSuchFile {
        /// As it stands in the HTML part.
        id: String,
    },
}

/// Checks everything that goes with the texts, and decodes the files.
pub(crate) fn check(extras: &Extras, html: &str) -> Result<Vec<File>, ExtrasError> {
    extras.headers.iter().try_for_each(own_header::check)?;
    let files: Result<Vec<File>, _> =
        extras.attachments.iter().enumerate().map(|(index, given)| File::new(given, index + 1)).collect();
    let files = files?;
    let mut ids = BTreeSet::new();
    for file in &files {
        if file.content_id.as_ref().is_some_and(|id| !ids.insert(id.as_str())) {
            return Err(ExtrasError::ContentId { name: file.name.clone() });
        }
    }
    match references(html).find(|id| !ids.contains(id)) {
        Some(id) => Err(ExtrasError::NoSuchFile { id: id.to_owned() }),
        None => Ok(files),
    }
}

/// The ids behind `cid:` where a URL begins. One that holds template tags is only known when it is rendered.
fn references(html: &str) -> impl Iterator<Item = &str> {
    html.match_indices("cid:").filter_map(|(at, found)| {
        let (before, rest) = (html[..at].chars().next_back()?, &html[at + found.len()..]);
        let id = &rest[..rest.bytes().take(MAX_ID + 1).take_while(|byte| is_id_character(*byte)).count()];
        ("\"'(=".contains(before) && !rest[id.len()..].starts_with('{')).then_some(id)
    })
}

/// What a content id is made of here, a part of what RFC 2392 allows.
fn is_id_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._+@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use fanmail_domain::{Attachment, Header};

    use super::*;

    fn image(id: Option<&str>) -> Attachment {
        Attachment {
            name: "logo.png".into(),
            content_type: "image/png".into(),
            content_id: id.map(str::to_owned),
            base64: "aGk=".into(),
        }
    }

    fn problem(headers: &[(&str, &str)], attachments: Vec<Attachment>, html: &str) -> Option<String> {
        let header = |(name, value): &(&str, &str)| Header { name: (*name).into(), value: (*value).into() };
        let extras =
            Extras { transactional: false, headers: headers.iter().map(header).collect(), attachments };
        check(&extras, html).err().map(|err| err.to_string())
    }

    #[test]
    fn headers_of_ours_and_names_that_are_none_are_refused() {
        for name in ["X-Tag", "Reply-To", "Precedence", "In-Reply-To", "Organization"] {
            assert_eq!(problem(&[(name, "a@b.example")], vec![], ""), None);
        }
        for name in ["", "X Y", "X:", "Ü", "X\r\nBcc", &"x".repeat(71)] {
            assert!(problem(&[(name, "")], vec![], "").unwrap().contains("the name needs"), "{name}");
        }
        let reserved = "from TO Subject date message-ID mime-version Content-type list-unsubscribe dkim-Signature \
                        X-FANMAIL-recipient bcc cc sender return-path received feedback-id auto-submitted resent-to \
                        x-ses-configuration-set arc-seal authentication-results";
        for name in reserved.split_whitespace() {
            let text = problem(&[(name, "")], vec![], "").unwrap();
            assert_eq!(text, format!("header {name}: this one is written by fanmail or the provider"));
        }
        let text = problem(&[("reply-to", "nobody")], vec![], "").unwrap();
        assert_eq!(text, "header Reply-To: the address needs exactly one @");
    }

    #[test]
    fn attachments_that_cannot_be_sent_are_refused() {
        assert_eq!(problem(&[], vec![image(None), image(Some("a@b"))], ""), None);
        for (change, part) in [
            (Attachment { name: String::new(), ..image(None) }, "attachment 1: the file name"),
            (Attachment { name: "a\r\nb".into(), ..image(None) }, "attachment 1: the file name"),
            (Attachment { base64: "a b".into(), ..image(None) }, "no base64"),
            (image(Some("")), "content id"),
            (image(Some("a>\r\nb")), "content id"),
        ] {
            assert!(problem(&[], vec![change], "").unwrap().contains(part), "{part}");
        }
        for content_type in
            ["", "image", "image/", "im age/png", "multipart/mixed", "Message/rfc822", "a/b;c", "a/b\r\nX: y"]
        {
            let given = Attachment { content_type: content_type.into(), ..image(None) };
            assert!(problem(&[], vec![given], "").unwrap().contains("the content type"), "{content_type}");
        }
        for content_type in ["text/calendar; method=REQUEST", "text/csv; charset=\"utf-8\"", "image/svg+xml"]
        {
            assert_eq!(
                problem(&[], vec![Attachment { content_type: content_type.into(), ..image(None) }], ""),
                None
            );
        }
        let twice = vec![image(Some("a")), image(Some("a"))];
        assert!(problem(&[], twice, "").unwrap().contains("a file of its own"));
    }

    #[test]
    fn images_without_their_file_are_found() {
        let html =
            "<p>cid:no</p><img src=\"cid:logo\"><p style='background: url(cid:back)'><img src=cid:{{ x }}>";
        assert_eq!(problem(&[], vec![image(Some("logo")), image(Some("back"))], html), None);
        assert_eq!(
            problem(&[], vec![image(Some("logo"))], html).unwrap(),
            "HTML part: there is no attachment with the content id back"
        );
    }
}
