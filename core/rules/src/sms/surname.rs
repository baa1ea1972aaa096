//! Finds the surname in a name as it stands on a label. Labels carry titles, remarks, company names and masks, and a wrong surname
//! in an SMS offends, so a name that has none gives none. A device and head office call the one function here: head office sends
//! only texts with the surname that it finds itself.

mod lists;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use self::lists::{
    COMPOUND, DOTS, LABELS, LATIN_LABELS, LATIN_PLACES, LATIN_REMARKED, LATIN_TITLES, MASKS, PLACES, PLACES_AFTER_TWO, REMARKED,
    REMARKS, TITLES, UNITS, is_common, simplified,
};
use super::unseen::is_unseen;
use crate::{Pack, SurnamePlace};

/// What a part of a name says.
enum Reading {
    /// This is the surname.
    Is(String),
    /// A person whose surname is hidden or not told.
    Unknown,
    /// It names no person: it is empty, a title, or a company.
    Nobody,
}

impl Pack {
    /// The surname of a name, as the person is addressed: a compound surname, else the first Chinese character; the whole first
    /// part of a name with a dot (阿依古丽·买买提); of a name in letters the word that the pack names, or the part before a comma.
    /// `None` if the name has none: a company, a masked first character, digits, or nothing but a title.
    pub fn surname(&self, name: &str) -> Option<String> {
        let (outside, groups) = self.without_brackets(&plain(name));
        for part in std::iter::once(outside).chain(groups) {
            match self.read(&part) {
                Reading::Is(surname) => return Some(surname).filter(|surname| is_surname(surname)),
                Reading::Unknown => return None,
                Reading::Nobody => {}
            }
        }
        None
    }

