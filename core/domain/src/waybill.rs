//! Waybill numbers (domain 12.1). A network's own pattern is data of its rule pack.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;

/// A normalised waybill number: NFKC, upper case, no spaces; 4 to 40 characters of `A-Z 0-9 -`.
///
/// ```
/// use doorstep_domain::Waybill;
///
/// // A typed and a scanned number become the same waybill, and so one case on every device.
/// let typed = Waybill::parse(" qh 3100 0000 0017 ")?;
/// assert_eq!(typed, Waybill::parse("ＱＨ310000000017")?);
/// assert_eq!(typed.as_str(), "QH310000000017");
/// assert!(Waybill::parse("no.17").is_err());
/// # Ok::<(), doorstep_domain::WaybillError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Waybill(String);

/// Why a text is not a waybill number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WaybillError {
    /// Shorter than 4 or longer than 40 characters after normalising.
    #[error("waybill has {0} characters, not 4 to 40")]
    Length(usize),
    /// A character other than a letter, a digit or `-`.
    #[error("waybill has a character other than a letter, a digit or -")]
    Character,
}

impl Waybill {
    /// Reads a typed or scanned number. Full-width forms, lower case and spaces are normalised.
    pub fn parse(text: &str) -> Result<Self, WaybillError> {
        // Limit the length before normalising, because normalising can make a text longer.
        if text.chars().count() > 200 {
            return Err(WaybillError::Length(text.chars().count()));
        }
        let clean: String = text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        if !clean.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(WaybillError::Character);
        }
        if !(4..=40).contains(&clean.len()) {
            return Err(WaybillError::Length(clean.len()));
        }
        Ok(Self(clean))
    }

    /// The normalised number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Waybill {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

impl fmt::Display for Waybill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Waybill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waybill({})", self.0)
    }
}

/// Whether a number in the shape of UPU S10 (two letters, nine digits, two letters) has the right check digit;
/// `None` if it has another shape. Weights 8 6 4 2 3 5 9 7, c = 11 - (sum mod 11), 10 counts as 0, 11 as 5 (domain 12.1).
pub fn check_s10(waybill: &Waybill) -> Option<bool> {
    let (letters, rest) = waybill.0.as_bytes().split_first_chunk::<2>()?;
    let (digits, country) = rest.split_first_chunk::<9>()?;
    let shape = letters.iter().all(u8::is_ascii_uppercase)
        && digits.iter().all(u8::is_ascii_digit)
        && country.len() == 2
        && country.iter().all(u8::is_ascii_uppercase);
    if !shape {
        return None;
    }
    let [serial @ .., check] = digits;
    let sum: u32 = serial.iter().zip([8, 6, 4, 2, 3, 5, 9, 7]).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let expected = match 11 - sum % 11 {
        10 => 0,
        11 => 5,
        digit => digit,
    };
    Some(u32::from(check - b'0') == expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_digit_of_s10_numbers_is_verified() {
        let check = |text| check_s10(&Waybill::parse(text).unwrap());
        assert_eq!(check("EB000717595HK"), Some(true));
        assert_eq!(check("EB000717594HK"), Some(false));
        assert_eq!(check("EE471108151FR"), Some(true));
        assert_eq!(check("RR473124829GB"), Some(true));
        assert_eq!(check("CP966331020CN"), Some(true), "a remainder of 1 gives 0");
        assert_eq!(check("CP761294038CN"), Some(true));
        assert_eq!(check("QH310000000017"), None);
    }

    #[test]
    fn a_waybill_that_cannot_be_one_is_refused_with_the_reason() {
        assert_eq!(Waybill::parse(" 12 "), Err(WaybillError::Length(2)));
        assert_eq!(Waybill::parse("QH31/0001"), Err(WaybillError::Character));
        assert_eq!(Waybill::parse("快递单号"), Err(WaybillError::Character));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,60}") {
            if let Ok(once) = Waybill::parse(&text) {
                prop_assert_eq!(Waybill::parse(once.as_str()).unwrap(), once);
            }
        }
    }
}
