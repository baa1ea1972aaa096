//! Conversion of enumerations to their spelling.

use doorstep_domain::{FreightKind, SmsState};

use crate::{FromValue, ToValue, Value, ValueError, plain::text};

macro_rules! words {
    ($($word:ident),+) => {$(
        impl ToValue for $word {
            fn to_value(&self) -> Result<Value<'_>, ValueError> {
                self.as_str().to_value()
            }
        }
        impl FromValue for $word {
            fn from_value(value: &Value<'_>) -> Result<Self, ValueError> {
                Self::from_word(text(value)?).ok_or(ValueError::Content(stringify!($word)))
            }
        }
    )+};
}
words!(FreightKind, SmsState);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_of_an_sms_is_read_as_it_was_stored() {
        for state in SmsState::ALL {
            assert_eq!(SmsState::from_value(&state.to_value().unwrap()).as_ref(), Ok(state));
        }
    }

    #[test]
    fn each_kind_of_freight_is_read_as_it_was_stored() {
        for kind in FreightKind::ALL {
            assert_eq!(FreightKind::from_value(&kind.to_value().unwrap()).as_ref(), Ok(kind));
        }
    }

    #[test]
    fn a_word_of_no_known_state_is_an_error_that_does_not_say_it() {
        let other = Value::Text("flown".into());
        assert_eq!(SmsState::from_value(&other), Err(ValueError::Content("SmsState")));
    }
}
