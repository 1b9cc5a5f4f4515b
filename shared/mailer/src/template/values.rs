//! What a template asks for about one recipient, handed out without the template engine where a plain path asks.
//!
//! Attributes are parsed once per recipient, and only where a template asks for one.

use std::borrow::Cow;
use std::cell::OnceCell;

use fanmail_domain::Subscriber;
use minijinja::value::Value;

use super::cut::{self, Path};
use super::scope::Scope;
use super::{Compiled, Part, engine, guard};
use crate::escape;

/// One recipient's values.
pub(super) struct Values<'a> {
    compiled: &'a Compiled,
    subscriber: &'a Subscriber,
    unsubscribe_url: &'a str,
    /// Once it is rendered.
    subject: OnceCell<&'a str>,
    attribs: OnceCell<Option<Value>>,
    root: OnceCell<Option<Value>>,
}

impl<'a> Values<'a> {
    pub(super) fn new(compiled: &'a Compiled, subscriber: &'a Subscriber, unsubscribe_url: &'a str) -> Self {
        let (attribs, root) = (OnceCell::new(), OnceCell::new());
        Self { compiled, subscriber, unsubscribe_url, subject: OnceCell::new(), attribs, root }
    }

    /// The same, which from now on knows the subject.
    pub(super) fn with_subject(mut self, subject: &'a str) -> Self {
        self.subject = OnceCell::from(subject);
        self.root = OnceCell::new();
        self
    }

    /// What the engine needs to render a unit.
    pub(super) fn root(&self) -> Option<Value> {
        self.root.get_or_init(|| self.make_root()).clone()
    }

    fn make_root(&self) -> Option<Value> {
        let attribs = if self.compiled.uses_attribs { self.attribs()?.clone() } else { Value::UNDEFINED };
        let scope = Scope::new(self.compiled, self.subscriber, attribs, self.unsubscribe_url);
        let scope = match self.subject.get() {
            Some(subject) => scope.with_subject(subject),
            None => scope,
        };
        Some(scope.value())
    }

    fn attribs(&self) -> Option<&Value> {
        self.attribs.get_or_init(|| engine::attribs(&self.subscriber.attribs).ok()).as_ref()
    }

    /// A value as it stands in `part`: escaped, but not encoded. `None` if there is none.
    pub(super) fn escaped(&self, value: &cut::Value, part: Part) -> Option<Cow<'_, str>> {
        let text = self.text(&value.path)?;
        let mut is_safe = value.path == Path::UnsubscribeUrl;
        let text = match value.function {
            Some(guard::LINK_URL) if is_safe => escape::link(&text).map(|_| text.clone())?,
            Some(guard::LINK_URL) => escape::link(&text)?.into_owned().into(),
            Some(guard::URL_PART) if !is_safe => {
                is_safe = true;
                escape::percent(&text, b"").into()
            }
            _ => text,
        };
        let text = then(text, escape::lines);
        Some(if part == Part::Html && !is_safe { then(text, escape::html) } else { text })
    }

    fn text(&self, path: &Path) -> Option<Cow<'_, str>> {
        Some(match path {
            Path::Id => self.subscriber.id.number().to_string().into(),
            Path::Email => self.subscriber.email.expose().into(),
            Path::Name => self.subscriber.name.as_str().into(),
            Path::FirstName => self.subscriber.first_name().into(),
            Path::LastName => self.subscriber.last_name().into(),
            Path::Attribute(names) => self.attribute(names)?.into(),
            Path::CampaignId => self.compiled.campaign_id.to_string().into(),
            Path::CampaignName => self.compiled.campaign_name.to_string().into(),
            Path::CampaignSubject => Cow::Borrowed(*self.subject.get()?),
            Path::UnsubscribeUrl => self.unsubscribe_url.into(),
        })
    }

    fn attribute(&self, names: &[String]) -> Option<String> {
        let (first, rest) = names.split_first()?;
        let mut value = self.attribs()?.get_attr(first).ok()?;
        for name in rest {
            value = value.get_attr(name).ok()?;
        }
        let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_undefined()).then(text)
    }
}

/// Goes on with what was borrowed without copying it.
fn then<'a>(text: Cow<'a, str>, change: impl for<'b> Fn(&'b str) -> Cow<'b, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => change(text),
        Cow::Owned(text) => match change(&text) {
            Cow::Borrowed(_) => Cow::Owned(text),
            Cow::Owned(changed) => Cow::Owned(changed),
        },
    }
}
