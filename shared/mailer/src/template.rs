//! The three templates of a campaign, compiled once per content version and filled in per recipient.
//!
//! Two kinds of mistakes are told apart. What is wrong for everybody (syntax, a name nobody knows, the From
//! header) is a [`TemplateError`] and should be found by [`validate`] when the campaign is made. What is missing
//! for one recipient (an attribute) is a [`RenderError`] and fails that recipient alone: undefined variables are
//! errors, never empty text.
//!
//! Both speak of the template only. No error repeats a value: what a value was is the subscriber's business.
//!
//! A part is made in one of two ways that give the same text, which a test compares on random templates:
//!
//! ```text
//! fast    cut into pieces; literals encoded once, values looked up, escaped, encoded and spliced in
//! slow    rendered whole by the engine, then encoded: what cannot be cut, and whatever fails on the fast way
//! ```
//!
//! The slow way knows the words for errors. What a value becomes where it stands is in [`crate::escape`]; it is
//! decided on the template, before either way ([`guard`]).

mod body;
mod cache;
mod check;
mod cut;
mod engine;
pub(crate) mod guard;
mod scope;
mod values;

use fanmail_domain::Content;
use fanmail_engine::ports::{Recipient, RenderError};
use minijinja::Environment;
use minijinja::value::Value;

use body::Body;
pub(crate) use cache::Cache;
use scope::Scope;
use values::Values;

use crate::escape;
use crate::extras::{self, ExtrasError};
use crate::mime::Frame;
use crate::sender::{Sender, SenderError};
use crate::text_part;

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
    /// A header of the campaign's own, or an attachment.
    #[error("{0}")]
    Extras(ExtrasError),
}

/// Whether this content can be sent.
///
/// Its templates parse and use only names that exist, its From header is one, and so is everything that goes with
/// the texts. Whether every recipient has every attribute is only known when they are rendered.
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
    subject: Body,
    html: Body,
    text: Body,
    frame: Frame,
    /// Of one message, about, in bytes.
    size: usize,
    /// The From header.
    pub(crate) from: Sender,
    /// A message of the kind that its recipient has asked for.
    pub(crate) is_transactional: bool,
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
        let mut environment = engine::environment();
        let subject = escape::lines(&content.subject);
        engine::add(&mut environment, Part::Subject, &subject)?;
        let plain_html = escape::lines(&content.html);
        // As it was written first: its mistakes are its author's, and the guard reads only what parses.
        engine::add(&mut environment, Part::Html, &plain_html)?;
        let html = guard::html(&plain_html);
        engine::add(&mut environment, Part::Html, &html)?;
        let given = content.text.as_deref().map(|text| escape::lines(text).into_owned());
        let derived = given.is_none();
        let text = given.unwrap_or_else(|| text_part::derive(&plain_html));
        let added = engine::add(&mut environment, Part::Text, &text);
        added.map_err(|err| if derived { TemplateError::NotDerivable } else { err })?;
        let mut uses_attribs = false;
        for part in Part::ALL {
            uses_attribs |= check::names(&environment, part)?;
        }
        let files = extras::check(&content.extras, &content.html).map_err(TemplateError::Extras)?;
        let subject = Body::new(&mut environment, Part::Subject, &subject);
        let (html, html_len) = (Body::new(&mut environment, Part::Html, &html), html.len());
        let (text, text_len) = (Body::new(&mut environment, Part::Text, &text), text.len());
        let frame = Frame::new(content, &from, &files, text.encoding, html.encoding);
        let size = frame.len() + (html_len + text_len) * 5 / 4 + 1000;
        let campaign_name = content.campaign_name.as_str().into();
        let campaign_id = content.campaign.0.into();
        Ok(Self {
            environment,
            uses_attribs,
            campaign_id,
            campaign_name,
            subject,
            html,
            text,
            frame,
            size,
            from,
            is_transactional: content.extras.transactional,
        })
    }

    /// One message. `head` writes the header lines that vary, given the subject; `unsubscribe_url` must have no
    /// character that HTML escapes.
    pub(crate) fn message(
        &self,
        to: Recipient<'_>,
        unsubscribe_url: &str,
        head: impl Fn(&str, &mut Vec<u8>),
    ) -> Result<Vec<u8>, RenderError> {
        let mut out = Vec::with_capacity(self.size);
        if self.splice(to, unsubscribe_url, &head, &mut out).is_none() {
            let texts = self.render(to, unsubscribe_url)?;
            out.clear();
            self.encode(&texts, &head, &mut out);
        }
        Ok(out)
    }

    /// The fast way; `None` for whatever goes wrong.
    fn splice(
        &self,
        to: Recipient<'_>,
        unsubscribe_url: &str,
        head: impl Fn(&str, &mut Vec<u8>),
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let values = Values::new(self, to.subscriber, unsubscribe_url);
        let subject = self.subject.text(self, &values)?;
        let values = values.with_subject(&subject);
        out.extend_from_slice(&self.frame.begin);
        head(&subject, out);
        out.extend_from_slice(&self.frame.before_text);
        self.text.write(self, &values, out)?;
        out.extend_from_slice(&self.frame.before_html);
        self.html.write(self, &values, out)?;
        out.extend_from_slice(&self.frame.after);
        Some(())
    }

    /// The second half of the slow way.
    fn encode(&self, texts: &Texts, head: impl Fn(&str, &mut Vec<u8>), out: &mut Vec<u8>) {
        out.extend_from_slice(&self.frame.begin);
        head(&texts.subject, out);
        out.extend_from_slice(&self.frame.before_text);
        self.text.encoding.encode(&texts.text, out);
        out.extend_from_slice(&self.frame.before_html);
        self.html.encoding.encode(&texts.html, out);
        out.extend_from_slice(&self.frame.after);
    }

    /// Fills the templates in for one recipient, on the slow way. `unsubscribe_url` as in [`Self::message`].
    pub(crate) fn render(&self, to: Recipient<'_>, unsubscribe_url: &str) -> Result<Texts, RenderError> {
        let attribs =
            if self.uses_attribs { engine::attribs(&to.subscriber.attribs)? } else { Value::UNDEFINED };
        let scope = Scope::new(self, to.subscriber, attribs, unsubscribe_url);
        let render = |part, root| engine::render(&self.environment, part, root);
        let subject = render(Part::Subject, scope.value())?;
        let root = scope.with_subject(&subject).value();
        let html = render(Part::Html, root.clone())?;
        let text = render(Part::Text, root)?;
        Ok(Texts { subject, html, text })
    }
}

#[cfg(test)]
mod tests;