    /// The text outside of brackets, and the texts in them. A surname alone in brackets before the rest (【王】小明) is a part of the
    /// name. An open bracket without its end is a mark.
    fn without_brackets(&self, name: &str) -> (String, Vec<String>) {
        const OPEN: &str = "([{<【〔《〈〖「『";
        const CLOSE: &str = ")]}>】〕》〉〗」』";
        let (mut outside, mut groups) = (String::new(), Vec::new());
        let mut rest = name;
        while let Some(at) = rest.find(|c| OPEN.contains(c)) {
            let (before, from) = rest.split_at(at);
            outside.push_str(before);
            let inner = from.get(from.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
            rest = match inner.split_once(|c| CLOSE.contains(c)) {
                Some((inner, after)) => {
                    if !outside.chars().any(char::is_alphabetic) && self.is_surname_alone(inner.trim()) {
                        outside.push_str(inner.trim());
                    } else {
                        outside.push(' ');
                        groups.push(inner.to_owned());
                    }
                    after
                }
                None => {
                    outside.push(' ');
                    inner
                }
            };
        }
        outside.push_str(rest);
        (outside, groups)
    }

    fn is_surname_alone(&self, text: &str) -> bool {
        let is_one = text.chars().count() == 1 && text.chars().all(|c| is_han(c) && !REMARKS.contains(c));
        is_one || self.compound(text).is_some_and(|compound| compound.len() == text.len())
    }

    /// The compound surname with which a text begins, in the text's own characters.
    fn compound<'t>(&self, text: &'t str) -> Option<&'t str> {
        let simple = simplified(text);
        let known = self.sms.compound_surnames.iter().map(String::as_str).chain(COMPOUND);
        let found = known.map(simplified).filter(|known| !known.is_empty() && simple.starts_with(known.as_str()));
        found.max_by_key(String::len).map(|found| split_after(text, found.chars().count()).0)
    }

    fn read(&self, text: &str) -> Reading {
        let Some(text) = unlabelled(untitled(text.trim_matches(|c| !is_name(c)))) else { return Reading::Unknown };
        if let Some((label, rest)) = text.split_once(':') {
            if LATIN_LABELS.contains(&label.trim().to_lowercase().as_str()) {
                return self.read(rest);
            }
            return match self.read(label) {
                Reading::Nobody => self.read(rest),
                said => said,
            };
        }
        match chinese(text) {
            // Labels stand behind letters too: VIP客户李雷.
            Part::Chinese(text) => match unlabelled(text) {
                None => Reading::Unknown,
                Some(rest) if rest.len() < text.len() => self.read(rest),
                Some(text) => self.read_chinese(text),
            },
            Part::Hidden => Reading::Unknown,
            Part::Address => Reading::Nobody,
            Part::Letters => self.read_words(text),
        }
    }

    /// Reads a text that begins with a Chinese character.
    fn read_chinese(&self, text: &str) -> Reading {
        if let Some(rest) = after_place(text) {
            return match self.read(rest) {
                // 青禾公司王小明, but not 青禾超市二楼.
                Reading::Is(name) if rest.chars().count() <= MOST_AFTER_PLACE && is_likely(&name) => Reading::Is(name),
                _ => Reading::Nobody,
            };
        }
        if let Some(part) = before_dot(text) {
            return if is_hidden(part) { Reading::Unknown } else { Reading::Is(part.to_owned()) };
        }
        if let Some(compound) = self.compound(text) {
            return Reading::Is(compound.to_owned());
        }
        let mut letters = text.chars().filter(|c| !c.is_whitespace());
        match (letters.next(), letters.next(), letters.next()) {
            (None | Some('某'), ..) => Reading::Unknown,
            // 老王 is a Wang. 小明 is a given name.
            (Some('老' | '小' | '大'), Some(second), None) if is_likely(&second.to_string()) => {
                Reading::Is(second.to_string())
            }
            (Some('老' | '小' | '大'), ..) => Reading::Unknown,
            // A text of more characters than a name begins with a remark, unless a surname is known to begin like this.
            (Some(first), ..) if is_longer_than_a_name(text) && !is_likely(&first.to_string()) => Reading::Unknown,
            (Some(first), ..) => Reading::Is(first.to_string()),
        }
    }

    /// Reads a name without Chinese characters.
    fn read_words(&self, text: &str) -> Reading {
        let text = text.split(['/', ';', '&', '+', '|', '、']).next().unwrap_or_default();
        // The first part of a name with a dot, as in Chinese characters. A full stop ends an abbreviation.
        let text = text.split(|c| c != '.' && DOTS.contains(c)).find(|part| part.contains(is_name)).unwrap_or_default();
        let words = |text: &str| -> Vec<String> {
            let ends = |c: char| !(c.is_alphanumeric() || is_combining_mark(c) || is_mask(c));
            let bare = text.split(|c: char| c.is_whitespace() || c == ',').map(|word| word.trim_matches(ends));
            bare.filter(|word| word.chars().any(|c| c.is_alphabetic() || is_mask(c))).map(str::to_owned).collect()
        };
        if is_remark_in_letters(text) {
            return Reading::Unknown;
        }
        let is_in = |list: &[&str], word: &String| list.contains(&word.to_lowercase().as_str());
        if words(text).iter().any(|word| is_in(&LATIN_PLACES, word)) {
            return Reading::Nobody;
        }
        let names = |text: &str| -> Vec<String> { words(text).into_iter().filter(|word| !is_in(&LATIN_TITLES, word)).collect() };
        let (before, after) = text.split_once(',').unwrap_or((text, ""));
        let (before, is_turned) = (names(before), !names(after).is_empty());
        let first = before.first().cloned().unwrap_or_default();
        let surname = match self.sms.surname_place.unwrap_or_default() {
            // A Korean name begins with a surname of one syllable, a Japanese one with the surname.
            _ if first.starts_with(is_hangul) => first.chars().take(1).collect(),
            _ if first.starts_with(is_kana) => first,
            _ if is_turned && before.is_empty() => return Reading::Unknown,
            _ if is_turned => before.join(" "),
            SurnamePlace::First => first,
            SurnamePlace::Last => before.last().cloned().unwrap_or_default(),
        };
        match surname.as_str() {
            "" => Reading::Nobody,
            surname if is_hidden(surname) || !is_surname(surname) => Reading::Unknown,
            _ => Reading::Is(surname),
        }
    }
}

/// Most characters of a person's name, with a surname of one character.
const MOST_OF_A_NAME: usize = 4;
/// Most characters of a person's name after a company's.
const MOST_AFTER_PLACE: usize = 6;

/// A text for its first Chinese character that is no part of an address.
enum Part<'a> {
    /// From that character on. Letters before it are a remark, or a mark for sorting (A王小明).
    Chinese(&'a str),
    /// It has no Chinese character.
    Letters,
    /// The characters before hide the surname.
    Hidden,
    /// It is only an address (3栋502室).
    Address,
}

/// Whether a text can be a surname: letters with their marks, and the signs inside of names. It is the type of a template's
/// variable.
pub(super) fn is_surname(text: &str) -> bool {
    let is_part = |c: char| (c.is_alphabetic() || is_combining_mark(c) || "' ’-·".contains(c)) && !is_unseen(c) && !is_mask(c);
    text.chars().next().is_some_and(char::is_alphabetic) && text.chars().all(is_part)
}

/// Characters of a name that are read. A longer one is no name, and the reader goes into labels within labels.
const MOST_READ: usize = 200;

/// A name in one form of its characters (full-width letters become plain ones), without those that show nothing.
fn plain(name: &str) -> String {
    let selects = |c: char| matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    let seen = name.chars().filter(|c| !c.is_control() || c.is_whitespace());
    let plain = seen.nfkc().map(|c| if c.is_whitespace() { ' ' } else { c });
    plain.filter(|c| !is_unseen(*c) && !selects(*c)).take(MOST_READ).collect()
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}')
}

