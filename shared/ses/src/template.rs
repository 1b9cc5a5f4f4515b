//! A template in SES's own language, made of literals and values.
//!
//! SES fills in `{{name}}` (Handlebars) and escapes nothing (developer guide, "Using templates to send personalized
//! email"). So a template qualifies if it is literals and values in one order for every recipient, each value's text
//! being known up front and escaped for where it stands: HTML, a link, plain text, a subject. Loops and
//! conditions do not, unless whoever renders makes a value of their results; nor do attachments.
//!
//! A literal must not be able to open a tag, alone or together with a value beside it: `{{` in it, `{` or `\`
//! before a value, `}` after one. Such a template is [`NotExpressible`], and is sent message by message.

use crate::json;

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// The same for every recipient.
    Literal(&'a str),
    /// The recipient's value with this number, from 0.
    Value(usize),
}

/// Why a bulk call cannot say what is wanted. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotExpressible {
    /// A literal would be read as a tag.
    #[error("a literal part of the template would be read as a tag")]
    Tag,
    /// The template is larger than SES takes, 500 KB.
    #[error("the template is larger than SES takes")]
    TemplateTooLarge,
    /// An entry has another number of values than the template.
    #[error("the template has {wanted} values and the entry {given}")]
    Values {
        /// Of the template.
        wanted: usize,
        /// Of the entry.
        given: usize,
    },
    /// An entry's values are larger than SES takes, 262,144 characters of JSON.
    #[error("the values of one entry are larger than SES takes")]
    ValuesTooLarge,
    /// An entry has more than fifteen headers.
    #[error("an entry has more than fifteen headers")]
    Headers,
    /// There are fifty entries already.
    #[error("a bulk call has at most fifty entries")]
    Full,
}

/// "The maximum size of an individual template is 500 KB" (developer guide, "Service quotas").
const MAX_TEMPLATE_BYTES: usize = 500 * 1024;

/// A subject, a text and an HTML part, in SES's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineTemplate {
    parts: [String; 3],
    values: usize,
}

impl InlineTemplate {
    /// Writes the three parts down.
    ///
    /// # Errors
    ///
    /// [`NotExpressible::Tag`] or [`NotExpressible::TemplateTooLarge`].
    pub fn new(
        subject: &[Piece<'_>],
        text: &[Piece<'_>],
        html: &[Piece<'_>],
    ) -> Result<Self, NotExpressible> {
        let parts = [written(subject)?, written(text)?, written(html)?];
        if parts.iter().map(String::len).sum::<usize>() > MAX_TEMPLATE_BYTES {
            return Err(NotExpressible::TemplateTooLarge);
        }
        let used = [subject, text, html].into_iter().flatten().filter_map(|piece| match piece {
            Piece::Value(number) => Some(number + 1),
            Piece::Literal(_) => None,
        });
        Ok(Self { parts, values: used.max().unwrap_or(0) })
    }

    /// How many values each entry has.
    #[must_use]
    pub fn values(&self) -> usize {
        self.values
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (key, part) in ["{\"Subject\":", ",\"Text\":", ",\"Html\":"].iter().zip(&self.parts) {
            out.extend_from_slice(key.as_bytes());
            json::string(out, part);
        }
        out.push(b'}');
    }
}

/// `{"v0":"…","v1":"…"}`, the object that fills a template.
pub(crate) fn values(values: &[&str]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.iter().map(|value| value.len() + 12).sum());
    out.push(b'{');
    for (number, value) in values.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"" } else { b"," });
        json::string(&mut out, &format!("v{number}"));
        out.push(b':');
        json::string(&mut out, value);
    }
    out.push(b'}');
    out
}

fn written(pieces: &[Piece<'_>]) -> Result<String, NotExpressible> {
    let mut text = String::new();
    let mut after_value = false;
    for piece in pieces {
        match piece {
            Piece::Literal("") => {}
            Piece::Literal(literal) => {
                if after_value && literal.starts_with('}') {
                    return Err(NotExpressible::Tag);
                }
                text.push_str(literal);
                after_value = false;
            }
            Piece::Value(number) => {
                if text.ends_with(['{', '\\']) {
                    return Err(NotExpressible::Tag);
                }
                text.extend(["{{v", &number.to_string(), "}}"]);
                after_value = true;
            }
        }
    }
    opens_no_tag(pieces).map(|()| text)
}

/// Neighbouring literals count as one: two halves of a tag make a tag.
fn opens_no_tag(pieces: &[Piece<'_>]) -> Result<(), NotExpressible> {
    let literals = pieces.iter().map(|piece| match piece {
        Piece::Literal(literal) => *literal,
        Piece::Value(_) => "\n",
    });
    if literals.collect::<String>().contains("{{") { Err(NotExpressible::Tag) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Literal, Value};

    #[test]
    fn literals_and_values_become_a_template_of_ses() {
        let html = [Literal("<p>Dear "), Value(0), Literal(", { } see "), Value(1), Value(0)];
        let template = InlineTemplate::new(&[Literal("Hello")], &[Value(2)], &html).unwrap();
        assert_eq!(template.parts, ["Hello", "{{v2}}", "<p>Dear {{v0}}, { } see {{v1}}{{v0}}"]);
        assert_eq!(template.values(), 3);
    }

    #[test]
    fn a_literal_cannot_open_or_change_a_tag() {
        for pieces in [
            &[Literal("a {{ b")][..],
            &[Literal("a {"), Literal("{ b")],
            &[Literal("a {"), Literal(""), Literal("{ b")],
            &[Literal("a {"), Value(0)],
            &[Literal("a {"), Literal(""), Value(0)],
            &[Literal("a \\"), Value(0)],
            &[Value(0), Literal("}")],
            &[Value(0), Literal(""), Literal("}")],
        ] {
            assert_eq!(InlineTemplate::new(&[], &[], pieces), Err(NotExpressible::Tag), "{pieces:?}");
        }
    }

    #[test]
    fn a_template_has_the_size_that_ses_takes() {
        let long = "x".repeat(MAX_TEMPLATE_BYTES);
        assert!(InlineTemplate::new(&[], &[], &[Literal(&long)]).is_ok());
        let more = InlineTemplate::new(&[Literal("x")], &[], &[Literal(&long)]);
        assert_eq!(more, Err(NotExpressible::TemplateTooLarge));
    }
}
