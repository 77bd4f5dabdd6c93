//! The members of one recorded operation, read with the name of the member in every refusal.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::Refused;
use crate::model::InvalidId;

/// The longest text that a field for one line takes.
pub const LINE: usize = 256;
/// The longest text that a field for some sentences takes.
pub const TEXT: usize = 2048;

/// The members of one JSON object.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The members of `value`, which has to be an object.
    pub fn of(value: &'a Value, what: &'static str) -> Result<Self, Refused> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Refused::Shape { field: what, expected: "an object" }),
        }
    }

    /// A text that has to be there.
    pub fn text(self, field: &'static str) -> Result<&'a str, Refused> {
        match self.0.get(field) {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Null) | None => Err(Refused::Missing { field }),
            Some(_) => Err(Refused::Shape { field, expected: "a text" }),
        }
    }

    /// A text for people, cut to `limit` characters; nothing if it is empty or not a text.
    pub fn words(self, field: &str, limit: usize) -> Option<String> {
        let text = self.0.get(field)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(limit).collect())
    }

    /// An identifier of AWS.
    pub fn id<T: FromStr<Err = InvalidId>>(self, field: &'static str) -> Result<T, Refused> {
        self.text(field)?.parse().map_err(|source| Refused::Id { field, source })
    }

    /// The elements of a list; none if it is absent.
    pub fn list(self, field: &'static str) -> Result<&'a [Value], Refused> {
        match self.0.get(field) {
            Some(Value::Array(list)) => Ok(list),
            Some(Value::Null) | None => Ok(&[]),
            Some(_) => Err(Refused::Shape { field, expected: "a list" }),
        }
    }

    /// The texts of a list; none if it is absent.
    pub fn texts(
        self,
        field: &'static str,
    ) -> Result<impl Iterator<Item = Result<&'a str, Refused>> + use<'a>, Refused> {
        Ok(self.list(field)?.iter().map(move |value| {
            value.as_str().ok_or(Refused::Shape { field, expected: "a list of texts" })
        }))
    }

    /// The different identifiers of AWS in a list; none if it is absent.
    pub fn ids<T>(self, field: &'static str) -> Result<BTreeSet<T>, Refused>
    where
        T: FromStr<Err = InvalidId> + Ord,
    {
        let parse = |text: &str| text.parse().map_err(|source| Refused::Id { field, source });
        self.texts(field)?.map(|text| parse(text?)).collect()
    }

    /// Whether it is there and true.
    pub fn is_true(self, field: &str) -> bool {
        self.0.get(field).and_then(Value::as_bool) == Some(true)
    }

    /// A number; nothing if it is not one.
    pub fn number(self, field: &str) -> Option<f64> {
        self.0.get(field)?.as_f64()
    }

    /// Whether it is there at all.
    pub fn has(self, field: &str) -> bool {
        self.0.get(field).is_some_and(|value| !value.is_null())
    }

    /// The members of an object within this one.
    pub fn object(self, field: &str) -> Option<Self> {
        self.0.get(field)?.as_object().map(Self)
    }
}
