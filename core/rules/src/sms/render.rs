//! Renders a template to a text (domain 5.2). It refuses a text that would lack something that a message needs to count.

use doorstep_domain::{Numbers, UnixMs, Waybill, words};
use serde::Serialize;

use super::{Segments, surname::is_surname, unseen::is_unseen};
use crate::{Pack, Template, Variable, Words};

words!(
    /// The language of a text.
    Language {
        /// Chinese.
        Zh = "zh",
        /// English.
        En = "en",
    }
);

words!(
    /// How a recipient is addressed.
    Honorific {
        /// In the neutral form, if nothing is known.
        Unknown = "unknown",
        /// As a man.
        Male = "male",
        /// As a woman.
        Female = "female",
    }
);

/// The known values for a message.
#[derive(Clone)]
pub struct Fields<'a> {
    /// The waybill.
    pub waybill: &'a Waybill,
    /// The recipient's name as on the label.
    pub name: Option<&'a str>,
    /// How they are addressed.
    pub honorific: Honorific,
    /// The code of the problem.
    pub reason: Option<&'a str>,
    /// The number under which the courier is reached.
    pub callback: Option<&'a str>,
    /// The outlet's names.
    pub outlet: Option<&'a Words>,
    /// When the attempt was.
    pub at: UnixMs,
}

/// A text made from a template. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The template.
    pub template: String,
    /// Its version.
    pub version: u32,
    /// The text, without the operator's signature.
    pub text: String,
    /// Its segments, with the operator's signature.
    pub segments: Segments,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendered({} version {}, {:?})", self.template, self.version, self.segments)
    }
}

/// Why a template gives no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// A brace or bracket is not closed.
    #[error("a {{ or [ is not closed")]
    Open,
    /// No variable has this name.
    #[error("no variable is called {0:?}")]
    UnknownVariable(String),
    /// A required value is missing.
    #[error("{} is not known", .0.as_str())]
    Missing(Variable),
    /// A value is longer than its limit.
    #[error("{} is longer than {most} characters", .variable.as_str())]
    TooLong {
        /// The variable.
        variable: Variable,
        /// Its limit.
        most: u32,
    },
    /// A value is not of its variable's type.
    #[error("{} has a character that it can not have", .0.as_str())]
    Type(Variable),
    /// A value is a link, and the template allows none.
    #[error("{} is a link, and the template allows none", .0.as_str())]
    Link(Variable),
    /// The whole text is longer than [`MAX_TEXT`].
    #[error("the text is longer than {MAX_TEXT} bytes")]
    Text,
}

/// Longest text of a template with its values, in bytes.
pub const MAX_TEXT: usize = 4_000;

/// Most characters of a pack's neutral address.
const MOST_NEUTRAL: usize = 20;

/// Most digits in an outlet's name. A name with more could hold a phone number that the customer calls.
const MOST_DIGITS: usize = 6;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Value(Variable),
    /// The pack's neutral address, in place of a surname and its honorific.
    Neutral,
    Optional(Vec<Piece<'a>>),
}

/// Reads a template's text into pieces; square brackets do not nest.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateFault> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['{', '[', ']', '}']) {
        let (before, from) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Piece::Text(before));
        }
        if let Some(inner) = from.strip_prefix('{') {
            let (name, after) = inner.split_once('}').ok_or(TemplateFault::Open)?;
            let variable = Variable::from_word(name).ok_or_else(|| TemplateFault::UnknownVariable(name.to_owned()))?;
            out.push(Piece::Value(variable));
            rest = after;
        } else if let Some(inner) = from.strip_prefix('[') {
            let (inner, after) = inner.split_once(']').filter(|(inner, _)| !inner.contains('[')).ok_or(TemplateFault::Open)?;
            out.push(Piece::Optional(pieces(inner)?));
            rest = after;
        } else {
            return Err(TemplateFault::Open);
        }
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Ok(out)
}

