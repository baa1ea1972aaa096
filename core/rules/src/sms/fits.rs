//! Whether a text is head office's own: a template can give it, with values that its variables can have. Each value is checked by the
//! function that the renderer uses ([`super::render()`]).

use std::collections::BTreeSet;

use doorstep_domain::Waybill;

use super::render::{Language, MAX_TEXT, Piece, fault_of_value, most, neutral, pieces};
use crate::{Pack, Template, Variable, Words};

/// Values that the checker of a text knows, beside the pack's.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The recipient's surname; `None` if it is not known.
    pub surname: Option<&'a str>,
    /// The names of all outlets; empty if they are not known.
    pub outlets: &'a [Words],
}

/// Whether a template can give this text for a waybill (and for the surname, if it is known) in either language, because head
/// office sends only its own wording. Reasons, honorifics and the brand must be the pack's; other values must match their type.
pub fn fits(pack: &Pack, template: &Template, waybill: &Waybill, surname: Option<&str>, text: &str) -> bool {
    fits_known(pack, template, waybill, &Known { surname, outlets: &[] }, text)
}

/// [`fits`] for a checker that knows more values: an outlet's name must be one of the known ones. The neutral form is head office's own
/// too, also where the checker knows a surname: the writer's list may have been an older one.
pub fn fits_known(pack: &Pack, template: &Template, waybill: &Waybill, known: &Known<'_>, text: &str) -> bool {
    matches(pack, template, waybill, known, text, |pieces| pieces) || is_neutral(pack, template, waybill, known, text)
}

/// Whether a text is a template's neutral form, which has no surname.
pub(super) fn is_neutral(pack: &Pack, template: &Template, waybill: &Waybill, known: &Known<'_>, text: &str) -> bool {
    // A checked template has the surname outside of brackets, so its neutral form has the neutral address. Few texts have it, and
    // the template is read only for those.
    let has_address = |language| text.contains(pack.neutral_address(language));
    [Language::Zh, Language::En].into_iter().any(has_address)
        && matches(pack, template, waybill, known, text, |pieces| neutral(&pieces))
}

fn matches<'a>(
    pack: &Pack,
    template: &'a Template,
    waybill: &Waybill,
    known: &Known<'_>,
    text: &str,
    form: impl Fn(Vec<Piece<'a>>) -> Vec<Piece<'a>>,
) -> bool {
    let fits_in = |(source, language): (&'a String, Language)| {
        let matching = Matching { pack, template, waybill, known, language, text };
        pieces(source).is_ok_and(|pieces| matching.ends(&form(pieces), BTreeSet::from([0])).contains(&text.len()))
    };
    text.len() <= MAX_TEXT && [(&template.zh, Language::Zh), (&template.en, Language::En)].into_iter().any(fits_in)
}

struct Matching<'a> {
    pack: &'a Pack,
    template: &'a Template,
    waybill: &'a Waybill,
    known: &'a Known<'a>,
    language: Language,
    text: &'a str,
}

impl Matching<'_> {
    /// The possible values of a variable; `None` if there are many, and its type decides.
    fn values(&self, variable: Variable) -> Option<Vec<&str>> {
        let honorifics = &self.pack.sms.honorifics;
        let of = |words| self.language.of(words);
        Some(match variable {
            Variable::Waybill => vec![self.waybill.as_str()],
            Variable::Brand => vec![of(&self.pack.name)],
            Variable::Honorific => [&honorifics.unknown, &honorifics.male, &honorifics.female].map(of).to_vec(),
            Variable::Reason => self.pack.codes.iter().filter_map(|code| code.sms_text.as_ref()).map(of).collect(),
            Variable::Surname => vec![self.known.surname?],
            Variable::Outlet if !self.known.outlets.is_empty() => self.known.outlets.iter().map(of).collect(),
            Variable::Callback | Variable::Outlet | Variable::Time => return None,
        })
    }

    /// Where the text can go on after a value that begins at `from`.
    fn after_value(&self, variable: Variable, from: usize) -> BTreeSet<usize> {
        let Some(rest) = self.text.get(from..) else { return BTreeSet::new() };
        let is_value = |value: &&str| fault_of_value(self.pack, self.template, variable, value).is_none();
        match self.values(variable) {
            Some(values) => {
                let values = values.into_iter().filter(|value| rest.starts_with(value)).filter(is_value);
                values.map(|value| from + value.len()).collect()
            }
            None => {
                let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).take(most(self.pack, variable) as usize);
                ends.filter(|end| rest.get(..*end).as_ref().is_some_and(is_value)).map(|end| from + end).collect()
            }
        }
    }

    fn after_text(&self, literal: &str, from: BTreeSet<usize>) -> BTreeSet<usize> {
        let goes_on = |at: &usize| self.text.get(*at..).is_some_and(|rest| rest.starts_with(literal));
        from.into_iter().filter(goes_on).map(|at| at + literal.len()).collect()
    }

    /// The places of the text, in bytes, where these pieces can end if they begin at one of `from`.
    fn ends(&self, pieces: &[Piece<'_>], from: BTreeSet<usize>) -> BTreeSet<usize> {
        pieces.iter().fold(from, |from, piece| match piece {
            Piece::Text(literal) => self.after_text(literal, from),
            Piece::Neutral => self.after_text(self.pack.neutral_address(self.language), from),
            Piece::Value(variable) => from.into_iter().flat_map(|at| self.after_value(*variable, at)).collect(),
            Piece::Optional(inner) => {
                let mut both = from.clone();
                both.extend(self.ends(inner, from));
                both
            }
        })
    }
}
