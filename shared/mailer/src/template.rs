//! The three templates of a campaign, compiled once per content version and filled in per recipient.
//!
//! Two kinds of mistakes are told apart. What is wrong for everybody (syntax, a name nobody knows, the From
//! header) is a [`TemplateError`] and should be found by [`validate`] when the campaign is made. What is missing
//! for one recipient (an attribute) is a [`RenderError`] and fails that recipient alone: undefined variables are
//! errors, never empty text.
//!
//! Both speak of the template only. No error repeats a value: what a value was is the subscriber's business.

mod cache;
mod check;
mod scope;

use std::io;

use fanmail_domain::Content;
use fanmail_engine::ports::{Recipient, RenderError};
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

pub(crate) use cache::Cache;
use scope::Scope;

use crate::sender::{Sender, SenderError};
use crate::text_part;

/// The most that one part may grow to, in bytes.
const MAX_PART: usize = 1 << 20;
/// The most steps that one part may take. A part of 7 KB with a dozen variables takes about a hundred.
const MAX_STEPS: u64 = 250_000;
/// The longest expression that an error repeats, in characters.
const MAX_QUOTE: usize = 80;

/// One of the templates of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The subject.
    Subject,
    /// The HTML part.
    Html,
    /// The text part, given or derived.
    Text,
}

impl Part {
    const ALL: [Self; 3] = [Self::Subject, Self::Html, Self::Text];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Html => "HTML part",
            Self::Text => "text part",
        }
    }
}

/// Why content cannot be sent to anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The template does not parse.
    #[error("{}, line {line}: {what}", .part.name())]
    Syntax {
        /// Which template.
        part: Part,
        /// Where in it, from 1.
        line: usize,
        /// What is wrong, in the template engine's words.
        what: String,
    },
    /// The template uses a variable that no recipient has.
    #[error("{}: there is no variable {name}; there are {}", .part.name(), check::VARIABLES)]
    UnknownVariable {
        /// Which template.
        part: Part,
        /// As it stands in the template.
        name: String,
    },
    /// The template uses a filter or test that the engine does not have.
    #[error("{}: there is no {kind} {name}", .part.name())]
    UnknownName {
        /// Which template.
        part: Part,
        /// `filter` or `test`.
        kind: &'static str,
        /// As it stands in the template.
        name: String,
    },
    /// Leaving the markup out of the HTML part made a template that does not parse.
    #[error("no text part can be derived from the HTML part, please give one")]
    NotDerivable,
    /// The From header.
    #[error("From header: {0}")]
    From(SenderError),
}

/// Whether this content can be sent: its templates parse and use only names that exist, and its From header is
/// one. Whether every recipient has every attribute is only known when they are rendered.
///
/// # Errors
///
/// [`TemplateError`] names the first thing that is wrong.
pub fn validate(content: &Content) -> Result<(), TemplateError> {
    Compiled::new(content).map(|_| ())
}

/// The content of one campaign, ready to be filled in.
pub(crate) struct Compiled {
    environment: Environment<'static>,
    /// Some template asks for attributes: only then are they parsed.
    uses_attribs: bool,
    campaign_id: Value,
    campaign_name: Value,
    /// The From header.
    pub(crate) from: Sender,
}

/// The texts of one message.
pub(crate) struct Texts {
    pub(crate) subject: String,
    pub(crate) html: String,
    pub(crate) text: String,
}

impl Compiled {
    pub(crate) fn new(content: &Content) -> Result<Self, TemplateError> {
        let from = Sender::parse(&content.from).map_err(TemplateError::From)?;
        let mut environment = environment();
        let derived = content.text.is_none();
        add(&mut environment, Part::Subject, &content.subject)?;
        let html = content.html.replace("\r\n", "\n");
        add(&mut environment, Part::Html, &html)?;
        let text = content.text.as_ref().map(|text| text.replace("\r\n", "\n"));
        let text = text.unwrap_or_else(|| text_part::derive(&html));
        let added = add(&mut environment, Part::Text, &text);
        added.map_err(|err| if derived { TemplateError::NotDerivable } else { err })?;
        let mut uses_attribs = false;
        for part in Part::ALL {
            uses_attribs |= check::names(&environment, part)?;
        }
        Ok(Self {
            environment,
            uses_attribs,
            campaign_id: content.campaign.0.into(),
            campaign_name: content.campaign_name.as_str().into(),
            from,
        })
    }