/// A template's pieces for a person without a surname that can be read: the surname and an honorific beside it become the neutral
/// address, because `先生/女士` alone is no address and a customer must be told in any case. An optional part with the surname is left
/// out, as one with any other value that is not known. The renderer and the checker of a text both use it.
pub(super) fn neutral<'a>(pieces: &[Piece<'a>]) -> Vec<Piece<'a>> {
    let is_blank = |piece: &Piece<'_>| matches!(piece, Piece::Text(text) if text.trim().is_empty());
    let is_honorific = |piece: Option<&Piece<'_>>| piece == Some(&Piece::Value(Variable::Honorific));
    let mut out: Vec<Piece<'a>> = Vec::with_capacity(pieces.len());
    let mut rest = pieces;
    while let Some((piece, after)) = rest.split_first() {
        rest = after;
        match piece {
            Piece::Value(Variable::Surname) => {
                let blanks = usize::from(out.last().is_some_and(is_blank));
                let kept = out.len().saturating_sub(blanks + 1);
                if is_honorific(out.iter().rev().nth(blanks)) {
                    out.truncate(kept);
                }
                out.push(Piece::Neutral);
                let blanks = usize::from(rest.first().is_some_and(is_blank));
                if is_honorific(rest.get(blanks)) {
                    rest = rest.get(blanks + 1..).unwrap_or_default();
                }
            }
            Piece::Optional(inner) if inner.contains(&Piece::Value(Variable::Surname)) => {}
            piece => out.push(piece.clone()),
        }
    }
    out
}

/// The fault of a template that does not depend on values, for the check of a pack.
pub(crate) fn fault_of(text: &str) -> Option<String> {
    match pieces(text) {
        Err(fault) => Some(fault.to_string()),
        Ok(pieces) => {
            let has = |variable: &Variable| pieces.contains(&Piece::Value(*variable));
            let lacks = Variable::REQUIRED.iter().find(|variable| !has(variable));
            let spelt = |variable: &Variable| format!("lacks {{{}}} (domain 5.2), or has it in brackets only", variable.as_str());
            lacks.map(spelt).or_else(|| is_link(text).then(|| "has a link".to_owned()))
        }
    }
}

/// Top-level domains of short links and shops.
const TOP_LEVELS: [&str; 18] =
    ["com", "cn", "net", "org", "cc", "top", "xyz", "vip", "info", "me", "io", "link", "url", "club", "shop", "site", "ly", "co"];

/// Whether a text has something that a phone shows as a link.
fn is_link(text: &str) -> bool {
    let text = text.to_lowercase().replace(['．', '。'], ".");
    let is_host = |word: &str| {
        let host = word.split(['/', '?', ':']).next().unwrap_or_default();
        let labels: Vec<&str> = host.split('.').collect();
        labels.len() > 1
            && labels.iter().all(|label| !label.is_empty())
            && labels.last().is_some_and(|last| TOP_LEVELS.contains(last))
    };
    let ascii = |c: char| !(c.is_ascii_alphanumeric() || "./?:-_".contains(c));
    text.contains("://") || text.contains("www.") || text.split(ascii).any(is_host)
}

/// The fault of a value for a variable, if any. A text is made from such values only, and is checked by the same function, so a
/// text that was made also fits.
pub(super) fn fault_of_value(pack: &Pack, template: &Template, variable: Variable, value: &str) -> Option<TemplateFault> {
    let most = most(pack, variable);
    if value.chars().count() > most as usize {
        return Some(TemplateFault::TooLong { variable, most });
    }
    let fine = match variable {
        Variable::Surname => is_surname(value),
        Variable::Callback => {
            let marks = |c: char| c.is_ascii_digit() || "+-() ,".contains(c);
            value.chars().all(marks) && Numbers::read(value).is_ok()
        }
        Variable::Outlet => value.chars().filter(|c| c.is_numeric()).count() <= MOST_DIGITS,
        Variable::Time => is_time(value),
        Variable::Honorific | Variable::Brand | Variable::Waybill | Variable::Reason => true,
    };
    if fine { fault_of_sight(template, variable, value) } else { Some(TemplateFault::Type(variable)) }
}

