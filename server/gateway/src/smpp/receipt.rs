//! Receipts: the text that nearly every SMSC writes (SMPP 3.4, appendix B), and the optional fields beside it.
//!
//! The specification leaves the text to the vendor, so gateways write it with blanks behind colons, with commas or lines between
//! the fields, with fields left out, in UCS-2, and with zero bytes at its end. This reader takes all of them.

use crate::{ReceiptStatus, code::Codes, event::status_of_word};

/// The optional fields of a receipt.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) id: Option<String>,
    pub(super) state: Option<u8>,
    pub(super) code: Option<(u8, u16)>,
}

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) id: String,
    /// The id of the field beside the text, if it is another.
    pub(super) other_id: Option<String>,
    pub(super) status: ReceiptStatus,
    pub(super) code: String,
    pub(super) done_at: Option<String>,
}

/// The longest id and time that are taken, in characters.
const MOST_ID: usize = 64;
const MOST_WORD: usize = 32;

/// Reads a receipt of its texts and fields. The error is why it can not be read.
pub(super) fn receipt(texts: &[&[u8]], fields: &Fields) -> Result<Said, &'static str> {
    let spellings = texts.iter().flat_map(|text| spellings(text));
    // Of equal ones the first counts, so the order is turned round.
    let spellings: Vec<String> = spellings.collect();
    let best = spellings.iter().rev().max_by_key(|text| Keys::of(text).0.len()).map(String::as_str).unwrap_or_default();
    let keys = Keys::of(best);
    let short = |text: &str, most: usize| -> String { text.chars().filter(char::is_ascii_graphic).take(most).collect() };
    let id = |id: &str| Some(short(id, MOST_ID)).filter(|id| !id.is_empty());
    let (written, beside) = (keys.word("id").and_then(id), fields.id.as_deref().and_then(id));
    let other_id = beside.clone().filter(|beside| written.as_ref().is_some_and(|written| !written.eq_ignore_ascii_case(beside)));
    let word = keys.word("stat").or_else(|| keys.word("status"));
    let status = status(word, fields.state).ok_or("no_status")?;
    let id = written.or(beside).ok_or("no_id")?;
    let code = Codes { word, field: keys.word("err"), beside: fields.code }.text(status);
    let done_at = keys.word("done date").map(|at| short(at, MOST_WORD));
    Ok(Said { id, other_id, status, code, done_at })
}

/// Whether a text is a receipt's, whatever the PDU around it says. A customer may write of an id or a status, so the word of the
/// status must be known, or all around it be a receipt's.
pub(super) fn is_receipt(text: &[u8]) -> bool {
    spellings(text).iter().any(|text| {
        let keys = Keys::of(text);
        let word = keys.word("stat").or_else(|| keys.word("status"));
        let is_known =
            word.is_some_and(|word| status_of_word(word) != ReceiptStatus::Unknown || word.eq_ignore_ascii_case("UNKNOWN"));
        let count = keys.0.len();
        count >= 4 || (is_known && (count >= 3 || keys.word("id").is_some()))
    })
}

/// The ways of reading a text: ASCII whatever the coding says, and UCS-2 in both orders of bytes.
fn spellings(text: &[u8]) -> Vec<String> {
    let units = |order: fn([u8; 2]) -> u16| -> String {
        let units =
            text.chunks_exact(2).map(|pair| order([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let ascii = text.iter().map(|byte| char::from(*byte)).collect();
    vec![ascii, units(u16::from_be_bytes), units(u16::from_le_bytes)]
}

/// The status by the word and the field. A success needs both to agree, if there are both. `None` if there is neither.
fn status(word: Option<&str>, state: Option<u8>) -> Option<ReceiptStatus> {
    let (written, beside) = (word.map(status_of_word), state.map(status_of_state));
    let (Some(one), Some(other)) = (written, beside) else { return written.or(beside) };
    Some(match (one, other) {
        (ReceiptStatus::Delivered, other) if other.is_failure() => ReceiptStatus::Unknown,
        (ReceiptStatus::Accepted | ReceiptStatus::Unknown, other) if other.is_failure() && other != ReceiptStatus::Unknown => {
            other
        }
        _ => one,
    })
}

/// The status of `message_state` (SMPP 3.4, chapter 5.2.28, and SMPP 5.0).
fn status_of_state(code: u8) -> ReceiptStatus {
    match code {
        0 | 1 | 6 => ReceiptStatus::Accepted,
        2 => ReceiptStatus::Delivered,
        3 => ReceiptStatus::Expired,
        4 | 5 | 9 => ReceiptStatus::Undelivered,
        8 => ReceiptStatus::Rejected,
        _ => ReceiptStatus::Unknown,
    }
}

/// The names of fields. A longer name stands before one that begins it.
const NAMES: [&str; 12] = [
    "id",
    "sub",
    "dlvrd",
    "submit date",
    "submit_date",
    "submitdate",
    "done date",
    "done_date",
    "donedate",
    "status",
    "stat",
    "err",
];

/// The fields of a text: name and value.
struct Keys<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Keys<'a> {
    fn of(text: &'a str) -> Self {
        let mut begins = Vec::new();
        let mut is_name_possible = true;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if is_name_possible && value_at(rest, "text").is_some() {
                // The message's own words come last, and may look like anything.
                break;
            }
            let found = NAMES.iter().find_map(|name| Some((*name, value_at(rest, name)?))).filter(|_| is_name_possible);
            let step = found.map_or_else(|| rest.chars().next().map_or(1, char::len_utf8), |(_, value)| value);
            if let Some((name, value)) = found {
                begins.push((name, at, at + value));
            }
            // Other names end with `id` too, so a name stands behind a blank, a sign or another field's colon.
            is_name_possible = found.is_some() || rest.starts_with(is_separator);
            at += step;
        }
        let ends = begins.iter().skip(1).map(|(_, begin, _)| *begin).chain([at]);
        let values = begins.iter().zip(ends).map(|((name, _, from), end)| (*name, text.get(*from..end).unwrap_or_default()));
        Self(values.collect())
    }

    /// The value of a field, up to the next separator; `None` if there is no such field, or no value.
    fn word(&self, name: &str) -> Option<&'a str> {
        let is_name = |known: &str| known == name || (name == "done date" && ["done_date", "donedate"].contains(&known));
        let (_, value) = self.0.iter().find(|(known, _)| is_name(known))?;
        value.trim_start_matches(is_separator).split(is_separator).next().filter(|word| !word.is_empty())
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '|' | '"' | '\'' | '\u{feff}')
}

/// How many bytes a name, blanks and a colon take at the beginning of a text.
fn value_at(text: &str, name: &str) -> Option<usize> {
    let (begin, rest) = text.split_at_checked(name.len())?;
    let behind = rest.trim_start_matches([' ', '\t']);
    let is_it = begin.eq_ignore_ascii_case(name) && behind.starts_with([':', '=']);
    is_it.then(|| text.len() - behind.len() + 1)
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
