//! Cases that are read before something is recorded in them: each once, for the rules that allow it, for its row and for what is
//! shown of it then.

use std::collections::BTreeMap;

use doorstep_domain::{CaseId, Facts, NetworkCode, Standing, Waybill};
use doorstep_rules::{Case, Judgement, judge};
use rusqlite::Connection;

use crate::{Action, CaseView, Store, StoreError, Written, project, record::Made};

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

    /// The parcel's facts as a case has them; read from its changes, if the case is not among these.
    pub(crate) fn facts(&self, db: &Connection, id: &CaseId, waybill: &Waybill) -> Result<Option<Facts>, StoreError> {
        match self.cases.get(waybill) {
            Some(case) => Ok(case.as_ref().map(|case| case.facts.clone())),
            None => crate::record::known_facts(db, id),
        }
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

    /// Records an action as [`Store::record`] does, on cases that were read for it, and tells how each of its cases stands then:
    /// no case is read a second time, unless another process has written meanwhile.
    pub fn record_on(&mut self, action: &Action, mut known: KnownCases) -> Result<(Vec<Written>, Vec<CaseView>), StoreError> {
        let made = self.write(action, &mut known)?;
        let mut after: BTreeMap<CaseId, (Case, Option<Judgement>)> = BTreeMap::new();
        let mut written = Vec::with_capacity(made.len());
        for (Made { written: this, change, row }, target) in made.into_iter().zip(&action.cases) {
            written.push(this);
            // Two pieces of a shipment have one case.
            let before = after.remove(&this.case).map(|(case, _)| Some(case)).or_else(|| known.cases.remove(&target.waybill));
            let stands = match (before, row) {
                (Some(None), Some((case, judgement))) => Some((case, Some(judgement))),
                (Some(Some(case)), _) => Some((case.with(project::recorded(&change, &Standing::OnThisDevice).collect()), None)),
                _ => None,
            };
            after.extend(stands.map(|stands| (this.case, stands)));
        }
        let (book, now) = (self.book()?.ok_or(StoreError::NoPack)?, action.now);
        let mut views = Vec::with_capacity(written.len());
        for Written { case: id, .. } in &written {
            match after.remove(id) {
                Some((case, judgement)) => {
                    let judgement = judgement.unwrap_or_else(|| judge(&case, &book, now));
                    views.push(CaseView { id: *id, case, judgement });
                }
                None => views.extend(self.case_by_id(id, now)?),
            }
        }
        Ok((written, views))
    }
}
