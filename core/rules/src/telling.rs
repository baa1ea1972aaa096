//! The content of an entry as labelled lines with typed values. The command line, head office's pages, the reasons
//! ([`crate::explain`]) and the apps show these lines and interpret no entry themselves. Personal values are masked unless the
//! reader may see them, see [`Sight`].

mod entry;
mod label;
mod sight;

use doorstep_domain::{
    About, Entry, EntryKey, Fen, GeoPosition, HIDDEN, OutletCode, Personal, PhotoId, UnixMs, UserId, Waybill, mask_address,
    mask_name, mask_position, mask_words, words,
};

pub use self::{
    label::{Label, Sort, Whom},
    sight::{Sight, shown},
};
use crate::{Case, Pack, Words};

/// One line of an entry's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The label.
    pub label: Label,
    /// The value.
    pub value: Value,
    /// For a personal value: its sort, whom it is for, and whether it is unmasked.
    pub personal: Option<PersonalValue>,
    /// Whether it is technical (a hash, a version, a size). Screens for people may leave it out.
    pub is_detail: bool,
}

/// Properties of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalValue {
    /// The sort.
    pub sort: Sort,
    /// Whom it is for.
    pub whom: Whom,
    /// Whether the value is unmasked. Otherwise it is masked or sealed.
    pub is_clear: bool,
}

/// A value with its type. Its `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, with its line breaks. It comes from another device, so a terminal must remove control sequences.
    Text(String),
    /// Text that is sealed under a key that this device does not have.
    Sealed,
    /// A code of the network's pack with its name.
    Code {
        /// The code.
        code: String,
        /// Its name; the code itself if the pack has none.
        name: Words,
    },
    /// One of the product's fixed words.
    Word {
        /// Its spelling.
        word: &'static str,
        /// The displayed words.
        name: Words,
    },
    /// The statement of the label holds. If it does not, there is no line.
    Yes,
    /// A moment.
    Time(UnixMs),
    /// A day: days since 1970-01-01 in the network's time zone.
    Day(i32),
    /// Money.
    Money(Fen),
    /// A number.
    Number {
        /// The number.
        count: u64,
        /// The unit.
        unit: Unit,
    },
    /// An outlet.
    Outlet(OutletCode),
    /// An account.
    Person(UserId),
    /// A waybill.
    Waybill(Waybill),
    /// A photo.
    Photo {
        /// SHA-256 of its bytes.
        id: PhotoId,
        /// Length of the bytes, if the entry has it.
        len: Option<u64>,
    },
    /// Another entry.
    Entry(EntryKey),
    /// A finding: a rule applied to an entry.
    Finding(About),
    /// A position on earth.
    Position(GeoPosition),
    /// Bytes without meaning for a person, such as hashes.
    Bytes(Vec<u8>),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Text(_) => "Text",
            Self::Sealed => "Sealed",
            Self::Code { code, .. } => return write!(f, "Code({code})"),
            Self::Word { word, .. } => return write!(f, "Word({word})"),
            Self::Yes => "Yes",
            Self::Time(_) => "Time",
            Self::Day(_) => "Day",
            Self::Money(_) => "Money",
            Self::Number { .. } => "Number",
            Self::Outlet(_) => "Outlet",
            Self::Person(_) => "Person",
            Self::Waybill(_) => "Waybill",
            Self::Photo { .. } => "Photo",
            Self::Entry(_) => "Entry",
            Self::Finding(_) => "Finding",
            Self::Position(_) => "Position",
            Self::Bytes(_) => "Bytes",
        };
        write!(f, "{kind}(***)")
    }
}

words!(
    /// The unit of a number.
    Unit {
        /// Things.
        Items = "items",
        /// Minutes.
        Minutes = "minutes",
        /// Seconds.
        Seconds = "seconds",
        /// Grams.
        Grams = "grams",
        /// Hundredths.
        Percent = "percent",
        /// Points of a scale without a unit: sharpness, brightness, a version.
        Points = "points",
    }
);

/// The content of a case's entry, in reading order; the first line is the main one. `pack` gives names and words, `sight` decides
/// how the reader sees customers' data.
pub fn tell(entry: &Entry, case: &Case, pack: Option<&Pack>, sight: Sight) -> Vec<Line> {
    let mut telling = Telling { pack, sight, waybill: case.facts.waybill.as_str(), lines: Vec::new() };
    telling.entry(entry);
    telling.lines
}

/// The content of a sheet's entry. A sheet has no parcel, so only the words of staff may name a customer.
pub fn tell_of_sheet(entry: &Entry, pack: Option<&Pack>, sight: Sight) -> Vec<Line> {
    let mut telling = Telling { pack, sight, waybill: "", lines: Vec::new() };
    telling.entry(entry);
    telling.lines
}

/// The first line with a code, word, outlet, account or waybill, which names the main subject of an entry; `None` if there is
/// none.
pub fn head(lines: &[Line]) -> Option<&Line> {
    lines.first().filter(|line| line.value.name().is_some())
}

/// The main subject in words for a chain of reasons: a registration has its code and sub-reason, an addressee has an arrow. It
/// has no personal data.
pub(crate) fn brief(lines: &[Line]) -> Option<Words> {
    let head = head(lines)?;
    let name = head.value.name()?;
    match &head.value {
        Value::Code { code, .. } if head.label == Label::Reason => {
            let sub = lines.iter().find(|line| line.label == Label::SubReason).and_then(|line| line.value.name());
            let part = |text: fn(&Words) -> &str| sub.as_ref().map_or_else(String::new, |sub| format!("/{}", text(sub)));
            let (zh, en) = (part(|words| &words.zh), part(|words| &words.en));
            Some(Words { zh: format!("{code} {}{zh}", name.zh), en: format!("{code} {}{en}", name.en) })
        }
        Value::Outlet(_) | Value::Person(_) => Some(Words { zh: format!("→ {}", name.zh), en: format!("→ {}", name.en) }),
        Value::Code { .. } | Value::Word { .. } => Some(name),
        _ => None,
    }
}

