//! Documents of all kinds. Changes, batches, receipts and feeds refer to documents.

use crate::{CaseId, Day, IdError, NetworkCode, OutletCode, ids::id_of};

/// The id of a document of any kind. All kinds share the type of a case's id, because every kind derives its id in the same way
/// and stored and signed rows are the same for all. An id alone does not show the kind of its document; [`DocRef`] is the id with
/// its kind.
pub type DocId = CaseId;

/// The kinds of documents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DocKind {
    /// One problem parcel.
    #[default]
    Case,
    /// One day of an outlet, for entries that belong to no single parcel (domain 9.5, 9.6).
    Sheet,
}

/// Prefix of a sheet's entry kinds. It keeps rights apart: a right on a case's `note` does not cover a sheet's `s_note`.
const OF_A_SHEET: &str = "s_";

impl DocKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Case, Self::Sheet];

    /// The kind's number in digests, leaves and rows.
    pub const fn number(self) -> u32 {
        match self {
            Self::Case => 0,
            Self::Sheet => 1,
        }
    }

    /// The kind with this number; `None` for a kind that this version does not know.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The kind's number in a message; `None` for a case, which messages leave out.
    pub fn named(self) -> Option<u32> {
        (self != Self::Case).then_some(self.number())
    }

    /// The kind that a message names; `None` for a kind that this version does not know.
    pub fn of_named(named: Option<u32>) -> Option<Self> {
        named.map_or(Some(Self::Case), Self::from_number)
    }

    /// The kind of document that a kind of entry belongs to, also for unknown kinds of entry. One letter before the first `_`
    /// names the kind of document; without such a letter it is a case. `None` for a kind of document that this version does not
    /// know.
    pub fn of_entry(kind: &str) -> Option<Self> {
        if kind.starts_with(OF_A_SHEET) {
            return Some(Self::Sheet);
        }
        (kind.find('_') != Some(1)).then_some(Self::Case)
    }
}

/// A reference to a document: its id and its kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocRef {
    /// The document's kind.
    pub kind: DocKind,
    /// The document's id.
    pub id: DocId,
}

impl DocRef {
    /// The reference to the document of this kind and id.
    pub const fn new(kind: DocKind, id: DocId) -> Self {
        Self { kind, id }
    }

    /// The sheet of an outlet's day: first 16 bytes of SHA-256 over the length-prefixed (32-bit big-endian) UTF-8 strings
    /// `sheet/v1`, network code, outlet code and the day as an ISO date. So two tablets without a network write one document.
    pub fn sheet(network: &NetworkCode, outlet: &OutletCode, day: Day) -> Self {
        let id = id_of(&["sheet/v1", network.as_str(), outlet.as_str(), &day.to_string()]);
        Self::new(DocKind::Sheet, id)
    }
}

impl From<&CaseId> for DocRef {
    fn from(case: &CaseId) -> Self {
        Self::new(DocKind::Case, *case)
    }
}

impl TryFrom<u32> for DocKind {
    type Error = IdError;
    fn try_from(number: u32) -> Result<Self, IdError> {
        Self::from_number(number).ok_or(IdError::DocKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Waybill};

    #[test]
    fn every_entry_kind_belongs_to_one_kind_of_document() {
        let of_sheets: Vec<_> =
            Kind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| DocKind::of_entry(kind) == Some(DocKind::Sheet)).collect();
        assert_eq!(of_sheets, ["s_note", "s_day"]);
        assert!(Kind::ALL.iter().all(|kind| DocKind::of_entry(kind.as_str()).is_some()));
        assert_eq!(DocKind::of_entry("weighing"), Some(DocKind::Case), "a newer version's");
        assert_eq!(DocKind::of_entry("s_weighing"), Some(DocKind::Sheet), "a newer version's");
        assert_eq!(DocKind::of_entry("t_intake"), None, "of a kind of document that is not known");
    }

    #[test]
    fn a_case_is_named_by_nothing_and_a_number_that_is_not_known_is_no_kind() {
        let named: Vec<_> = DocKind::ALL.iter().map(|kind| kind.named()).collect();
        assert_eq!(named, [None, Some(1)]);
        assert!(DocKind::ALL.iter().all(|kind| DocKind::of_named(kind.named()) == Some(*kind)));
        assert_eq!((DocKind::of_named(Some(0)), DocKind::of_named(Some(2))), (Some(DocKind::Case), None));
    }

    #[test]
    fn the_sheet_of_a_day_is_the_same_document_on_every_device() {
        let (network, outlet, day) = ("QH".parse().unwrap(), "0412".parse().unwrap(), "2026-03-02".parse().unwrap());
        // Golden: a different value would split every existing sheet in two.
        let sheet = DocRef::sheet(&network, &outlet, day);
        assert_eq!(sheet.id.to_string(), "21db365626bfb61ef0ae5871ad37c8c6");
        let next = DocRef::sheet(&network, &outlet, "2026-03-03".parse().unwrap());
        assert_ne!(sheet.id, next.id);
        assert_ne!(sheet.id, CaseId::of(&network, &Waybill::parse("QH310000000017").unwrap()));
    }
}
