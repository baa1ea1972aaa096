//! One cell of a table, and what it can be read as.

use std::borrow::Cow;

use chrono::NaiveDateTime;
use doorstep_domain::{IdError, PersonalError, WaybillError};

use super::dates::{self, TimeFault, When};

/// The largest whole number that a spreadsheet keeps with all its digits: it keeps 15.
const MOST_EXACT: f64 = 999_999_999_999_999.0;

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'t> {
    /// A text.
    Text(Cow<'t, str>),
    /// A number of a spreadsheet.
    Number(f64),
    /// A time of a spreadsheet.
    Time(NaiveDateTime),
    /// A formula without a value, a duration, or a time that is none.
    Unusable,
}

/// Why a cell can not be used. Names no content of the cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellFault {
    /// Nothing is in the cell.
    #[error("empty")]
    Empty,
    /// The text is too long.
    #[error("more than {0} characters")]
    Long(usize),
    /// A control character.
    #[error("has the control character U+{:04X}", u32::from(*.0))]
    Control(char),
    /// A number that a spreadsheet has shortened, such as 3.1E+14.
    #[error(
        "a spreadsheet has shortened the number to a form such as 3.1E+14, and its digits are lost; format the column as text and export again"
    )]
    Shortened,
    /// A number of more digits than a spreadsheet keeps, or with a fraction.
    #[error(
        "a number that is not whole or has more than 15 digits, which a spreadsheet does not keep; format the column as text"
    )]
    NotExact,
    /// A time where a text is expected.
    #[error("a time, and no text; format the column as text")]
    IsTime,
    /// An error of a spreadsheet.
    #[error("a spreadsheet's error or a duration; put the value itself into the cell")]
    Unusable,
    /// Not an amount.
    #[error("not {0}")]
    NotAmount(&'static str),
    /// Outside of the bounds.
    #[error("not {0}")]
    Beyond(String),
    /// Not a time.
    #[error("{0}")]
    Time(#[from] TimeFault),
    /// Not a code or an account.
    #[error("{0}")]
    Code(#[from] IdError),
    /// Not a waybill.
    #[error("{0}")]
    Waybill(#[from] WaybillError),
    /// Not a personal value.
    #[error("{0}")]
    Personal(#[from] PersonalError),
    /// A rule of the column, in words.
    #[error("{0}")]
    Rule(String),
}

/// A character that is left out at both ends of a cell. Exports bring them along, and nobody sees them.
fn is_margin(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}')
}

impl Cell<'_> {
    /// The text without blanks around it. Text in the form `="0571"`, by which exports keep a spreadsheet from changing it, is the
    /// text within.
    pub(crate) fn trimmed(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => {
                let text = text.trim_matches(is_margin);
                let inner = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
                Cow::Borrowed(inner.map_or(text, |inner| inner.trim_matches(is_margin)))
            }
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Time(time) => Cow::Owned(time.format("%Y-%m-%d %H:%M:%S").to_string()),
            Self::Unusable => Cow::Borrowed("?"),
        }
    }

    /// Whether nothing is in the cell.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Text(_)) && self.trimmed().is_empty()
    }

    /// The text, of at most `most` characters. Line breaks and tabs may be in it.
    pub(crate) fn text(&self, most: usize) -> Result<Cow<'_, str>, CellFault> {
        let text = match self {
            Self::Text(_) => self.trimmed(),
            Self::Number(number) if number.fract() == 0.0 && number.abs() <= MOST_EXACT => Cow::Owned(format!("{number:.0}")),
            Self::Number(_) => return Err(CellFault::NotExact),
            Self::Time(_) => return Err(CellFault::IsTime),
            Self::Unusable => return Err(CellFault::Unusable),
        };
        if text.chars().count() > most {
            return Err(CellFault::Long(most));
        }
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            Some(control) => Err(CellFault::Control(control)),
            None => Ok(text),
        }
    }

    /// The text of a number with all its digits, such as a waybill or a telephone number.
    pub(crate) fn digits(&self, most: usize) -> Result<Cow<'_, str>, CellFault> {
        let text = self.text(most)?;
        let parts = text.split_once(['E', 'e']);
        let shortened = |(number, power): (&str, &str)| {
            power.starts_with(['+', '-']) && number.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !number.is_empty()
        };
        if parts.is_some_and(shortened) { Err(CellFault::Shortened) } else { Ok(text) }
    }

    /// An amount of money in fen from a number with at most `decimals` digits behind the point: 2 for yuan, 0 for fen.
    pub(crate) fn fen(&self, decimals: usize, what: &'static str) -> Result<i64, CellFault> {
        let text = match self {
            // Of a fraction a spreadsheet keeps the nearest double, which prints as its shortest decimal.
            Self::Number(number) => Cow::Owned(number.to_string()),
            _ => self.text(40)?,
        };
        let (negative, text) = text.strip_prefix('-').map_or((false, text.as_ref()), |text| (true, text));
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // 100.0 and 100.00 are whole.
        let part = part.trim_end_matches('0');
        if whole.is_empty() || !is_number(whole) || !is_number(part) || part.len() > decimals || text.ends_with('.') {
            return Err(CellFault::NotAmount(what));
        }
        // A number that is too large for the type is far out of all bounds.
        let amount = format!("{whole}{part:0<decimals$}").parse::<i64>().unwrap_or(i64::MAX);
        Ok(if negative { -amount } else { amount })
    }

    /// A time, or only a day. A spreadsheet's number counts as one, but its text does not: the digits behind the point would be a
    /// guess.
    pub(crate) fn when(&self) -> Result<When, CellFault> {
        match self {
            Self::Time(time) => Ok(dates::bounded(When::Local(*time))?),
            Self::Number(serial) => {
                let time = dates::of_serial(*serial).ok_or(TimeFault::Unknown)?;
                Ok(dates::bounded(When::Local(time))?)
            }
            _ => Ok(dates::read(&self.text(40)?)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(text.into())
    }

    #[test]
    fn blanks_and_the_guards_of_exports_around_a_text_are_no_part_of_it() {
        for around in [" 0571 ", "\u{a0}0571\u{3000}", "\u{feff}0571\u{200b}", "=\"0571\"", " =\" 0571\" ", "0571\t"] {
            assert_eq!(text(around).text(9).unwrap(), "0571", "{around:?}");
        }
        assert!(text("\u{feff} \u{a0}").is_empty() && !text("0").is_empty());
        assert_eq!(text("a\u{b}b").text(9), Err(CellFault::Control('\u{b}')));
        assert_eq!(text("青\n禾").text(3).unwrap(), "青\n禾");
        assert_eq!(text("青禾路1").text(3), Err(CellFault::Long(3)));
    }

    #[test]
    fn a_number_is_taken_with_all_its_digits_or_not_at_all() {
        assert_eq!(Cell::Number(310_000_000_017.0).digits(40).unwrap(), "310000000017");
        assert_eq!(Cell::Number(999_999_999_999_999.0).digits(40).unwrap(), "999999999999999");
        for damaged in [1e15, 3.1e17, 310_000_000_017.5, f64::NAN, f64::INFINITY] {
            assert_eq!(Cell::Number(damaged).digits(40), Err(CellFault::NotExact), "{damaged}");
        }
        for shortened in ["3.1E+14", "3E+14", "1.38e+10"] {
            assert_eq!(text(shortened).digits(40), Err(CellFault::Shortened), "{shortened}");
        }
        assert_eq!(text("YTE-12345").digits(40).unwrap(), "YTE-12345");
        assert_eq!(Cell::Unusable.text(9), Err(CellFault::Unusable));
    }

    #[test]
    fn an_amount_is_read_by_its_unit_and_never_rounded() {
        for (said, fen) in
            [("128", 12_800), ("128.5", 12_850), ("128.50", 12_850), ("0", 0), ("0.01", 1), ("-3", -300), ("1.000", 100)]
        {
            assert_eq!(text(said).fen(2, "yuan"), Ok(fen), "{said}");
        }
        assert_eq!(text("12800").fen(0, "fen"), Ok(12_800));
        assert_eq!(text("99999999999999999999").fen(2, "yuan"), Ok(i64::MAX));
        assert_eq!(Cell::Number(5.02).fen(2, "yuan"), Ok(502));
        assert_eq!(Cell::Number(100.0).fen(0, "fen"), Ok(100));
        for said in ["5.021", "1,280.00", "12元", "", ".", "5.", ".5", "+5", "1e3", "--1", "１２"] {
            assert_eq!(text(said).fen(2, "yuan"), Err(CellFault::NotAmount("yuan")), "{said}");
        }
        assert_eq!(text("5.02").fen(0, "fen"), Err(CellFault::NotAmount("fen")));
        assert_eq!(Cell::Number(1.0e-7).fen(2, "yuan"), Err(CellFault::NotAmount("yuan")));
    }
}