/// The fault of a value that shows nothing, hides something, or is a link.
fn fault_of_sight(template: &Template, variable: Variable, value: &str) -> Option<TemplateFault> {
    if value.chars().any(is_unseen) || value.trim().is_empty() {
        return Some(TemplateFault::Type(variable));
    }
    (!template.links && is_link(value)).then_some(TemplateFault::Link(variable))
}

/// The fault of a pack's neutral address, for the check of a pack.
pub(crate) fn fault_of_neutral(text: &str) -> Option<&'static str> {
    match () {
        () if !(1..=MOST_NEUTRAL).contains(&text.chars().count()) => Some("1 to 20 characters"),
        () if text.trim().is_empty() || text.chars().any(is_unseen) => Some("has a character that is not to be seen"),
        () if is_link(text) => Some("has a link"),
        () if text.chars().any(char::is_numeric) => Some("has a digit"),
        () => None,
    }
}

/// The longest value of a variable, in characters.
pub(super) fn most(pack: &Pack, variable: Variable) -> u32 {
    pack.sms.most.get(variable.as_str()).copied().unwrap_or(variable.most())
}

/// Whether a text is a time of the day such as `14:05`.
fn is_time(text: &str) -> bool {
    let is_two = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once(':').is_some_and(|(hours, minutes)| is_two(hours) && is_two(minutes))
}

struct Renderer<'a> {
    pack: &'a Pack,
    template: &'a Template,
    language: Language,
    fields: &'a Fields<'a>,
    /// The surname, if the template can have it.
    surname: Option<String>,
}

impl Language {
    /// The words in this language.
    pub(super) fn of(self, words: &Words) -> &str {
        match self {
            Self::Zh => &words.zh,
            Self::En => &words.en,
        }
    }
}

impl Renderer<'_> {
    fn in_language<'w>(&self, words: &'w Words) -> &'w str {
        self.language.of(words)
    }

    /// The value of a variable; `None` if it is not known.
    fn value(&self, variable: Variable) -> Option<String> {
        let Fields { waybill, name: _, honorific, reason, callback, outlet, at } = self.fields;
        let honorifics = &self.pack.sms.honorifics;
        Some(match variable {
            Variable::Surname => self.surname.clone()?,
            Variable::Honorific => self
                .in_language(match honorific {
                    Honorific::Unknown => &honorifics.unknown,
                    Honorific::Male => &honorifics.male,
                    Honorific::Female => &honorifics.female,
                })
                .to_owned(),
            Variable::Brand => self.in_language(&self.pack.name).to_owned(),
            Variable::Waybill => waybill.to_string(),
            Variable::Reason => self.in_language(self.pack.code((*reason)?)?.sms_text.as_ref()?).to_owned(),
            Variable::Callback => (*callback)?.trim().to_owned(),
            Variable::Outlet => self.in_language((*outlet)?).to_owned(),
            Variable::Time => self.pack.local(*at)?.format("%H:%M").to_string(),
        })
        .filter(|value: &String| !value.trim().is_empty())
    }

    fn checked(&self, variable: Variable) -> Result<Option<String>, TemplateFault> {
        let Some(value) = self.value(variable) else { return Ok(None) };
        fault_of_value(self.pack, self.template, variable, &value).map_or(Ok(Some(value)), Err)
    }

    /// The text of some pieces; `None` for an optional part that lacks a value.
    fn text(&self, pieces: &[Piece<'_>], optional: bool) -> Result<Option<String>, TemplateFault> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Optional(inner) => out.push_str(&self.text(inner, true)?.unwrap_or_default()),
                Piece::Neutral => {
                    let address = self.pack.neutral_address(self.language);
                    match fault_of_sight(self.template, Variable::Honorific, address) {
                        Some(fault) => return Err(fault),
                        None => out.push_str(address),
                    }
                }
                Piece::Value(variable) => match self.checked(*variable)? {
                    Some(value) => out.push_str(&value),
                    None if optional => return Ok(None),
                    None => return Err(TemplateFault::Missing(*variable)),
                },
            }
        }
        Ok(Some(out))
    }
}

