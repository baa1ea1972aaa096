//! Cases that are read before something is recorded in them: each once, for the rules that allow it, for its row and for what is
//! shown of it then.

use std::collections::BTreeMap;

use doorstep_domain::{CaseId, Facts, NetworkCode, Waybill};
use doorstep_rules::Case;
use rusqlite::Connection;

use crate::{Store, StoreError, project};

/// Cases as they stood when they were read, by their main numbers.
#[derive(Debug, Default)]
pub struct KnownCases {
    /// What the database was at before the first of them was read.
    state: Option<State>,
    /// `None`: nothing is recorded there.
    cases: BTreeMap<Waybill, Option<Case>>,
}

/// Whether anything has been written into the database: by other connections, and how many rows by this one.
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
    /// A case that was read; `None` if nothing is recorded in it.
    pub fn case(&self, waybill: &Waybill) -> Option<&Case> {
        self.cases.get(waybill)?.as_ref()
    }

    /// Forgets all of them, if anything was written since. Inside of the transaction that writes next.
    pub(crate) fn forget_what_has_moved(&mut self, db: &Connection) -> Result<(), StoreError> {
        if !self.cases.is_empty() && self.state != Some(State::of(db)?) {
            self.cases.clear();
        }
        Ok(())
    }

    /// A case that was read, for whoever goes on from it: `None` if it was not, or was forgotten, or nothing is recorded in it.
    pub(crate) fn take(&mut self, waybill: &Waybill) -> Option<Case> {
        self.cases.remove(waybill)?
    }

    /// Whether a case was read and nothing is recorded in it, nor was anything refused.
    pub(crate) fn is_new(&self, waybill: &Waybill) -> bool {
        matches!(self.cases.get(waybill), Some(None))
    }

    /// The facts of a case that was read: `None` if it was not read.
    pub(crate) fn facts(&self, waybill: &Waybill) -> Option<Option<Facts>> {
        self.cases.get(waybill).map(|case| case.as_ref().map(|case| case.facts.clone()))
    }
}

impl Store {
    /// Reads the case of a main number for what will be recorded in it, unless it was read. No rules are asked.
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
