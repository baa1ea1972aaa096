//! Waybill numbers (domain 12.1). A network's own pattern is data of its rule pack.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;

/// A normalised waybill number: NFKC, upper case, no spaces; 4 to 40 characters of `A-Z 0-9 -`. Invisible characters around the
/// number and the prefix of a scanner (`]C1`, the symbology identifier of ISO/IEC 15424) are no part of it.
///
/// ```
/// use doorstep_domain::Waybill;
///
/// // A typed and a scanned number become the same waybill, and so one case on every device.
/// let typed = Waybill::parse(" qh 3100 0000 0017 ")?;
/// assert_eq!(typed, Waybill::parse("ＱＨ310000000017")?);
/// assert_eq!(typed.as_str(), "QH310000000017");
/// assert_eq!(typed, Waybill::parse("]C1QH310000000017\u{200b}")?);
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
    /// An invisible character between the others. Without it the number may be another one, so it is not left out.
    #[error("waybill has {} inside", Named(*.0))]
    Invisible(char),
}

/// An invisible character by its code point and its name.
struct Named(char);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            '\u{ad}' => " (soft hyphen)",
            '\u{200b}' => " (zero width space)",
            '\u{200c}' => " (zero width non-joiner)",
            '\u{200d}' => " (zero width joiner)",
            '\u{200e}' => " (left-to-right mark)",
            '\u{200f}' => " (right-to-left mark)",
            '\u{2060}' => " (word joiner)",
            '\u{feff}' => " (byte order mark)",
            '\u{1d}' => " (group separator)",
            '\0' => " (zero byte)",
            _ => "",
        };
        write!(f, "U+{:04X}{name}", u32::from(self.0))
    }
}

/// Whether a character shows nothing and takes no room, so that nobody notices it: controls, and what is for the layout only.
/// The blanks are apart: they are left out everywhere.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text without a scanner's prefix: `]`, a letter for the kind of barcode and a digit for the reading.
fn without_prefix(text: &str) -> &str {
    let mut rest = text.chars();
    let is_prefix = rest.next() == Some(']')
        && rest.next().is_some_and(|c| c.is_ascii_alphabetic())
        && rest.next().is_some_and(|c| c.is_ascii_alphanumeric());
    if is_prefix { rest.as_str() } else { text }
}

impl Waybill {
    /// Reads a typed or scanned number. Full-width forms, lower case and spaces are normalised.
    pub fn parse(text: &str) -> Result<Self, WaybillError> {
        // Limit the length before normalising, because normalising can make a text longer.
        if text.chars().count() > 200 {
            return Err(WaybillError::Length(text.chars().count()));
        }
        let clean: String = text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        let clean = without_prefix(clean.trim_matches(is_invisible)).trim_matches(is_invisible);
        if let Some(invisible) = clean.chars().find(|c| is_invisible(*c)) {
            return Err(WaybillError::Invisible(invisible));
        }
        if !clean.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(WaybillError::Character);
        }
        if !(4..=40).contains(&clean.len()) {
            return Err(WaybillError::Length(clean.len()));
        }
        Ok(Self(clean.to_owned()))
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

    #[test]
    fn what_a_scanner_or_a_spreadsheet_puts_around_a_number_is_no_part_of_it() {
        let bare = Waybill::parse("QH310000000017").unwrap();
        for text in [
            "]C1QH310000000017",
            "]E0QH310000000017",
            "]Q3QH310000000017",
            "]d2qh310000000017",
            "]C1\u{1d}QH310000000017",
            "\u{feff}QH310000000017",
            "\u{200b}QH310000000017\u{200b}",
            "\u{a0}QH310000000017\u{a0}",
            "\u{202d}QH310000000017\u{202c}",
            "\u{feff} ]C1 QH3100 0000 0017\r\n",
            "\u{2}QH310000000017\u{3}",
            "QH310000000017\0",
        ] {
            assert_eq!(Waybill::parse(text).as_ref(), Ok(&bare), "{text:?}");
        }
        // Only one prefix is a scanner's, and only a whole one.
        for text in ["]C1]C1QH310000000017", "]QH310000000017-", "]1CQH310000000017", "QH310000000017]C1"] {
            let read = Waybill::parse(text);
            assert!(read != Ok(bare.clone()), "{text:?}: {read:?}");
        }
    }

    #[test]
    fn an_invisible_character_within_a_number_is_named() {
        for (inside, name) in [
            ('\u{200b}', "U+200B (zero width space)"),
            ('\u{feff}', "U+FEFF (byte order mark)"),
            ('\u{1d}', "U+001D (group separator)"),
            ('\u{ad}', "U+00AD (soft hyphen)"),
            ('\u{202e}', "U+202E"),
            ('\u{fe0f}', "U+FE0F"),
        ] {
            let error = Waybill::parse(&format!("QH3100{inside}00000017")).unwrap_err();
            assert_eq!(error.to_string(), format!("waybill has {name} inside"));
        }
    }

    /// The reading before invisible characters and prefixes were known.
    fn parsed_before(text: &str) -> Option<String> {
        let clean: String = text.nfkc().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
        let fits = clean.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && (4..=40).contains(&clean.len());
        fits.then_some(clean)
    }

    proptest! {
        #[test]
        fn a_number_that_was_read_before_is_read_as_the_same_text(text in "[\\]A-Za-z0-9\u{ff21}\u{200b}\u{a0} -]{0,44}") {
            if let Some(before) = parsed_before(&text) {
                prop_assert_eq!(Waybill::parse(&text).unwrap().to_string(), before);
            }
        }

        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,60}") {
            if let Ok(once) = Waybill::parse(&text) {
                prop_assert_eq!(Waybill::parse(once.as_str()).unwrap(), once);
            }
        }
    }
}