impl Pack {
    /// How a person is addressed whose name has no surname that can be read.
    pub(super) fn neutral_address(&self, language: Language) -> &str {
        let of_product = match language {
            Language::Zh => "尊敬的客户",
            Language::En => "Dear customer",
        };
        self.sms.neutral.as_ref().map_or(of_product, |words| language.of(words))
    }
}

/// The text of a template for a parcel. A person whose name has no surname, or none that the template can have, gets it with the
/// neutral address. Such a message tells the customer, but does not count (SMS-4).
pub fn render(pack: &Pack, template: &Template, language: Language, fields: &Fields<'_>) -> Result<Rendered, TemplateFault> {
    let source = match language {
        Language::Zh => &template.zh,
        Language::En => &template.en,
    };
    let fits = |surname: &String| fault_of_value(pack, template, Variable::Surname, surname).is_none();
    let surname = fields.name.and_then(|name| pack.surname(name)).filter(fits);
    let pieces = pieces(source)?;
    let pieces = if surname.is_some() { pieces } else { neutral(&pieces) };
    let renderer = Renderer { pack, template, language, fields, surname };
    let text = renderer.text(&pieces, false)?.unwrap_or_default();
    if text.len() > MAX_TEXT {
        return Err(TemplateFault::Text);
    }
    let segments = Segments::signed(&pack.sms.signature, &text);
    Ok(Rendered { template: template.id.clone(), version: template.version, text, segments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_and_names_are_none() {
        for link in ["http://a", "看www.x", "a.cn/3f", "点击t。cn/xyz 查看", "SHOP.TOP?x=1", "go to evil.link"] {
            assert!(is_link(link), "{link}");
        }
        for plain in ["王先生", "Mr. Wang", "3.5kg", "No.QH310000000017", "请联系。谢谢", "..", "a.", ".cn"] {
            assert!(!is_link(plain), "{plain}");
        }
    }

    #[test]
    fn a_neutral_address_takes_the_place_of_a_surname_and_of_the_honorific_beside_it() {
        use Piece::{Neutral, Text};
        let of = |text: &'static str| neutral(&pieces(text).unwrap());
        let honorific = || Piece::Value(Variable::Honorific);
        assert_eq!(of("{surname}{honorific}，您好"), [Neutral, Text("，您好")]);
        assert_eq!(of("Dear {honorific} {surname}, hi"), [Text("Dear "), Neutral, Text(", hi")]);
        assert_eq!(of("{surname} {honorific}!"), [Neutral, Text("!")]);
        assert_eq!(of("{surname}，{honorific}"), [Neutral, Text("，"), honorific()]);
        assert_eq!(of("a {surname}"), [Text("a "), Neutral]);
        assert_eq!(of("[{surname}{honorific}，]{surname}[{honorific}]"), [Neutral, Piece::Optional(vec![honorific()])]);
        assert_eq!(of("{honorific}，您好"), [honorific(), Text("，您好")]);
    }

    #[test]
    fn a_template_that_is_not_closed_or_lacks_what_it_needs_is_named() {
        assert_eq!(fault_of("{surname}{brand}{waybill}"), None);
        assert!(fault_of("{surname}{brand}[{waybill}]").unwrap().contains("waybill"));
        assert!(fault_of("{brand}{waybill}").unwrap().contains("surname"));
        assert!(fault_of("{surname}{brand}{waybill}{colour}").unwrap().contains("colour"));
        for open in ["{surname", "[{surname}", "surname}", "]", "[a[b]]"] {
            assert_eq!(pieces(open), Err(TemplateFault::Open), "{open}");
        }
    }
}
