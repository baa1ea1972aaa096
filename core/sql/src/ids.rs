//! Conversions of ids to bytes, of codes and words to text, and of heads to the concatenated bytes of their hashes.

use std::borrow::Cow;

use doorstep_domain::{
    ActionId, BatchHash, BootId, CaseId, ChangeHash, Day, DeviceId, Digest, EntryKey, HistoryId, InstallId, MessageKey,
    NetworkCode, OutletCode, PhotoId, ReasonCode, Role, Tag, UserId, Waybill,
};

use crate::{
    FromValue, ToValue, Value, ValueError,
    plain::{bytes, text},
};

macro_rules! ids {
    ($($id:ident),+) => {$(
        impl ToValue for $id {
            fn to_value(&self) -> Result<Value<'_>, ValueError> {
                self.as_bytes().to_value()
            }
        }
        impl FromValue for $id {
            fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
                Self::try_from(bytes(value)?).map_err(|_| ValueError::Content(stringify!($id)))
            }
        }
    )+};
}
ids!(CaseId, InstallId, DeviceId, ActionId, MessageKey, HistoryId, ChangeHash, BatchHash, PhotoId, Digest);

impl ToValue for BootId {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.0.to_value()
    }
}

impl FromValue for BootId {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        FromValue::from_value(value).map(Self)
    }
}

macro_rules! codes {
    ($($code:ident),+) => {$(
        impl ToValue for $code {
            fn to_value(&self) -> Result<Value<'_>, ValueError> {
                self.as_str().to_value()
            }
        }
        impl FromValue for $code {
            fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
                text(value)?.parse().map_err(|_| ValueError::Content(stringify!($code)))
            }
        }
    )+};
}
codes!(NetworkCode, OutletCode, UserId, ReasonCode, Role);

impl ToValue for Waybill {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_str().to_value()
    }
}

impl FromValue for Waybill {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        Self::parse(text(value)?).map_err(|_| ValueError::Content("Waybill"))
    }
}

impl ToValue for Day {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Text(Cow::Owned(self.to_string())))
    }
}

impl FromValue for Day {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        text(value)?.parse().map_err(|_| ValueError::Content("Day"))
    }
}

impl ToValue for Tag {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_str().to_value()
    }
}

impl FromValue for Tag {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        Self::from_text(text(value)?).ok_or(ValueError::Content("Tag"))
    }
}

impl ToValue for EntryKey {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Text(Cow::Owned(self.to_string())))
    }
}

impl FromValue for EntryKey {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        text(value)?.parse().map_err(|_| ValueError::Content("EntryKey"))
    }
}

impl ToValue for [ChangeHash] {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        Ok(Value::Bytes(Cow::Owned(self.iter().flat_map(|hash| *hash.as_bytes()).collect())))
    }
}

impl ToValue for Vec<ChangeHash> {
    fn to_value(&self) -> Result<Value<'_>, ValueError> {
        self.as_slice().to_value()
    }
}

impl FromValue for Vec<ChangeHash> {
    fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
        let hashes = bytes(value)?.chunks(32).map(ChangeHash::try_from);
        hashes.collect::<Result<_, _>>().map_err(|_| ValueError::Content("hashes"))
    }
}

#[cfg(test)]
mod tests {
    use doorstep_domain::{InstallId, Personal};
    use proptest::prelude::*;

    use super::*;

    fn survives<T: ToValue + FromValue + PartialEq + std::fmt::Debug>(it: T) {
        assert_eq!(T::from_value(&it.to_value().unwrap()).unwrap(), it);
    }

    proptest! {
        #[test]
        fn each_type_is_read_as_it_was_stored(bytes: [u8; 32], seq in 1..u64::MAX, index: Option<u32>, number: i64, boot: [u8; 4]) {
            let half: [u8; 16] = bytes[..16].try_into().unwrap();
            survives(CaseId::new(half));
            survives(BatchHash::new(bytes));
            survives(BootId(boot));
            survives(vec![ChangeHash::new(bytes), ChangeHash::new([1; 32])]);
            let tag = Tag::of(&InstallId::new(half));
            survives(tag);
            survives(EntryKey { kind: "attempt".into(), tag, seq, index });
            survives(number);
            survives(Some(number));
            survives(number % 2 == 0);
            survives(bytes.to_vec());
        }
    }

    #[test]
    fn each_role_and_code_is_read_as_it_was_stored() {
        Role::ALL.iter().for_each(|role| survives(*role));
        survives::<OutletCode>("HZ-01".parse().unwrap());
        survives(Waybill::parse("QH310000000017").unwrap());
    }

    #[test]
    fn a_personal_value_is_read_as_it_was_stored_and_a_damaged_one_is_an_error() {
        survives(Personal::plain("Wu Ming").unwrap());
        assert_eq!(Personal::from_value(&Value::Bytes(vec![0].into())), Err(ValueError::Content("Personal")));
    }

    #[test]
    fn a_column_that_holds_something_else_is_an_error_that_does_not_say_what() {
        let other = Value::Text("13800138000".into());
        let error = CaseId::from_value(&other).unwrap_err();
        assert_eq!(error, ValueError::Kind { wanted: "bytes", found: "text" });
        assert!(!error.to_string().contains("138"));
        assert_eq!(CaseId::from_value(&Value::Bytes(vec![1; 15].into())), Err(ValueError::Content("CaseId")));
        assert_eq!(Vec::<ChangeHash>::from_value(&Value::Bytes(vec![1; 33].into())), Err(ValueError::Content("hashes")));
        assert_eq!(OutletCode::from_value(&Value::Text("no such code".into())), Err(ValueError::Content("OutletCode")));
        assert_eq!(i64::from_value(&Value::Null), Err(ValueError::Kind { wanted: "a number", found: "nothing" }));
    }

    #[test]
    fn a_number_that_a_column_can_not_hold_is_refused() {
        assert_eq!(u64::MAX.to_value(), Err(ValueError::Range));
        assert_eq!(u16::from_value(&Value::Int(70_000)), Err(ValueError::Range));
        assert_eq!(u64::from_value(&Value::Int(-1)), Err(ValueError::Range));
    }
}
