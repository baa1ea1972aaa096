//! Reads phone numbers as labels, lists and people write them.
//!
//! A number is read, not collected: its digits stand together in the text, apart from blanks, dashes and brackets, which are only
//! ways of writing. A text is read as a whole or not at all. A text that is masked, damaged by a spreadsheet, or has other words in
//! it has no number, because a message to the digits that are left in it would reach a stranger.

use std::fmt;

use crate::Personal;

mod fault;
mod marks;

pub use self::fault::NumberFault;

/// The kind of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberKind {
    /// A mobile of mainland China.
    Mobile,
    /// A landline or a service number of mainland China, with or without its area code.
    Landline,
    /// A short code such as 10086 or 95338.
    ShortCode,
    /// A number of another country, written with `+` or `00`.
    International,
}

/// One number. Its `Debug` does not show it, so that it cannot slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Number {
    kind: NumberKind,
    digits: String,
    extension: Option<String>,
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Number").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Number {
    /// Its kind.
    pub fn kind(&self) -> NumberKind {
        self.kind
    }

    /// Its digits, without China's country code and without the extension. A foreign number has its country code.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The extension, for the person who calls. It is never dialled together with the digits.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// The number as a network dials it: the digits, with `+` before a foreign number.
    pub fn dialled(&self) -> String {
        format!("{}{}", self.plus(), self.digits)
    }

    /// `+` before a number of another country, nothing before others.
    pub(crate) fn plus(&self) -> &'static str {
        if self.kind == NumberKind::International { "+" } else { "" }
    }

    /// Why it takes no SMS; `None` if it takes one. With an extension the SMS goes to the number without it.
    fn sms_fault(&self) -> Option<NumberFault> {
        match self.kind {
            NumberKind::Mobile | NumberKind::International => None,
            NumberKind::Landline => Some(NumberFault::Landline),
            NumberKind::ShortCode => Some(NumberFault::ShortCode),
        }
    }
}

/// The numbers in a text, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    main: Number,
    others: Vec<Number>,
}

/// The longest text that is read, in characters.
const MOST_CHARACTERS: usize = 128;
/// The most digits of an extension.
const MOST_EXTENSION: usize = 6;
/// The digits of a foreign number with its country code (E.164).
const FOREIGN: std::ops::RangeInclusive<usize> = 7..=15;

impl Numbers {
    /// Reads the numbers in a text.
    pub fn read(text: &str) -> Result<Self, NumberFault> {
        if text.chars().nth(MOST_CHARACTERS).is_some() {
            return Err(NumberFault::TooLong);
        }
        let plain = marks::plain(text);
        let (mut numbers, mut faults) = (Vec::new(), Vec::new());
        let parts = plain.split('/').map(marks::trimmed).filter(|part| !part.is_empty());
        for read in parts.map(listed) {
            match read {
                Ok(more) => numbers.extend(more),
                Err(fault) => faults.push(fault),
            }
        }
        // The faults are in the order of how much they tell.
        if let Some(fault) = faults.into_iter().min() {
            return Err(fault);
        }
        let is = |kind| numbers.iter().position(|number: &Number| number.kind == kind);
        let main = is(NumberKind::Mobile).or_else(|| is(NumberKind::International)).unwrap_or(0);
        if numbers.is_empty() {
            return Err(NumberFault::Empty);
        }
        Ok(Self { main: numbers.remove(main), others: numbers })
    }

    /// Reads the numbers in a personal value.
    pub fn of(value: &Personal) -> Result<Self, NumberFault> {
        Self::read(value.text().ok_or(NumberFault::Sealed)?)
    }

    /// The number that counts: the first mobile; without one the first foreign number, else the first number.
    pub fn main(&self) -> &Number {
        &self.main
    }

    /// The other numbers, for the person who calls.
    pub fn others(&self) -> &[Number] {
        &self.others
    }
}

impl Number {
    /// The number in a text to which an SMS may go.
    pub fn for_sms(text: &str) -> Result<Self, NumberFault> {
        let main = Numbers::read(text)?.main;
        main.sms_fault().map_or(Ok(main), Err)
    }

    /// The number in a personal value to which an SMS may go.
    pub fn for_sms_of(value: &Personal) -> Result<Self, NumberFault> {
        Self::for_sms(value.text().ok_or(NumberFault::Sealed)?)
    }
}

/// Reads a part with commas. A comma separates two numbers, or stands for the pause before an extension: `18412348075,7839`.
fn listed(part: &str) -> Result<Vec<Number>, NumberFault> {
    let mut numbers: Vec<Number> = Vec::new();
    let mut fault: Option<NumberFault> = None;
    for piece in part.split(',').map(marks::trimmed).filter(|piece| !piece.is_empty()) {
        let is_extension = (3..=4).contains(&piece.len()) && piece.bytes().all(|byte| byte.is_ascii_digit());
        match numbers.last_mut() {
            Some(last) if is_extension && last.extension.is_none() && last.kind != NumberKind::ShortCode => {
                last.extension = Some(piece.to_owned());
            }
            _ => match spaced(piece) {
                Ok(more) => numbers.extend(more),
                Err(other) => fault = Some(fault.map_or(other, |fault| fault.min(other))),
            },
        }
    }
    fault.map_or(Ok(numbers), Err)
}

