//! The faults that an audit of the log can find, and its result.

use doorstep_domain::{CaseId, ChangeHash, InstallId};
use serde::Serialize;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// A link is missing.
    LinkMissing,
    /// A link differs from its signed form, or does not follow the one before.
    LinkAltered,
    /// A batch for which a link vouches is missing.
    BatchMissing,
    /// A batch differs from its signed form, or its columns contradict it.
    BatchAltered,
    /// A batch follows another predecessor than the stored one, and no fork was found on its arrival.
    BatchMisplaced,
    /// No link vouches for the verdicts on a batch.
    BatchUnvouched,
    /// The verdicts on a batch, the place of a change or the first receipt of a refused change differ from those that were given.
    VerdictsAltered,
    /// An accepted change is missing.
    ChangeMissing,
    /// A change differs from the one that its batch brought, or its columns contradict it.
    ChangeAltered,
    /// The receipt of a change differs from the one in the answer.
    ReceiptAltered,
    /// A change stands in no batch, or in none of the batches that it names.
    ChangeUnfounded,
    /// A refused change is missing from quarantine.
    RefusedMissing,
    /// A change in quarantine differs from the one that its batch brought, or has another reason than the answer gave.
    RefusedAltered,
    /// A change in quarantine stands in no batch.
    RefusedUnfounded,
    /// A change of the server itself is missing.
    OwnMissing,
    /// A change of the server itself, or its receipt, differs from its signed form.
    OwnAltered,
    /// No link vouches for a change that claims to be the server's own.
    OwnUnvouched,
    /// The places of a case's changes have a gap, or their number differs from the one in the case's row.
    CaseIncomplete,
    /// Automerge can not merge a case, or its merge has other heads than the case's row.
    CaseUnmerged,
    /// Data from before the first link has been changed, removed or added since.
    BeforeAltered,
    /// A row can not be read: a column holds a value that no server writes.
    Unreadable,
}

/// One fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Fault {
    /// The kind of fault.
    pub wrong: Wrong,
    /// The case of the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// The waybill in the case's row, if it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waybill: Option<String>,
    /// The change of the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeHash>,
    /// The installation in whose chain the batch is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallId>,
    /// The number of the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u64>,
    /// The number of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<u64>,
    /// The table and the key of a row that can not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

/// The result of an audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// How many links were checked.
    pub links: u64,
    /// How many batches were checked against their signature and their changes.
    pub batches: u64,
    /// How many changes of devices were checked.
    pub changes: u64,
    /// How many changes of the server itself were checked.
    pub own: u64,
    /// How many changes in quarantine were checked.
    pub refused: u64,
    /// How many batches have verdicts for which no link vouches, because they are older than the first link. An audit of the
    /// whole log checks them together against the digest that was made when links began.
    pub batches_before: u64,
    /// How many of the server's own changes are older than the first link. An audit of the whole log checks them together, like
    /// `batches_before`.
    pub own_before: u64,
    /// How many batches have a predecessor that never arrived.
    pub gaps: u64,
    /// The faults, at most [`MOST_FAULTS`].
    pub faults: Vec<Fault>,
    /// How many faults were found beyond [`MOST_FAULTS`].
    pub more_faults: u64,
    /// Why the audit stopped before the end of the log. The faults until then are in `faults`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
}

/// The largest number of faults that are listed.
pub const MOST_FAULTS: usize = 1_000;

impl Fault {
    pub(super) fn of(wrong: Wrong) -> Self {
        Self { wrong, case: None, waybill: None, change: None, install: None, batch: None, link: None, row: None }
    }
}
