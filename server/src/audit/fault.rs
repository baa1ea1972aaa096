//! What can be wrong with the log, and what a look has found.

use doorstep_domain::{CaseId, ChangeHash, InstallId};
use serde::Serialize;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// A link is not there.
    LinkMissing,
    /// A link is not what was signed, or does not follow the one before.
    LinkAltered,
    /// A batch for which a link vouches is not there.
    BatchMissing,
    /// A batch is not what its device signed, or its columns say something else.
    BatchAltered,
    /// A batch follows another one than the one that is stored before it, and no fork was found when it came.
    BatchMisplaced,
    /// No link vouches for the verdicts on a batch.
    BatchUnvouched,
    /// The verdicts on a batch, the place of a change or the first receipt of a refused one are not those that were given.
    VerdictsAltered,
    /// A change that was taken is not there.
    ChangeMissing,
    /// A change is not the one that its batch brought, or its columns say something else.
    ChangeAltered,
    /// The receipt of a change is not the one that was answered.
    ReceiptAltered,
    /// A change stands in no batch, or in none of those that it names.
    ChangeUnfounded,
    /// A change that was refused is not in quarantine.
    RefusedMissing,
    /// A change in quarantine is not the one that its batch brought, or has another reason than the one that was answered.
    RefusedAltered,
    /// A change in quarantine stands in no batch.
    RefusedUnfounded,
    /// What the server itself wrote is not there.
    OwnMissing,
    /// What the server itself wrote, or its receipt, is not what it signed.
    OwnAltered,
    /// No link vouches for what is said to be the server's own.
    OwnUnvouched,
    /// The places of a case's changes have a gap, or are not as many as the case says.
    CaseIncomplete,
    /// Something of what was there before links were made has been changed, removed or added since.
    BeforeAltered,
    /// A row can not be read: a column holds what no server writes.
    Unreadable,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Fault {
    /// What.
    pub wrong: Wrong,
    /// The case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// The case's waybill, as far as its row says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waybill: Option<String>,
    /// The change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeHash>,
    /// The installation in whose chain the batch is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<InstallId>,
    /// The batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u64>,
    /// The number of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<u64>,
    /// The table and the key of a row that can not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<String>,
}

/// What looking over the log has given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Links.
    pub links: u64,
    /// Batches that were held against their signature and their changes.
    pub batches: u64,
    /// Changes of devices.
    pub changes: u64,
    /// Changes that the server itself wrote.
    pub own: u64,
    /// Changes in quarantine.
    pub refused: u64,
    /// Batches whose verdicts nobody vouches for, each alone: they are from before. A look over all of the log holds them together
    /// against what was there when links began.
    pub batches_before: u64,
    /// The same for the server's own changes.
    pub own_before: u64,
    /// Batches whose predecessor never arrived.
    pub gaps: u64,
    /// What is wrong; at most [`MOST_FAULTS`].
    pub faults: Vec<Fault>,
    /// How much is wrong beside that.
    pub more_faults: u64,
    /// Why the look could not go on to the end of the log; what it found until then is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
}

/// Most faults that are named.
pub const MOST_FAULTS: usize = 1_000;

impl Fault {
    pub(super) fn of(wrong: Wrong) -> Self {
        Self { wrong, case: None, waybill: None, change: None, install: None, batch: None, link: None, row: None }
    }
}
