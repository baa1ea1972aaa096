//! Conversion of enumerations to their spelling.

use doorstep_domain::SmsState;

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
words!(SmsState);

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
    fn a_word_of_no_known_state_is_an_error_that_does_not_say_it() {
        let other = Value::Text("flown".into());
        assert_eq!(SmsState::from_value(&other), Err(ValueError::Content("SmsState")));
    }
}
