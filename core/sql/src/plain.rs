//! Numbers, texts and bytes.

use std::borrow::Cow;

use doorstep_domain::{Fen, Personal, UnixMs};

use crate::{FromValue, ToValue, Value, ValueError};

pub(crate) fn int(value: &Value<'_>) -> Result<i64, ValueError> {
    match value {
        Value::Int(number) => Ok(*number),
        other => Err(ValueError::Kind { wanted: "a number", found: other.kind() }),
    }
}

pub(crate) fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, ValueError> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(ValueError::Kind { wanted: "text", found: other.kind() }),
    }
}

pub(crate) fn bytes<'v>(value: &'v Value<'_>) -> Result<&'v [u8], ValueError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        other => Err(ValueError::Kind { wanted: "bytes", found: other.kind() }),
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl ToValue for $number {
            fn to_value(&self) -> Result<Value<'_>, ValueError> {
                i64::try_from(*self).map(Value::Int).map_err(|_| ValueError::Range)
            }
        }
        impl FromValue for $number {
            fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
                Self::try_from(int(value)?).map_err(|_| ValueError::Range)
            }
        }
    )+};
}
numbers!(i64, i32, u64, u32, u16, u8, usize);

impl ToValue for bool {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Int((*self).into()))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        int(value).map(|number| number != 0)
    }
}

impl ToValue for UnixMs {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Int(self.0))
    }
}

impl FromValue for UnixMs {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        int(value).map(Self)
    }
}

impl ToValue for Fen {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Int(self.0))
    }
}

impl FromValue for Fen {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        int(value).map(Self)
    }
}

impl ToValue for Personal {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_bytes().to_value()
    }
}

impl FromValue for Personal {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        Self::from_bytes(bytes(value)?).map_err(|_| ValueError::Content("Personal"))
    }
}

impl ToValue for str {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Text(Cow::Borrowed(self)))
    }
}

impl ToValue for String {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_str().to_value()
    }
}

impl FromValue for String {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        text(value).map(str::to_owned)
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Bytes(Cow::Borrowed(self)))
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_slice().to_value()
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        bytes(value).map(<[u8]>::to_vec)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_slice().to_value()
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        bytes(value)?.try_into().map_err(|_| ValueError::Content("bytes of this length"))
    }
}
