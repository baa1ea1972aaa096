//! The characters around the digits of a number: ways of writing, separators, masks, and signs of an extension.

use super::fault::NumberFault;

/// Signs of an extension, a longer one before a shorter one that it begins with.
const EXTENSION: [&str; 9] = ["分机号", "分机", "转接", "转", "轉", "ext.", "ext", "x", "#"];
/// The characters with which they begin. Most numbers have none of them, and one look at each character is enough.
const EXTENSION_BEGINS: [char; 6] = ['分', '转', '轉', 'e', 'x', '#'];
/// Characters that hide digits.
const MASKS: [char; 12] = ['*', '•', '●', '·', '×', '※', '■', '█', '○', '∗', '_', '?'];

/// A text with one spelling for each way of writing: ASCII digits and small letters, a blank for blanks and brackets, `-` for
/// dashes, `/` for separators of numbers. Invisible characters are dropped; contact lists put them around numbers.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter_map(plain_character).collect()
}

fn plain_character(written: char) -> Option<char> {
    let narrow = match written {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(written) - 0xfee0).unwrap_or(written),
        other => other,
    };
    Some(match narrow.to_ascii_lowercase() {
        // U+202E is not among them: it shows digits in reverse, so the digits in the text are not those that a person sees.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202d}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => return None,
        '(' | ')' | '[' | ']' | '【' | '】' | '〔' | '〕' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => '-',
        '、' | ';' | '|' => '/',
        blank if blank.is_whitespace() => ' ',
        other => other,
    })
}

/// A part of a text without the blanks and dashes around it, and without the mark by which a spreadsheet keeps a number as text.
pub(super) fn trimmed(part: &str) -> &str {
    let bare = part.trim_matches([' ', '-']);
    let bare = bare.strip_prefix(['\'', '‘', '’', '`']).unwrap_or(bare);
    bare.trim_matches([' ', '-'])
}

/// Whether digits are hidden. A single `x` may be the sign of an extension, two together are not.
pub(super) fn is_masked(text: &str) -> bool {
    text.contains(MASKS) || text.contains("xx")
}

/// Divides a part at the sign of its extension. Returns the text before it, and the text after it without signs.
pub(super) fn cut_extension(part: &str) -> Result<(&str, Option<&str>), NumberFault> {
    if part.starts_with('#') {
        // `#####`, `#N/A`: a column that was too narrow, or a formula that failed.
        return Err(NumberFault::Spreadsheet);
    }
    if is_masked(part) {
        return Err(NumberFault::Masked);
    }
    let sign_at = || EXTENSION.iter().filter_map(|sign| part.find(sign)).min();
    let Some(at) = part.contains(EXTENSION_BEGINS).then(sign_at).flatten() else { return Ok((part, None)) };
    let (main, mut after) = part.split_at(at);
    loop {
        let bare = after.trim_start_matches([' ', '-', ':', '.']);
        match EXTENSION.iter().find_map(|sign| bare.strip_prefix(sign)) {
            Some(rest) => after = rest,
            // Some services want `#` after the extension.
            None => return Ok((main, Some(bare.trim_end_matches([' ', '#'])))),
        }
    }
}

/// The fault of a number's own text, by its characters. Digits, blanks, dashes and plus have none.
pub(super) fn fault(main: &str) -> Option<NumberFault> {
    if is_decimal(main) {
        return Some(NumberFault::Spreadsheet);
    }
    let strange = |c: &char| !(c.is_ascii_digit() || matches!(c, ' ' | '-' | '+'));
    let mut others = main.chars().filter(strange);
    let first = others.next()?;
    let has_letters = first.is_alphabetic() || others.any(char::is_alphabetic);
    Some(if has_letters { NumberFault::Letters } else { NumberFault::Marks })
}

/// Whether a text is a decimal, with or without an exponent.
fn is_decimal(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-', ' ']);
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-' | ' ');
    text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['.', 'e']) && text.chars().all(is_part)
}