/// Digits that stand together in a text.
#[derive(Clone, Copy)]
struct Group<'a> {
    digits: &'a str,
    /// Whether a dash stands before them.
    dash: bool,
    /// Whether a plus stands before them.
    plus: bool,
}

/// Reads a part without separators: one number, or several full numbers with blanks between.
fn spaced(part: &str) -> Result<Vec<Number>, NumberFault> {
    let (main, sign) = marks::cut_extension(part)?;
    let groups = groups(main)?;
    let extension = sign.map(extension).transpose()?;
    let fault = match one(&groups, extension.as_deref()) {
        Ok(number) => return Ok(vec![number]),
        Err(fault) => fault,
    };
    // A second way to divide the same groups would leave open which numbers they are.
    let mut ways = divided(&groups, extension.as_deref());
    match (ways.pop(), ways.pop()) {
        (Some(only), None) => Ok(only),
        _ => Err(fault),
    }
}

/// Reads the text after the sign of an extension.
fn extension(text: &str) -> Result<String, NumberFault> {
    if marks::is_masked(text) {
        return Err(NumberFault::Masked);
    }
    let fits = (1..=MOST_EXTENSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(text.to_owned()) } else { Err(NumberFault::Extension) }
}

/// Divides a number into its groups of digits, and refuses all other characters.
fn groups(main: &str) -> Result<Vec<Group<'_>>, NumberFault> {
    if let Some(fault) = marks::fault(main) {
        return Err(fault);
    }
    let mut groups = Vec::new();
    let (mut rest, mut dash, mut plus) = (main, false, false);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        if !digits.is_empty() {
            groups.push(Group { digits, dash, plus });
            (dash, plus, rest) = (false, false, after);
            // A plus in the middle of digits, or after a dash, is no country code.
            if after.starts_with('+') {
                return Err(NumberFault::Marks);
            }
            continue;
        }
        match first {
            '+' if !plus && !dash => plus = true,
            '-' if !plus => dash = true,
            ' ' => {}
            _ => return Err(NumberFault::Marks),
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    if plus { Err(NumberFault::Marks) } else { Ok(groups) }
}

