//! What a person would see of a message, and what would look bad to them.

use std::fmt;

use fanmail_domain::Content;

use crate::header::header_text;
use crate::message::Outgoing;
use crate::template::Texts;
use crate::text_part::images_without_alt;

/// The largest HTML part that Gmail shows whole, in bytes: it clips messages at about 102 KB.
const MAX_HTML: usize = 102 * 1024;
/// The longest subject that fits on a wide screen, in characters.
const MAX_SUBJECT: usize = 120;

/// What one recipient would see.
#[derive(Clone, PartialEq, Eq)]
pub struct Preview {
    /// The subject, decoded.
    pub subject: String,
    /// The HTML part, decoded.
    pub html: String,
    /// The text part, decoded.
    pub text: String,
    /// The header fields in their order, unfolded, as they travel: encoded words stay encoded.
    pub headers: Vec<(String, String)>,
    /// The whole message as it travels, in octets.
    pub size: u64,
    /// What would look bad.
    pub warnings: Vec<Warning>,
}

/// Something that stops no message, but should be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The HTML part is so large that Gmail shows only its begin.
    LargeHtml {
        /// How large it is.
        bytes: usize,
    },
    /// Neither text has the link to unsubscribe. It stands in the header, which not every mail program shows.
    NoUnsubscribeLink,
    /// Most screens cut the subject.
    LongSubject {
        /// How long it is.
        characters: usize,
    },
    /// Whoever sees no images, or cannot see, is told nothing about these.
    ImagesWithoutAlt {
        /// How many there are.
        images: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LargeHtml { bytes } => {
                write!(f, "the HTML part has {bytes} bytes: Gmail clips messages over {MAX_HTML}")
            }
            Self::NoUnsubscribeLink => write!(f, "neither part uses unsubscribe_url"),
            Self::LongSubject { characters } => {
                write!(
                    f,
                    "the subject has {characters} characters: more than {MAX_SUBJECT} are cut by most screens"
                )
            }
            Self::ImagesWithoutAlt { images } => write!(f, "{images} images have no alt text"),
        }
    }
}

/// What would look bad, as far as the templates show it.
#[must_use]
pub fn warnings(content: &Content) -> Vec<Warning> {
    found(content, &content.subject, &content.html)
}

/// The same for a subject and an HTML part that may be rendered.
fn found(content: &Content, subject: &str, html: &str) -> Vec<Warning> {
    let has_link = |text: &str| text.contains("unsubscribe_url");
    let links = has_link(&content.html) || content.text.as_deref().is_some_and(has_link);
    let (characters, images) = (subject.chars().count(), images_without_alt(&content.html));
    let checks = [
        (html.len() > MAX_HTML, Warning::LargeHtml { bytes: html.len() }),
        (!links && !content.extras.transactional, Warning::NoUnsubscribeLink),
        (characters > MAX_SUBJECT, Warning::LongSubject { characters }),
        (images > 0, Warning::ImagesWithoutAlt { images }),
    ];
    checks.into_iter().filter_map(|(is_so, warning)| is_so.then_some(warning)).collect()
}

impl Preview {
    pub(crate) fn new(content: &Content, texts: Texts, message: &Outgoing) -> Self {
        let subject = header_text(&texts.subject).into_owned();
        Self {
            warnings: found(content, &subject, &texts.html),
            headers: headers(&message.message.text()),
            size: message.message.size(),
            subject,
            html: texts.html,
            text: texts.text,
        }
    }
}

/// The header fields of a message that we made.
fn headers(message: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(message);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
    let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Texts are personal: only what is said about them is shown.
impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preview")
            .field("size", &self.size)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}
