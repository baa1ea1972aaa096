//! Documents: what changes, batches, receipts and feeds are about, whatever kind it is.

use crate::{CaseId, Day, IdError, NetworkCode, OutletCode, ids::id_of};

/// The id of a document of any kind. It is the type of a case's id: an id alone does not say of which kind its document is, every
/// kind derives it in the same way, and stored and signed rows are the same for all. [`DocRef`] is the id with its kind.
pub type DocId = CaseId;

/// The kinds of documents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum DocKind {
    /// One problem parcel.
    #[default]
    Case,
    /// One day of an outlet: what belongs to no single parcel (domain 9.5, 9.6).
    Sheet,
}

/// Entry kinds of a sheet begin so. A right on a case's `note` is none on a sheet's `s_note`.
const OF_A_SHEET: &str = "s_";

impl DocKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[Self::Case, Self::Sheet];

    /// Its number in digests, leaves and rows.
    pub const fn number(self) -> u32 {
        match self {
            Self::Case => 0,
            Self::Sheet => 1,
        }
    }

    /// The kind with this number; `None`: one that this version does not know.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// As messages name it: absent for a case.
    pub fn named(self) -> Option<u32> {
        (self != Self::Case).then_some(self.number())
    }

    /// What a message names; `None`: a kind that this version does not know.
    pub fn of_named(named: Option<u32>) -> Option<Self> {
        named.map_or(Some(Self::Case), Self::from_number)
    }

    /// The kind of document that a kind of entry belongs to, also one that this version does not know; `None`: it belongs to a kind of
    /// document that this version does not know. One letter before the first `_` names the kind of document, and no letter is a case.
    pub fn of_entry(kind: &str) -> Option<Self> {
        if kind.starts_with(OF_A_SHEET) {
            return Some(Self::Sheet);
        }
        (kind.find('_') != Some(1)).then_some(Self::Case)
    }
}

/// A document: its id and of which kind it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DocRef {
    /// Of which kind it is.
    pub kind: DocKind,
    /// Its id.
    pub id: DocId,
}

impl DocRef {
    /// A document.
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
        // Golden: another value would split every existing sheet in two.
        let sheet = DocRef::sheet(&network, &outlet, day);
        assert_eq!(sheet.id.to_string(), "21db365626bfb61ef0ae5871ad37c8c6");
        let next = DocRef::sheet(&network, &outlet, "2026-03-03".parse().unwrap());
        assert_ne!(sheet.id, next.id);
        assert_ne!(sheet.id, CaseId::of(&network, &Waybill::parse("QH310000000017").unwrap()));
    }
}