    /// Fills the templates in for one recipient. `unsubscribe_url` must have no character that HTML escapes.
    pub(crate) fn render(&self, to: Recipient<'_>, unsubscribe_url: &str) -> Result<Texts, RenderError> {
        let attribs = if self.uses_attribs { attribs(&to.subscriber.attribs)? } else { Value::UNDEFINED };
        let scope = Scope::new(self, to.subscriber, attribs, unsubscribe_url);
        let subject = self.render_part(Part::Subject, scope.value())?;
        let root = scope.with_subject(&subject).value();
        let html = self.render_part(Part::Html, root.clone())?;
        let text = self.render_part(Part::Text, root)?;
        Ok(Texts { subject, html, text })
    }

    fn render_part(&self, part: Part, root: Value) -> Result<String, RenderError> {
        let out = &mut Bounded(Vec::new());
        let template = self.environment.get_template(part.name());
        let template = template.map_err(|err| render_error(part, "", &err))?;
        out.0.reserve(template.source().len());
        let rendered = template.render_captured_to(root, &mut *out);
        rendered.map_err(|err| render_error(part, template.source(), &err))?;
        String::from_utf8(std::mem::take(&mut out.0))
            .map_err(|_| RenderError { text: format!("{}: the result is not text", part.name()) })
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MAX_STEPS));
    environment.set_auto_escape_callback(|name| {
        if name == Part::Html.name() { AutoEscape::Html } else { AutoEscape::None }
    });
    environment
}

fn add(environment: &mut Environment<'static>, part: Part, source: &str) -> Result<(), TemplateError> {
    environment.add_template_owned(part.name(), source.to_owned()).map_err(|err| TemplateError::Syntax {
        part,
        line: err.line().unwrap_or(1),
        what: err.detail().map_or_else(|| err.kind().to_string(), str::to_owned),
    })
}

fn attribs(json: &str) -> Result<Value, RenderError> {
    let attribs: Option<Value> = serde_json::from_str(json).ok();
    attribs
        .filter(|attribs| attribs.kind() == ValueKind::Map)
        .ok_or_else(|| RenderError { text: "the subscriber's attributes are no JSON object".to_owned() })
}

/// Says where, what and in which expression. The engine's own detail is left out: it may repeat values.
fn render_error(part: Part, source: &str, err: &Error) -> RenderError {
    let what = if err.kind() == ErrorKind::OutOfFuel {
        "the template takes too many steps".to_owned()
    } else if err.kind() == ErrorKind::WriteFailure {
        format!("the result is longer than {MAX_PART} bytes")
    } else {
        err.kind().to_string()
    };
    let quote = err.range().map(|range| quote(source, range)).filter(|quote| !quote.is_empty());
    let quote = quote.map(|quote| format!(" in `{quote}`")).unwrap_or_default();
    RenderError { text: format!("{}, line {}: {what}{quote}", part.name(), err.line().unwrap_or(1)) }
}

/// The failing expression on one line. The engine's range begins at the first dot of a path: its root is added.
fn quote(source: &str, range: std::ops::Range<usize>) -> String {
    let is_path = |c: char| c.is_alphanumeric() || "_.[]'\"".contains(c);
    let root = source.get(..range.start).map_or(range.start, |before| before.trim_end_matches(is_path).len());
    let words: Vec<&str> = source.get(root..range.end).unwrap_or_default().split_whitespace().collect();
    words.join(" ").chars().take(MAX_QUOTE).collect()
}

/// Takes bytes until it holds too many.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_PART {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
