//! Items in the form of DynamoDB: building them, and reading them with errors that name item and attribute.

use std::collections::HashMap;
use std::num::ParseIntError;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::DecodeError;
use crate::keys::Key;

/// One item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn bytes(value: Vec<u8>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

pub(crate) fn flag(value: bool) -> AttributeValue {
    AttributeValue::Bool(value)
}

/// An item under construction.
pub(crate) struct Builder(Item);

impl Builder {
    pub(crate) fn new(key: Key) -> Self {
        Self(key.into_item())
    }

    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn build(self) -> Item {
        self.0
    }
}

/// An item being read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Item);

impl<'a> Reader<'a> {
    pub(crate) fn number<T>(self, name: &str) -> Result<T, DecodeError>
    where
        T: FromStr<Err = ParseIntError>,
    {
        self.optional_number(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn optional_number<T>(self, name: &str) -> Result<Option<T>, DecodeError>
    where
        T: FromStr<Err = ParseIntError>,
    {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => self.parse(name, digits).map(Some),
            Some(_) => Err(self.malformed(name, "number")),
        }
    }

    /// A number in the digits of a key, or in what stands behind `prefix` there.
    pub(crate) fn digits<T>(self, name: &str, prefix: &str) -> Result<T, DecodeError>
    where
        T: FromStr<Err = ParseIntError>,
    {
        let digits =
            self.text(name)?.strip_prefix(prefix).ok_or_else(|| self.malformed(name, "key of its kind"))?;
        self.parse(name, digits)
    }

    pub(crate) fn text(self, name: &str) -> Result<&'a str, DecodeError> {
        self.optional_text(name)?.ok_or_else(|| self.missing(name))
    }

    pub(crate) fn optional_text(self, name: &str) -> Result<Option<&'a str>, DecodeError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.malformed(name, "text")),
        }
    }

    pub(crate) fn flag(self, name: &str) -> Result<bool, DecodeError> {
        match self.0.get(name) {
            Some(AttributeValue::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.malformed(name, "boolean")),
            None => Err(self.missing(name)),
        }
    }

    pub(crate) fn bytes(self, name: &str) -> Result<&'a [u8], DecodeError> {
        match self.0.get(name) {
            Some(AttributeValue::B(blob)) => Ok(blob.as_ref()),
            Some(_) => Err(self.malformed(name, "binary")),
            None => Err(self.missing(name)),
        }
    }

    pub(crate) fn texts(self, name: &str) -> Result<Vec<&'a str>, DecodeError> {
        let Some(AttributeValue::L(values)) = self.0.get(name) else {
            return Err(self.malformed(name, "list"));
        };
        let text = |value: &'a AttributeValue| value.as_s().map(String::as_str);
        values.iter().map(|value| text(value).map_err(|_| self.malformed(name, "list of texts"))).collect()
    }

    /// A text from a closed vocabulary.
    pub(crate) fn named<T>(
        self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, DecodeError> {
        read(self.text(name)?).ok_or_else(|| self.malformed(name, expected))
    }

    pub(crate) fn parse<T>(self, name: &str, digits: &str) -> Result<T, DecodeError>
    where
        T: FromStr<Err = ParseIntError>,
    {
        digits.parse().map_err(|source| DecodeError::Number {
            item: self.name(),
            attribute: name.to_owned(),
            source,
        })
    }

    pub(crate) fn malformed(self, name: &str, expected: &'static str) -> DecodeError {
        DecodeError::Malformed { item: self.name(), attribute: name.to_owned(), expected }
    }

    fn missing(self, name: &str) -> DecodeError {
        DecodeError::Missing { item: self.name(), attribute: name.to_owned() }
    }

    fn name(self) -> String {
        let part = |name| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.as_str(),
            _ => "?",
        };
        format!("{}/{}", part("pk"), part("sk"))
    }
}
