//! Conversion of our types to SQL values, shared by the device's store and the server.
//!
//! A [`Value`] is one of the four kinds that every engine has. This crate depends on no engine: the device's store and the server
//! each convert an engine's row to a [`Row`], and a [`Value`] to an engine's parameter, in one place.
//!
//! ```
//! use doorstep_domain::{CaseId, UnixMs};
//! use doorstep_sql::{FromValue, ToValue, Value};
//!
//! let case = CaseId::new([7; 16]);
//! let stored = case.to_value()?;
//! assert!(matches!(&stored, Value::Bytes(bytes) if bytes.len() == 16));
//! assert_eq!(CaseId::from_value(&stored)?, case);
//! assert_eq!(Option::<UnixMs>::from_value(&Value::Null)?, None);
//! # Ok::<(), doorstep_sql::ValueError>(())
//! ```

mod ids;
pub mod link;
mod plain;
pub mod receipt;
mod words;

use std::borrow::Cow;

/// One column's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number; booleans are 0 and 1.
    Int(i64),
    /// UTF-8 text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The name of the kind, for an error without the content.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        }
    }

    /// The same value without a borrow.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// Why a value cannot be stored, or a stored value cannot be read. It never contains the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The column holds another kind of value.
    #[error("column holds {found}, not {wanted}")]
    Kind {
        /// The kind as which the type is stored.
        wanted: &'static str,
        /// The kind that was found.
        found: &'static str,
    },
    /// The column has a value of the right kind that is not valid for the type.
    #[error("column holds no {0}")]
    Content(&'static str),
    /// A number does not fit into a signed 64-bit column.
    #[error("number does not fit a column or a type")]
    Range,
    /// The row has fewer columns.
    #[error("row has no column {0}")]
    Missing(usize),
}

/// A type that can be stored.
pub trait ToValue {
    /// The stored value. Errors: [`ValueError::Range`] for a number over `i64::MAX`.
    fn to_value(&self) -> Result<Value<'_>, ValueError>;
}

/// A type that can be read back.
pub trait FromValue: Sized {
    /// Reads the type from a stored value. Errors: the column has another kind of value or content.
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError>;
}

/// A row of an engine.
pub trait Row {
    /// The value of a column, from 0.
    fn value(&self, at: usize) -> Result<Value<'_>, ValueError>;

    /// A column, from 0, converted to a type.
    fn get<T: FromValue>(&self, at: usize) -> Result<T, ValueError> {
        T::from_value(&self.value(at)?)
    }

    /// A text column of a type that is read by `FromStr`. `what` names the type in an error.
    fn parse<T: std::str::FromStr>(&self, at: usize, what: &'static str) -> Result<T, ValueError> {
        match self.value(at)? {
            Value::Text(text) => text.parse().map_err(|_| ValueError::Content(what)),
            other => Err(ValueError::Kind { wanted: "text", found: other.kind() }),
        }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_ref().map_or(Ok(Value::Null), T::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl ToValue for Value<'_> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        })
    }
}

impl FromValue for Value<'static> {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        Ok(value.clone().into_owned())
    }
}
