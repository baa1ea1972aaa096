//! What an entry says, line by line, as the person who is signed in may see it.

use doorstep_rules::{Line, Pack, PersonalValue, Unit, Value, Words};

use crate::{
    commands::masked,
    words::{Bilingual, named},
};

/// One thing that an entry says. It may hold a customer's data: for the screen, never for a log; as text it shows none of it.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Display)]
pub struct ToldLine {
    /// What it is: `reason`, `phone`, `address`, `words`, ... A newer version may have others.
    pub label: String,
    /// `label` in words.
    pub label_name: Bilingual,
    /// The value.
    pub value: ToldValue,
    /// For a personal value: its sort, whom it is for, and whether it is in clear.
    pub personal: Option<ToldPersonal>,
    /// Whether it proves or orders something and is no news for a person: a hash, a version. A screen may leave it out.
    pub is_detail: bool,
}

impl std::fmt::Display for ToldLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ToldLine({})", self.label)
    }
}

/// What is said of a personal value.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ToldPersonal {
    /// What sort it is: `name`, `phone`, `address`, `position`, `customers_words`, `staff_words`.
    pub sort: String,
    /// Whom it is for: `recipient` (to call or to find them), `sender`, `customer`, `colleague`, `author`, `handlers`.
    pub whom: String,
    /// `whom` in words.
    pub whom_name: Bilingual,
    /// Whether the value is as it was written. Otherwise the person may not see it, and it is masked, or it is sealed.
    pub is_clear: bool,
}

/// A value with its type.
#[derive(Clone, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Display)]
pub enum ToldValue {
    /// Text.
    Text {
        /// The text as it was written, or masked.
        text: String,
    },
    /// Text that is sealed under a key that is not here.
    Sealed,
    /// A code of the network's rules, or a fixed word.
    Code {
        /// Its spelling.
        code: String,
        /// `code` in words.
        name: Bilingual,
    },
    /// It is so. Where it is not, there is no line.
    Yes,
    /// A moment: milliseconds since 1970, UTC.
    Time {
        /// When.
        at_ms: i64,
    },
    /// A day by the network's clocks.
    Day {
        /// Days since 1970-01-01.
        days: i32,
    },
    /// Money.
    Money {
        /// How much, in fen.
        fen: i64,
    },
    /// A number.
    Number {
        /// How many.
        count: u64,
        /// The unit: `items`, `minutes`, `grams`, `percent`, `points`.
        unit: String,
        /// `unit` in words; absent for `points`, which have no unit.
        unit_name: Option<Bilingual>,
    },
    /// An outlet.
    Outlet {
        /// Its code.
        code: String,
    },
    /// An account.
    Person {
        /// The account.
        user: String,
    },
    /// A waybill.
    Waybill {
        /// In its one spelling.
        waybill: String,
    },
    /// A photo.
    Photo {
        /// SHA-256 of its bytes.
        photo: String,
        /// Their length, where the entry says it.
        len: Option<u64>,
    },
    /// Another entry of the case.
    Entry {
        /// Its key.
        key: String,
    },
    /// A finding.
    Finding {
        /// Its id.
        about: String,
    },
    /// A position on earth (WGS 84), in ten-millionths of a degree.
    Position {
        /// Latitude.
        lat_e7: i32,
        /// Longitude.
        lon_e7: i32,
    },
    /// Bytes that say nothing to a person: hashes, marks, a picture's placeholder.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

masked!(ToldValue);

impl ToldLine {
    pub(crate) fn of(line: Line, pack: Option<&Pack>) -> Self {
        let Line { label, value, personal, is_detail } = line;
        Self {
            label: label.as_str().to_owned(),
            label_name: label.words(pack).into(),
            value: ToldValue::of(value, pack),
            personal: personal.map(|personal| ToldPersonal::of(personal, pack)),
            is_detail,
        }
    }
}

impl ToldPersonal {
    fn of(PersonalValue { sort, whom, is_clear }: PersonalValue, pack: Option<&Pack>) -> Self {
        let (sort, whom) = (sort.as_str().to_owned(), whom.as_str());
        Self { sort, whom: whom.to_owned(), whom_name: named(pack, whom), is_clear }
    }
}

impl ToldValue {
    fn of(value: Value, pack: Option<&Pack>) -> Self {
        let code = |code: String, name: Words| Self::Code { code, name: name.into() };
        match value {
            Value::Text(text) => Self::Text { text },
            Value::Sealed => Self::Sealed,
            Value::Code { code: spelling, name } => code(spelling, name),
            Value::Word { word, name } => code(word.to_owned(), name),
            Value::Yes => Self::Yes,
            Value::Time(at) => Self::Time { at_ms: at.0 },
            Value::Day(days) => Self::Day { days },
            Value::Money(amount) => Self::Money { fen: amount.0 },
            Value::Number { count, unit } => {
                let unit_name = (unit != Unit::Points).then(|| named(pack, unit.as_str()));
                Self::Number { count, unit: unit.as_str().to_owned(), unit_name }
            }
            Value::Outlet(outlet) => Self::Outlet { code: outlet.to_string() },
            Value::Person(user) => Self::Person { user: user.to_string() },
            Value::Waybill(waybill) => Self::Waybill { waybill: waybill.to_string() },
            Value::Photo { id, len } => Self::Photo { photo: id.to_string(), len },
            Value::Entry(key) => Self::Entry { key: key.to_string() },
            Value::Finding(about) => Self::Finding { about: about.to_string() },
            Value::Position(place) => Self::Position { lat_e7: place.lat_e7, lon_e7: place.lon_e7 },
            Value::Bytes(bytes) => Self::Bytes { bytes },
        }
    }
}

#[cfg(test)]
mod tests;