/// Whether a surname is a frequent one, or of several characters.
fn is_likely(surname: &str) -> bool {
    let mut letters = surname.chars();
    matches!((letters.next(), letters.next()), (Some(_), Some(_))) || simplified(surname).chars().next().is_some_and(is_common)
}

fn is_mask(c: char) -> bool {
    MASKS.contains(c)
}

/// Whether a character says something of a name: a letter, a digit, or a hidden one.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || is_mask(c)
}

/// Whether letters hide a name: with a mask among them, or only the letter x.
fn is_hidden(letters: &str) -> bool {
    letters.chars().any(is_mask) || (!letters.is_empty() && letters.chars().all(|c| matches!(c, 'x' | 'X')))
}

/// A text before and after its first characters.
fn split_after(text: &str, characters: usize) -> (&str, &str) {
    let at = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// A text without labels before it; `None` if a remark begins it. The longest word at the beginning counts: 收 is a label, 收发室 is a
/// room, and 代收点 a place.
fn unlabelled(text: &str) -> Option<&str> {
    let mut text = text;
    loop {
        let simple = simplified(text);
        let longest =
            |list: &[&'static str]| list.iter().copied().filter(|word| simple.starts_with(word)).max_by_key(|word| word.len());
        let label = longest(LABELS);
        let is_longer = |word: Option<&str>| word.map_or(0, str::len) > label.map_or(0, str::len);
        if is_longer(longest(&PLACES)) {
            return Some(text);
        }
        if is_longer(longest(REMARKED)) {
            return None;
        }
        let Some(label) = label else { return Some(text) };
        text = split_after(text, label.chars().count()).1.trim_start_matches(|c| !is_name(c));
    }
}

/// Whether a text in letters tells the courier what to do.
fn is_remark_in_letters(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let begins = |count: usize| words.get(..count).map(|words| words.join(" ")).unwrap_or_default();
    words.len() > 1 && LATIN_REMARKED.iter().any(|remark| begins(1) == *remark || begins(2) == *remark)
}

/// Whether more Chinese characters stand together than a name has.
fn is_longer_than_a_name(text: &str) -> bool {
    text.chars().take_while(|c| is_han(*c)).count() > MOST_OF_A_NAME
}

/// A text without titles and remarks behind it.
fn untitled(text: &str) -> &str {
    let mut text = text;
    loop {
        let simple = simplified(text);
        let Some(title) = TITLES.iter().filter(|title| simple.ends_with(**title)).max_by_key(|title| title.len()) else {
            return text;
        };
        let kept = text.chars().count() - title.chars().count();
        text = split_after(text, kept).0.trim_end_matches(|c| !is_name(c));
    }
}

fn chinese(text: &str) -> Part<'_> {
    let (mut rest, mut is_counted) = (text, false);
    while let Some((before, from)) = rest.find(is_han).and_then(|at| rest.split_at_checked(at)) {
        let letters: String = before.chars().filter(|c| c.is_alphabetic() || is_mask(*c)).collect();
        if is_hidden(&letters) {
            return Part::Hidden;
        }
        is_counted |= before.chars().any(|c| c.is_ascii_alphanumeric());
        let simple = simplified(from);
        let Some(unit) = UNITS.iter().find(|unit| is_counted && simple.starts_with(**unit)) else { return Part::Chinese(from) };
        rest = split_after(from, unit.chars().count()).1;
    }
    if is_counted { Part::Address } else { Part::Letters }
}

/// The text after the last word of a company, a shop or an office; `None` if there is no such word.
fn after_place(text: &str) -> Option<&str> {
    let simple = simplified(text);
    let ends = |word: &&str| simple.rfind(*word).map(|at| at + word.len());
    let anywhere = PLACES.iter().filter_map(&ends);
    let is_late = |end: usize, word: &str| simple.get(..end - word.len()).is_some_and(|before| before.chars().count() > 1);
    let later = PLACES_AFTER_TWO.iter().filter_map(|word| ends(word).filter(|end| is_late(*end, word)));
    let end = anywhere.chain(later).max()?;
    let characters = simple.get(..end)?.chars().count();
    Some(split_after(text, characters).1)
}

/// The first part of a name whose parts have a dot between them.
fn before_dot(text: &str) -> Option<&str> {
    let at = text.find(|c| DOTS.contains(c))?;
    let (part, after) = text.split_at_checked(at)?;
    let mut after = after.chars();
    let dot = after.next()?;
    let part = part.trim_end();
    let goes_on = after.find(|c| !c.is_whitespace()).is_some_and(|c| c.is_alphabetic() || is_mask(c));
    // A full stop between two characters is used as a dot too. After one character it is a remark's.
    let is_dot = dot != '.' || part.chars().count() > 1;
    (goes_on && is_dot && part.chars().all(|c| is_han(c) || is_mask(c))).then_some(part)
}