/// Reads groups as one number. The last group after a dash is an extension if the groups before it are a number.
fn one(groups: &[Group<'_>], extension: Option<&str>) -> Result<Number, NumberFault> {
    let Some((first, more)) = groups.split_first() else { return Err(NumberFault::Empty) };
    if more.iter().any(|group| group.plus) {
        return Err(NumberFault::TooLong);
    }
    let joined = |groups: &[Group<'_>]| groups.iter().map(|group| group.digits).collect::<String>();
    let whole = number(first.plus, &joined(groups));
    let fault = match (whole, extension) {
        (Ok(number), None) => return Ok(number),
        (Ok(Number { kind: NumberKind::ShortCode, .. }), Some(_)) => return Err(NumberFault::TooShort),
        (Ok(number), Some(extension)) => return Ok(Number { extension: Some(extension.to_owned()), ..number }),
        (Err(fault), _) => fault,
    };
    match groups.split_last() {
        Some((last, before)) if extension.is_none() && last.dash && (2..=MOST_EXTENSION).contains(&last.digits.len()) => {
            let number = number(first.plus, &joined(before)).map_err(|_| fault)?;
            let takes_one = number.kind != NumberKind::ShortCode;
            if takes_one { Ok(Number { extension: Some(last.digits.to_owned()), ..number }) } else { Err(fault) }
        }
        _ => Err(fault),
    }
}

/// All ways, at most two, to divide groups at blanks into full numbers. The extension belongs to the last one.
fn divided(groups: &[Group<'_>], extension: Option<&str>) -> Vec<Vec<Number>> {
    // `ways[end]`: the ways to divide the groups before `end`.
    let mut ways: Vec<Vec<Vec<Number>>> = vec![vec![Vec::new()]];
    for end in 1..=groups.len() {
        let mut found: Vec<Vec<Number>> = Vec::new();
        let is_cut = groups.get(end).is_none_or(|next| !next.dash);
        for (start, before) in ways.iter().enumerate().filter(|_| is_cut) {
            let extension = extension.filter(|_| end == groups.len());
            let Some(Ok(number)) = groups.get(start..end).map(|some| one(some, extension)) else { continue };
            // A landline without its area code could be the end of another number.
            let is_full = match number.kind {
                NumberKind::Mobile | NumberKind::International => true,
                NumberKind::Landline => number.digits.len() >= 10,
                NumberKind::ShortCode => false,
            };
            found.extend(
                before.iter().filter(|_| is_full).map(|before| [before.as_slice(), std::slice::from_ref(&number)].concat()),
            );
        }
        found.truncate(2);
        ways.push(found);
    }
    ways.pop().unwrap_or_default()
}

/// Reads the digits of one number, with or without a plus before them.
fn number(plus: bool, digits: &str) -> Result<Number, NumberFault> {
    let of = |kind, digits: &str| Ok(Number { kind, digits: digits.to_owned(), extension: None });
    let coded = if plus { digits.strip_prefix("86") } else { digits.strip_prefix("0086") };
    match coded {
        Some(rest) if is_mobile(rest) => return of(NumberKind::Mobile, rest),
        // The area code has no 0 behind the country code.
        Some(rest) if is_landline(rest) || is_landline(&format!("0{rest}")) => return of(NumberKind::Landline, rest),
        Some(rest) => return Err(fault_of_length(rest)),
        None => {}
    }
    let abroad = if plus { Some(digits) } else { digits.strip_prefix("00") };
    if let Some(rest) = abroad {
        return foreign_fault(rest).map_or_else(|| of(NumberKind::International, rest), Err);
    }
    let without_country = digits.strip_prefix("86").filter(|rest| rest.starts_with('1'));
    match () {
        () if is_mobile(digits) => of(NumberKind::Mobile, digits),
        () if without_country.is_some_and(is_mobile) => of(NumberKind::Mobile, without_country.unwrap_or_default()),
        () if is_landline(digits) => of(NumberKind::Landline, digits),
        () if is_short_code(digits) => of(NumberKind::ShortCode, digits),
        () => Err(fault_of_length(without_country.unwrap_or(digits))),
    }
}

/// A mobile: 11 digits from 13 to 19.
fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1') && digits.get(1..2).is_some_and(|second| ("3"..="9").contains(&second))
}

/// A landline: an area code (010, 02x, or 0 and three digits) with 7 or 8 digits, 7 or 8 digits alone, or a service number
/// that begins with 400 or 800.
fn is_landline(digits: &str) -> bool {
    let area = match digits.as_bytes() {
        [b'0', b'1', b'0', ..] | [b'0', b'2', ..] => 3,
        [b'0', b'3'..=b'9', ..] => 4,
        [b'4' | b'8', b'0', b'0', ..] if digits.len() == 10 => return true,
        [b'2'..=b'9', ..] => 0,
        _ => return false,
    };
    let is_local = |local: &str| (7..=8).contains(&local.len()) && !local.starts_with(['0', '1']);
    digits.get(area..).is_some_and(is_local)
}

/// A short code of an emergency service, an operator or a company.
fn is_short_code(digits: &str) -> bool {
    (3..=6).contains(&digits.len()) && ["10", "11", "12", "95", "96"].iter().any(|begin| digits.starts_with(begin))
}

fn fault_of_length(digits: &str) -> NumberFault {
    let most = if digits.starts_with('1') { 11 } else { 12 };
    match digits.len() {
        ..11 => NumberFault::TooShort,
        len if len <= most => NumberFault::Shape,
        _ => NumberFault::TooLong,
    }
}

/// Why digits behind `+` or `00` are no number of another country; `None` if they are one. `+` before a mobile of China without its 86
/// looks like a number of North America, so such digits are read as neither: an SMS would go to a stranger abroad, or a stranger
/// here. North American numbers whose area code no mobile of China shares are read.
fn foreign_fault(digits: &str) -> Option<NumberFault> {
    match digits.len() {
        len if len < *FOREIGN.start() => Some(NumberFault::TooShort),
        len if len > *FOREIGN.end() => Some(NumberFault::TooLong),
        _ if digits.starts_with('0') || digits.starts_with("86") => Some(NumberFault::Shape),
        len => match digits.strip_prefix('1') {
            None => None,
            Some(_) if len < 11 => Some(NumberFault::TooShort),
            Some(_) if len > 11 => Some(NumberFault::TooLong),
            Some(_) if is_allotted(digits) => Some(NumberFault::PlusWithout86),
            Some(rest) => (!is_north_american(rest)).then_some(NumberFault::Shape),
        },
    }
}

/// Whether a mobile of China can begin like this: its first three digits are allotted to an operator for people's phones.
/// [`is_mobile`] takes more, because a label's number must stay readable when an operator gets new digits; behind `+` those would be a
/// country's.
fn is_allotted(digits: &str) -> bool {
    is_mobile(digits)
        && match digits.as_bytes().get(1..3) {
            Some([b'4', third]) => (b'5'..=b'9').contains(third),
            Some([b'5', third]) => *third != b'4',
            Some([b'6', third]) => matches!(third, b'2' | b'5'..=b'7'),
            Some([b'7', third]) => *third != b'9',
            Some([b'9', third]) => *third != b'4',
            _ => true,
        }
}

/// Whether ten digits are a number of North America: neither its area code nor the three digits after that begin with 0 or 1.
fn is_north_american(digits: &str) -> bool {
    let begins = |at: usize| digits.as_bytes().get(at).is_some_and(|digit| (b'2'..=b'9').contains(digit));
    digits.len() == 10 && begins(0) && begins(3)
}

#[cfg(test)]
mod tests;
