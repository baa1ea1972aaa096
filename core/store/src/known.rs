//! Cases that are read before a record is written into them. Each is read and folded once; the checks of the rules, the list row and the
//! result of the recording all use that one case.

use std::collections::BTreeMap;

use doorstep_domain::{CaseId, Facts, NetworkCode, Waybill};
use doorstep_rules::Case;
use rusqlite::Connection;

use crate::{Store, StoreError, project};

/// Cases as they stood when they were read, by their main numbers.
#[derive(Debug, Default)]
pub struct KnownCases {
    /// The state of the database before the first case was read.
    state: Option<State>,
    /// By main number; `None` if the case has no record.
    cases: BTreeMap<Waybill, Option<Case>>,
}

/// A mark that changes with every write into the database, by another connection or by this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    others: i64,
    own: u64,
}

impl State {
    fn of(db: &Connection) -> Result<Self, StoreError> {
        let others = db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok(Self { others, own: db.total_changes() })
    }
}

impl KnownCases {
    /// Returns a case that was read; `None` if it has no record.
    pub fn case(&self, waybill: &Waybill) -> Option<&Case> {
        self.cases.get(waybill)?.as_ref()
    }

    /// Forgets all cases if the database was written since they were read. Call it inside the transaction that writes next.
    pub(crate) fn forget_what_has_moved(&mut self, db: &Connection) -> Result<(), StoreError> {
        if !self.cases.is_empty() && self.state != Some(State::of(db)?) {
            self.cases.clear();
        }
        Ok(())
    }

    /// Removes and returns a case. `None` if it was not read, was forgotten, or has no record.
    pub(crate) fn take(&mut self, waybill: &Waybill) -> Option<Case> {
        self.cases.remove(waybill)?
    }

    /// Whether a case was read and has neither a record nor a refused change.
    pub(crate) fn is_new(&self, waybill: &Waybill) -> bool {
        matches!(self.cases.get(waybill), Some(None))
    }

    /// The facts of a case. The outer `None`: it was not read. The inner `None`: it has no record.
    pub(crate) fn facts(&self, waybill: &Waybill) -> Option<Option<Facts>> {
        self.cases.get(waybill).map(|case| case.as_ref().map(|case| case.facts.clone()))
    }
}

impl Store {
    /// Reads and folds the case of a main number, unless `known` has it already. It is not judged.
    pub fn know(&mut self, waybill: &Waybill, known: &mut KnownCases) -> Result<(), StoreError> {
        if known.cases.contains_key(waybill) {
            return Ok(());
        }
        if known.state.is_none() {
            known.state = Some(State::of(&self.db)?);
        }
        self.load_book()?;
        let Some((_, book)) = &self.book else { return Ok(()) };
        let network: NetworkCode = book.newest().pack.network.parse().map_err(|_| StoreError::Damaged("reference"))?;
        let entries = project::entries(&self.db, &CaseId::of(&network, waybill))?;
        let case = if entries.is_empty() { None } else { Case::fold(entries) };
        known.cases.insert(waybill.clone(), case);
        Ok(())
    }
}
