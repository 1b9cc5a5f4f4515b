//! The template engine as fanmail uses it: strict about undefined variables, bounded in steps and size, escaping
//! by the rules of [`crate::escape`], and silent about values in its errors.

use std::io;

use fanmail_engine::ports::RenderError;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::{Part, TemplateError, guard};
use crate::escape;

/// The most that one part may grow to, in bytes.
pub(super) const MAX_PART: usize = 1 << 20;
/// The most steps that one part may take. A part of 7 KB with a dozen variables takes about a hundred.
const MAX_STEPS: u64 = 250_000;
/// The longest expression that an error repeats, in characters.
const MAX_QUOTE: usize = 80;
/// What is wrong with a link, in an error of ours.
const NO_LINK: &str = "a link begins with none of http:, https:, mailto:, tel: and cid:";

/// An environment without templates.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_debug(false);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MAX_STEPS));
    environment.set_auto_escape_callback(|name| {
        if name.starts_with(Part::Html.name()) { AutoEscape::Html } else { AutoEscape::None }
    });
    environment.set_formatter(|out, state, value| format(out, state, value));
    environment.add_filter("escape", |value: Value| escaped(&value));
    environment.add_filter("e", |value: Value| escaped(&value));
    environment.add_filter("urlencode", |value: Value| percent(&value, b"/"));
    environment.add_function(guard::URL_PART, |value: Value| percent(&value, b""));
    environment.add_function(guard::LINK_URL, |value: Value| link(&value));
    environment
}

fn format(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let owned;
    let text = if let Some(text) = value.as_str() {
        text
    } else {
        owned = value.to_string();
        &owned
    };
    let text = escape::lines(text);
    if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() {
        out.write_str(&escape::html(&text))?;
    } else {
        out.write_str(&text)?;
    }
    Ok(())
}

fn escaped(value: &Value) -> Result<Value, Error> {
    let text = defined(value)?;
    Ok(if value.is_safe() {
        value.clone()
    } else {
        Value::from_safe_string(escape::html(&text).into_owned())
    })
}

fn percent(value: &Value, kept: &[u8]) -> Result<Value, Error> {
    let text = defined(value)?;
    Ok(if value.is_safe() { value.clone() } else { Value::from_safe_string(escape::percent(&text, kept)) })
}

fn link(value: &Value) -> Result<Value, Error> {
    let text = defined(value)?;
    let Some(link) = escape::link(&text) else {
        return Err(Error::new(ErrorKind::InvalidOperation, NO_LINK));
    };
    Ok(if value.is_safe() { value.clone() } else { Value::from(link.into_owned()) })
}

fn defined(value: &Value) -> Result<String, Error> {
    if value.is_undefined() { Err(ErrorKind::UndefinedError.into()) } else { Ok(value.to_string()) }
}

/// Compiles one part.
pub(super) fn add(
    environment: &mut Environment<'static>,
    part: Part,
    source: &str,
) -> Result<(), TemplateError> {
    environment.add_template_owned(part.name(), source.to_owned()).map_err(|err| TemplateError::Syntax {
        part,
        line: err.line().unwrap_or(1),
        what: err.detail().map_or_else(|| err.kind().to_string(), str::to_owned),
    })
}

/// Renders one part as a whole.
pub(super) fn render(
    environment: &Environment<'static>,
    part: Part,
    root: Value,
) -> Result<String, RenderError> {
    let out = &mut Bounded(Vec::new());
    let template = environment.get_template(part.name());
    let template = template.map_err(|err| render_error(part, "", &err))?;
    out.0.reserve(template.source().len());
    let rendered = template.render_captured_to(root, &mut *out);
    rendered.map_err(|err| render_error(part, template.source(), &err))?;
    String::from_utf8(std::mem::take(&mut out.0))
        .map_err(|_| RenderError { text: format!("{}: the result is not text", part.name()) })
}

/// A recipient's attributes.
pub(super) fn attribs(json: &str) -> Result<Value, RenderError> {
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
    } else if err.detail() == Some(NO_LINK) {
        NO_LINK.to_owned()
    } else {
        err.kind().to_string()
    };
    let quote = err.range().map(|range| quote(source, range)).filter(|quote| !quote.is_empty());
    let quote = quote.map(|quote| format!(" in `{quote}`")).unwrap_or_default();
    RenderError { text: format!("{}, line {}: {what}{quote}", part.name(), err.line().unwrap_or(1)) }
}

/// The failing expression on one line, as its author wrote it. The engine's range begins at the first dot of a
/// path: its root is added.
fn quote(source: &str, range: std::ops::Range<usize>) -> String {
    let is_path = |c: char| c.is_alphanumeric() || "_.[]'\"".contains(c);
    let root = source.get(..range.start).map_or(range.start, |before| before.trim_end_matches(is_path).len());
    let words: Vec<&str> = source.get(root..range.end).unwrap_or_default().split_whitespace().collect();
    let words = words.join(" ");
    guard::unguarded(&words).chars().take(MAX_QUOTE).collect()
}

/// Takes bytes until it holds too many.
pub(super) struct Bounded(pub(super) Vec<u8>);

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