impl Value {
    /// The words for a value that is a name: a code, a fixed word, an outlet, an account or a waybill.
    pub fn name(&self) -> Option<Words> {
        let alike = |text: &str| Words { zh: text.to_owned(), en: text.to_owned() };
        match self {
            Self::Code { name, .. } | Self::Word { name, .. } => Some(name.clone()),
            Self::Outlet(code) => Some(alike(code.as_str())),
            Self::Person(user) => Some(alike(user.as_str())),
            Self::Waybill(waybill) => Some(alike(waybill.as_str())),
            _ => None,
        }
    }
}

/// Collects the lines.
struct Telling<'a> {
    pack: Option<&'a Pack>,
    sight: Sight,
    /// The waybill that stays readable in words; empty for none.
    waybill: &'a str,
    lines: Vec<Line>,
}

impl Telling<'_> {
    fn line(&mut self, label: Label, value: Value) {
        self.lines.push(Line { label, value, personal: None, is_detail: false });
    }

    /// A line that a screen for people may leave out.
    fn detail(&mut self, label: Label, value: Value) {
        self.lines.push(Line { label, value, personal: None, is_detail: true });
    }

    /// Adds a line if there is a value.
    fn given<T>(&mut self, label: Label, value: Option<T>, of: impl FnOnce(T) -> Value) {
        if let Some(value) = value {
            self.line(label, of(value));
        }
    }

    /// Adds a line if the flag is set.
    fn flag(&mut self, label: Label, is_so: bool) {
        if is_so {
            self.line(label, Value::Yes);
        }
    }

    fn number(&mut self, label: Label, count: Option<u32>, unit: Unit) {
        self.given(label, count, |count| Value::Number { count: count.into(), unit });
    }

    /// Adds a code of the pack.
    fn code(&mut self, label: Label, code: &str) {
        let name = self.pack.map_or_else(|| Words { zh: code.to_owned(), en: code.to_owned() }, |pack| pack.name_of(code));
        self.line(label, Value::Code { code: code.to_owned(), name });
    }

    /// Adds the result of an answer, whose names the pack has with its step.
    fn result(&mut self, label: Label, code: &str) {
        let name =
            self.pack.map_or_else(|| Words { zh: code.to_owned(), en: code.to_owned() }, |pack| pack.name_of_result("", code));
        self.line(label, Value::Code { code: code.to_owned(), name });
    }

    /// Adds the reason of a registration with its sub-reason.
    fn reason(&mut self, reason: &str, sub: Option<&str>) {
        self.code(Label::Reason, reason);
        if let Some(sub) = sub {
            let name =
                self.pack.map_or_else(|| Words { zh: sub.to_owned(), en: sub.to_owned() }, |pack| pack.name_of_sub(reason, sub));
            self.line(Label::SubReason, Value::Code { code: sub.to_owned(), name });
        }
    }

    /// A fixed word.
    fn word(&mut self, label: Label, word: &'static str) {
        self.word_named(label, word, word);
    }

    /// Adds a fixed word whose spelling is also used elsewhere; `key` names its displayed words.
    fn word_named(&mut self, label: Label, word: &'static str, key: &str) {
        let name = label::key_words(self.pack, key);
        self.line(label, Value::Word { word, name });
    }

    /// Adds a personal value as the reader may see it. Data of outlets themselves are not a customer's and always unmasked.
    fn personal(&mut self, label: Label, sort: Sort, whom: Whom, value: Option<&Personal>) {
        let Some(value) = value else { return };
        let (value, is_clear) = match value.text() {
            None => (Value::Sealed, false),
            Some(text) if self.sight == Sight::Clear || whom == Whom::Colleague => (Value::Text(text.to_owned()), true),
            Some(text) => {
                let masked = match sort {
                    Sort::Name => mask_name(text),
                    Sort::Phone => doorstep_domain::mask_number(text),
                    Sort::Address => mask_address(text),
                    Sort::CustomersWords | Sort::Position => HIDDEN.to_owned(),
                    Sort::StaffWords => mask_words(text, self.waybill),
                };
                let is_clear = masked == text;
                (Value::Text(masked), is_clear)
            }
        };
        self.lines.push(Line { label, value, personal: Some(PersonalValue { sort, whom, is_clear }), is_detail: false });
    }

    /// Adds words of a person who works on the case.
    fn words(&mut self, label: Label, value: Option<&Personal>) {
        self.personal(label, Sort::StaffWords, Whom::Handlers, value);
    }

    /// Adds where a photo was taken, which reveals where its author was.
    fn position(&mut self, label: Label, place: Option<GeoPosition>) {
        let Some(place) = place else { return };
        let is_clear = self.sight == Sight::Clear;
        let value = Value::Position(if is_clear { place } else { mask_position(place) });
        let personal = Some(PersonalValue { sort: Sort::Position, whom: Whom::Author, is_clear });
        self.lines.push(Line { label, value, personal, is_detail: true });
    }

    fn about(&mut self, label: Label, about: &About) {
        let value = match about.rule {
            Some(_) => Value::Finding(about.clone()),
            None => Value::Entry(about.entry.clone()),
        };
        self.line(label, value);
    }
}
